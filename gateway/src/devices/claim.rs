//! A device claims its enrolment with the credential of its batch and a key that it made itself.

mod attempt;
mod proof;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{Extensions, StatusCode},
};
use ciro_api::{
    DeviceId, ErrorCode, Problem, Serial, SponsorId,
    rest::devices::{ClaimRequest, Device},
};
use sha2::{Digest, Sha256};
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::{
    app::App, database, extract::Body, limiter::headers::Reported, problem::ApiError, reply::Reply,
};

/// Enrols a device. The same serial with the same key again gives the same device.
#[utoipa::path(post, path = "/v1/devices/claim", tag = "devices", request_body = ClaimRequest, responses(
    (status = 201, body = Device, description = "Enrolled"),
    (status = 200, body = Device, description = "Was enrolled before with this key"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "The claim token or the proof is no good"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The serial belongs to another key"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many claims; `Retry-After` says when to come back"),
))]
pub(crate) async fn claim(
    State(app): State<Arc<App>>,
    extensions: Extensions,
    body: Body<ClaimRequest>,
) -> Result<(StatusCode, Reply<Device>), ApiError> {
    let request = body.value;
    let token_sha256 = token_hash(&request);
    attempt::admit(&app, token_sha256, &Reported::of(&extensions)).await?;
    proof::check(&app, &request)?;
    let key = Json(&request.public_key);

    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    // Locks the credential, so that two devices cannot share its last use.
    let serial = request.serial.as_str();
    let found = database::query_opt(
        &tx,
        include_str!("claim_token.sql"),
        &[&token_sha256.as_slice(), &serial],
    )
    .await?;
    let token = found.ok_or_else(attempt::refused)?;
    if !token.try_get::<_, bool>("is_for_serial")? {
        let detail = format!("the claim token is not for the serial `{serial}`; ask the sponsor");
        return Err(ApiError::new(ErrorCode::ClaimRefused, detail));
    }
    let sponsor = SponsorId(token.try_get("sponsor_id")?);
    let known =
        database::query_opt(&tx, include_str!("by_serial.sql"), &[&sponsor.0, &serial, &key])
            .await?;
    if let Some(row) = known {
        if row.try_get::<_, bool>("revoked")? {
            let detail = "a device with this serial and key was revoked; it needs a new key";
            return Err(ApiError::new(ErrorCode::ClaimRefused, detail));
        }
        if !row.try_get::<_, bool>("same_key")? {
            let detail = "this serial is enrolled with another key; a sponsor must revoke it first";
            return Err(ApiError::new(ErrorCode::DeviceConflict, detail));
        }
        let id = DeviceId(row.try_get("device_id")?);
        return Ok((StatusCode::OK, Reply(enrolled(id, request.serial, sponsor))));
    }
    if token.try_get::<_, i32>("claims_left")? < 1 {
        return Err(ApiError::new(
            ErrorCode::ClaimRefused,
            "the claim token is used up; ask the sponsor for a new one",
        ));
    }
    let id = DeviceId(Uuid::now_v7());
    let values: [&(dyn ToSql + Sync); 4] = [&id.0, &sponsor.0, &serial, &key];
    if database::execute(&tx, include_str!("insert.sql"), &values).await? == 0 {
        // Another credential of the same sponsor enrolled this serial while we looked.
        let detail = "this serial was enrolled a moment ago; claim again to see by whom";
        return Err(ApiError::new(ErrorCode::DeviceConflict, detail));
    }
    database::execute(&tx, include_str!("use_claim.sql"), &[&token_sha256.as_slice()]).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Reply(enrolled(id, request.serial, sponsor))))
}

fn enrolled(id: DeviceId, serial: Serial, sponsor: SponsorId) -> Device {
    Device { id, serial, sponsor, revoked_at: None }
}

fn token_hash(request: &ClaimRequest) -> [u8; 32] {
    Sha256::digest(request.claim_token.as_bytes()).into()
}
