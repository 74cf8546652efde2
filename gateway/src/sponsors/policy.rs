//! Policies of sponsors, kept and tried by their own servers. A document is JSON and stays the bytes that its author wrote, so
//! these paths speak JSON alone. What a document means is for the paymaster's library to say.

mod expected;
pub(crate) mod explain;
pub(crate) mod set;
pub(crate) mod show;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use ciro_api::{ErrorCode, Problem};
use ciro_paymaster::policy::{DocumentError, PolicyDocument};
use serde::Serialize;

use crate::{extract, media::Format, problem::ApiError, reply};

/// The document in `bytes`; what it refuses it points at, from the root of them.
pub(crate) fn read(bytes: &[u8]) -> Result<PolicyDocument, ApiError> {
    let document: PolicyDocument = extract::parse_json(bytes)?;
    document.check().map_err(|fault| refused(&fault))?;
    Ok(document)
}

fn refused(fault: &DocumentError) -> ApiError {
    if matches!(fault, DocumentError::TooLarge(_)) {
        return ApiError::new(ErrorCode::BodyTooLarge, fault.to_string());
    }
    Problem::new(ErrorCode::InvalidRequest, "the policy means something that it cannot mean")
        .at(fault.pointer().unwrap_or_default(), fault.to_string())
        .into()
}

fn none() -> ApiError {
    let detail = "you have no policy, so nothing is paid for; store one with PUT";
    ApiError::new(ErrorCode::NotFound, detail)
}

/// A number of the database as callers see it. It is checked there to be above 0.
fn shown(revision: i32) -> u32 {
    u32::try_from(revision).unwrap_or(0)
}

/// A reply in JSON, whatever else the caller reads.
fn json(document: &impl Serialize) -> Result<Response, ApiError> {
    let body = reply::write(document, Format::Json)?;
    Ok(([(header::CONTENT_TYPE, Format::Json.media_type())], body).into_response())
}

/// The same about a revision, which its number names for good.
fn tagged(document: &impl Serialize, revision: i32) -> Result<Response, ApiError> {
    let mut response = json(document)?;
    let tag = HeaderValue::from_str(&format!("\"{revision}\""))
        .map_err(|e| ApiError::internal("writing an entity tag", &e))?;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    // Only for its owner, and never without asking again: a newer one may hold.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}
