//! A device claims its enrolment with the credential of its batch and a key that it made itself.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{
    DeviceId, ErrorCode, Problem, SponsorId, limits,
    rest::devices::{ClaimRequest, Device, PublicJwk},
};
use jsonwebtoken::DecodingKey;
use p256::{EncodedPoint, PublicKey, elliptic_curve::sec1::FromEncodedPoint};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::assertion::{self, Lifetime};
use crate::{app::App, database, extract::Body, problem::ApiError, reply::Reply};

#[derive(Deserialize)]
struct Proof {
    sub: String,
    claim: String,
    iat: i64,
    exp: i64,
}

impl Lifetime for Proof {
    fn issued_at(&self) -> i64 {
        self.iat
    }
    fn expires_at(&self) -> i64 {
        self.exp
    }
}

/// Enrols a device. The same serial with the same key again gives the same device.
#[utoipa::path(post, path = "/v1/devices/claim", tag = "devices", request_body = ClaimRequest, responses(
    (status = 201, body = Device, description = "Enrolled"),
    (status = 200, body = Device, description = "Was enrolled before with this key"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "The claim token or the proof is no good"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The serial belongs to another key"),
))]
pub(crate) async fn claim(
    State(app): State<Arc<App>>,
    body: Body<ClaimRequest>,
) -> Result<(StatusCode, Reply<Device>), ApiError> {
    let request = body.value;
    check_serial(&request.serial)?;
    let (x, y) = coordinates(&request.public_key)?;
    let token_sha256 = Sha256::digest(request.claim_token.as_bytes());
    check_proof(&app, &request, &hex::encode(token_sha256))?;

    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    // Locks the credential, so that two devices cannot share its last use.
    let found =
        database::query_opt(&tx, include_str!("claim_token.sql"), &[&token_sha256.as_slice()])
            .await?;
    let token = found.ok_or_else(|| {
        ApiError::new(
            ErrorCode::ClaimRefused,
            "the claim token is unknown or over; ask the sponsor for a new one",
        )
    })?;
    let sponsor = SponsorId(token.try_get("sponsor_id")?);
    let known = database::query_opt(
        &tx,
        include_str!("by_serial.sql"),
        &[&sponsor.0, &request.serial, &x, &y],
    )
    .await?;
    if let Some(row) = known {
        let same =
            row.try_get::<_, Vec<u8>>("key_x")? == x && row.try_get::<_, Vec<u8>>("key_y")? == y;
        if row.try_get::<_, bool>("revoked")? {
            let detail = "a device with this serial and key was revoked; it needs a new key";
            return Err(ApiError::new(ErrorCode::ClaimRefused, detail));
        }
        if !same {
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
    let values: [&(dyn ToSql + Sync); 5] = [&id.0, &sponsor.0, &request.serial, &x, &y];
    if database::execute(&tx, include_str!("insert.sql"), &values).await? == 0 {
        // Another credential of the same sponsor enrolled this serial while we looked.
        let detail = "this serial was enrolled a moment ago; claim again to see by whom";
        return Err(ApiError::new(ErrorCode::DeviceConflict, detail));
    }
    database::execute(&tx, include_str!("use_claim.sql"), &[&token_sha256.as_slice()]).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Reply(enrolled(id, request.serial, sponsor))))
}

fn enrolled(id: DeviceId, serial: String, sponsor: SponsorId) -> Device {
    Device { id, serial, sponsor, revoked_at: None }
}

fn check_serial(serial: &str) -> Result<(), ApiError> {
    let plain = serial.bytes().all(|b| b.is_ascii_graphic());
    if plain && (1..=limits::SERIAL_BYTES_MAX).contains(&serial.len()) {
        return Ok(());
    }
    let detail =
        format!("1 to {} printable ASCII characters without spaces", limits::SERIAL_BYTES_MAX);
    Err(Problem::new(ErrorCode::InvalidRequest, "the serial cannot be used")
        .at("/serial", detail)
        .into())
}

/// The key's coordinates, once they are known to be a point of P-256.
fn coordinates(key: &PublicJwk) -> Result<(Vec<u8>, Vec<u8>), ApiError> {
    let bad = |detail: &str| -> ApiError {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the public key cannot be used");
        problem.at("/public_key", detail).into()
    };
    if key.kty != "EC" || key.crv != "P-256" {
        return Err(bad("only kty `EC` on crv `P-256` is taken"));
    }
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32);
    let (Some(x), Some(y)) = (decode(&key.x), decode(&key.y)) else {
        return Err(bad("x and y must be 32 bytes each in base64url without padding"));
    };
    let mut sec1 = vec![4_u8];
    sec1.extend_from_slice(&x);
    sec1.extend_from_slice(&y);
    let point = EncodedPoint::from_bytes(&sec1).map_err(|_| bad("not a point"))?;
    if Option::<PublicKey>::from(PublicKey::from_encoded_point(&point)).is_none() {
        return Err(bad("x and y are not a point of the curve"));
    }
    Ok((x, y))
}

fn check_proof(app: &App, request: &ClaimRequest, token_sha256: &str) -> Result<(), ApiError> {
    let key = DecodingKey::from_ec_components(&request.public_key.x, &request.public_key.y)
        .map_err(|e| ApiError::internal("reading a checked key", &e))?;
    let proof: Proof = assertion::check(&request.proof, &key, app.keys.issuer())?;
    if proof.sub == request.serial && proof.claim == token_sha256 {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::InvalidAssertion,
        "the proof is for another serial or claim token",
    ))
}
