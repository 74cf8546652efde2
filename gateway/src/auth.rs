//! Who is asking: bearer tokens that this gateway issued, and what they allow.

pub(crate) mod challenge;
pub mod key_file;
pub mod keys;
pub mod private_file;
pub(crate) mod revoked;
pub mod secret;
pub(crate) mod sponsor_key;

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use ciro_api::{Address, DeviceId, ErrorCode, SponsorId, SponsorScope};

use crate::{
    app::App,
    auth::keys::Role,
    limiter::{Caller, headers::Reported},
    problem::ApiError,
};

/// A device with a live token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) sponsor: SponsorId,
}

/// A sponsor's server with a live API key.
#[derive(Clone, Debug)]
pub(crate) struct Sponsor {
    pub(crate) id: SponsorId,
    scopes: Vec<SponsorScope>,
}

impl Sponsor {
    /// Refuses a key that does not allow this.
    pub(crate) fn require(&self, scope: SponsorScope) -> Result<(), ApiError> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        let detail = format!("this needs an API key with the scope `{scope}`");
        Err(ApiError::new(ErrorCode::Forbidden, detail))
    }
}

/// Who may watch the pools: a worker, or a sponsor's server whose key may read.
pub(crate) struct Watcher;

/// A worker with a live session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worker {
    pub(crate) address: Address,
}

impl Device {
    /// The device of these credentials, for one more request of its quota.
    pub(crate) async fn admit(
        app: &App,
        headers: &HeaderMap,
        report: &Reported,
    ) -> Result<Self, ApiError> {
        let device = Self::known(app, headers).await?;
        app.limiter.spend(Caller::Device(device.id), report).await?;
        Ok(device)
    }

    /// The same without spending: for a request that was let in and goes on.
    pub(crate) async fn known(app: &App, headers: &HeaderMap) -> Result<Self, ApiError> {
        match role(headers, app, "a device")? {
            Role::Device { id, sponsor } => {
                revoked::refuse(app, id).await?;
                Ok(Self { id, sponsor })
            }
            Role::Worker { .. } => Err(wrong_role("a device")),
        }
    }
}

impl Worker {
    /// The worker of these credentials.
    pub(crate) fn known(app: &App, headers: &HeaderMap) -> Result<Self, ApiError> {
        match role(headers, app, "a worker")? {
            Role::Worker { address } => Ok(Self { address }),
            Role::Device { .. } => Err(wrong_role("a worker")),
        }
    }
}

impl FromRequestParts<Arc<App>> for Device {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        Self::admit(app, &parts.headers, &Reported::of(&parts.extensions)).await
    }
}

impl FromRequestParts<Arc<App>> for Sponsor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        if sponsor_key::looks_like_one(token) {
            let (id, scopes) = sponsor_key::check(app, token).await?;
            app.limiter.spend(Caller::Sponsor(id), &Reported::of(&parts.extensions)).await?;
            return Ok(Self { id, scopes });
        }
        app.keys.verify(token)?;
        Err(wrong_role("a sponsor"))
    }
}

impl FromRequestParts<Arc<App>> for Worker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        Self::known(app, &parts.headers)
    }
}

impl FromRequestParts<Arc<App>> for Watcher {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if sponsor_key::looks_like_one(bearer(&parts.headers)?) {
            let sponsor = Sponsor::from_request_parts(parts, app).await?;
            sponsor.require(SponsorScope::Read)?;
        } else {
            Worker::from_request_parts(parts, app).await?;
        }
        Ok(Self)
    }
}

/// Whom the token speaks for; an API key speaks for none of ours.
fn role(headers: &HeaderMap, app: &App, wanted: &str) -> Result<Role, ApiError> {
    let token = bearer(headers)?;
    if sponsor_key::looks_like_one(token) {
        return Err(wrong_role(wanted));
    }
    app.keys.verify(token)
}

fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = || {
        ApiError::new(
            ErrorCode::Unauthenticated,
            "send `Authorization: Bearer <token>`; tokens come from /v1/devices/token or /v1/workers/session, a sponsor's API key from its operator",
        )
    };
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let text = value.to_str().map_err(|_| missing())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}

fn wrong_role(wanted: &str) -> ApiError {
    ApiError::new(
        ErrorCode::Forbidden,
        format!("this path is for {wanted}; the token is for someone else"),
    )
}
