//! Devices that show who they are: with the token of a quarter of an hour that their gateway gives them.
//!
//! A token is checked with the keys that the gateways publish, so nothing secret is shared with them. What they have revoked they
//! tell by [`revoke`], in the transaction in which they do it; their own tables are not read here.

mod key_set;
mod keys;
mod revoked;
#[cfg(test)]
mod tests;

use std::time::Instant;

use ciro_api::{DeviceId, SponsorId};
use time::OffsetDateTime;
use url::Url;

use key_set::Token;
use keys::Keys;
pub use revoked::{forget, is_revoked, revoke};

/// A device that has shown who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// Whose.
    pub sponsor: SponsorId,
}

/// Whose tokens count.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The name that its tokens carry.
    pub name: String,
    /// Where it publishes the keys that sign them, by `http` or `https`. Whoever answers there can speak for every device.
    pub jwks_url: Url,
}

/// What the clocks say.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time of day, which tokens end by.
    pub wall: OffsetDateTime,
    /// A clock that nobody sets, which the age of keys is told by.
    pub steady: Instant,
}

impl Moment {
    /// This one.
    pub fn now() -> Self {
        Self { wall: OffsetDateTime::now_utc(), steady: Instant::now() }
    }
}

/// Devices' tokens cannot be checked, whatever they say.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// Not an address of HTTP.
    #[error("the keys of devices' tokens are read by http or https; {0} is neither")]
    Scheme(Url),
    /// The client that reads keys could not be made.
    #[error("could not get ready to read the keys of devices' tokens")]
    Client(#[from] reqwest_tls::Error),
}

/// A token by which no device is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good.
    #[error("the device's token is over; get a new one from the gateway and repeat the request")]
    Over,
    /// Nobody of ours has signed that.
    #[error("the device's token is not one of our gateway's, or was changed on the way")]
    Foreign,
    /// One of ours, for somebody else.
    #[error("the token is not a device's; send one from /v1/devices/token or /v1/devices/session")]
    NotADevice,
    /// It may be good: the keys cannot be had.
    #[error("the gateway that signs devices' tokens does not answer with its keys; try again")]
    Unreachable,
}

/// Checks tokens.
#[derive(Debug)]
pub struct Devices {
    issuer: String,
    keys: Keys,
}

impl Devices {
    /// Takes the tokens of this issuer. Its keys are read when the first token comes.
    pub fn new(issuer: &Issuer) -> Result<Self, IssuerError> {
        if !matches!(issuer.jwks_url.scheme(), "http" | "https") {
            return Err(IssuerError::Scheme(issuer.jwks_url.clone()));
        }
        Ok(Self { issuer: issuer.name.clone(), keys: Keys::new(issuer.jwks_url.clone())? })
    }

    /// The device that this token speaks for. Says nothing of whether it was revoked: [`is_revoked`] does.
    pub async fn verify(&self, text: &str, now: Moment) -> Result<Device, TokenError> {
        let token = Token::read(text)?;
        let keys = self.keys.with(&token.key_id, now.steady).await?;
        keys.check(&token, &self.issuer, now.wall.unix_timestamp())
    }
}
