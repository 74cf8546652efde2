//! Which device asks. A token that is there and not good is a fault, and never the same as none: a policy may pay for what nobody
//! in particular asks, and refuse it to a device that was revoked.

use std::time::Instant;

use serde_json::json;

use super::desk::Desk;
use crate::{
    admission::{Kind, Who},
    devices::{self, Device, Moment, TokenError},
    snip29::{Fault, FaultCode},
};

/// What a request shows to say which device it is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ShownToken {
    /// Nothing.
    #[default]
    None,
    /// This.
    Token(String),
    /// Something that is no token, or more than one.
    Unreadable,
}

impl Desk {
    /// The device that this token is of, if one is shown. Takes what the request weighs out of its bucket.
    pub async fn identify(&self, shown: &ShownToken, kind: Kind) -> Result<Option<Device>, Fault> {
        let text = match shown {
            ShownToken::None => return Ok(None),
            ShownToken::Token(text) => text,
            ShownToken::Unreadable => return Err(TokenError::Foreign.into()),
        };
        let devices = self.devices().ok_or_else(|| {
            Fault::refused(
                "devices_unknown_here",
                "this paymaster knows no gateway whose devices it could tell apart; leave `x-ciro-device-token` out",
            )
        })?;
        let device = devices.verify(text, Moment::now()).await?;
        let who = Who { device: Some(device.id), ..Who::default() };
        self.admission().charge(&who, kind, Instant::now())?;
        let client = self.client().await?;
        if devices::is_revoked(&**client, device.id).await? {
            let detail = format!("{} was revoked by its sponsor", device.id);
            return Err(Fault::refused("device_revoked", detail));
        }
        Ok(Some(device))
    }
}

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        let reason = match error {
            TokenError::Over => "device_token_over",
            TokenError::Foreign | TokenError::NotADevice => "invalid_device_token",
            TokenError::Unreachable => {
                let data = json!({
                    "reason": "devices_unreachable", "retry_after": 2, "detail": error.to_string(),
                });
                return Self { code: FaultCode::UnknownError, data: Some(data) };
            }
        };
        Self::refused(reason, error.to_string())
    }
}
