//! Who is asking: bearer tokens that this gateway issued, and what they allow.

pub(crate) mod challenge;
pub mod keys;

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use ciro_api::{Address, DeviceId, ErrorCode, SponsorId};

use crate::{app::App, auth::keys::Role, problem::ApiError};

/// A device with a live token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) sponsor: SponsorId,
}

/// A worker with a live session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worker {
    pub(crate) address: Address,
}

impl FromRequestParts<Arc<App>> for Device {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        match app.keys.verify(bearer(parts)?)? {
            Role::Device { id, sponsor } => Ok(Self { id, sponsor }),
            Role::Worker { .. } => Err(wrong_role("a device")),
        }
    }
}

impl FromRequestParts<Arc<App>> for Worker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        match app.keys.verify(bearer(parts)?)? {
            Role::Worker { address } => Ok(Self { address }),
            Role::Device { .. } => Err(wrong_role("a worker")),
        }
    }
}

fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let missing = || {
        ApiError::new(
            ErrorCode::Unauthenticated,
            "send `Authorization: Bearer <token>`; tokens come from /v1/devices/token or /v1/workers/session",
        )
    };
    let value = parts.headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
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
