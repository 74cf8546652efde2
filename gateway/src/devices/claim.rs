//! A device claims its enrolment with the credential of its batch and a key that it made itself.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use ciro_api::{
    Address, DeviceId, ErrorCode, Problem, PublicKey, Scheme, SponsorId,
    hash::{commitment::commit, device::DeviceClaim, sign, snip12::TypedStruct},
    limits,
    rest::devices::{ClaimAnswer, ClaimProof, ClaimRequest, Device},
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::{
    assertion::{self, Lifetime},
    key::{self, DeviceKey},
};
use crate::{
    app::App,
    auth::challenge::{self, Answerer},
    database,
    extract::Body,
    problem::ApiError,
    reply::Reply,
    workers::session::challenge_unknown,
};

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
    check_proof(&app, &request)?;
    let key = Json(&request.public_key);
    let token_sha256 = token_hash(&request);

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
        &[&sponsor.0, &request.serial, &key],
    )
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
    let values: [&(dyn ToSql + Sync); 4] = [&id.0, &sponsor.0, &request.serial, &key];
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

/// Refuses a claim that was not signed with the key it is for.
fn check_proof(app: &App, request: &ClaimRequest) -> Result<(), ApiError> {
    match (key::read(&request.public_key)?, &request.proof) {
        (DeviceKey::Jwt(algorithm, key), ClaimProof::Jwt(jwt)) => {
            check_jwt(app, request, jwt, (algorithm, &key))
        }
        (DeviceKey::Stark(key, account), ClaimProof::Answer(answer)) => {
            check_answer(app, request, answer, key, account)
        }
        (DeviceKey::Jwt(..), ClaimProof::Answer(_)) => Err(mismatch("a JWT")),
        (DeviceKey::Stark(..), ClaimProof::Jwt(_)) => Err(mismatch("an answered challenge")),
    }
}

fn check_jwt(
    app: &App,
    request: &ClaimRequest,
    jwt: &str,
    key: (Algorithm, &DecodingKey),
) -> Result<(), ApiError> {
    let proof: Proof = assertion::check(jwt, key, app.keys.issuer())?;
    if proof.sub == request.serial && proof.claim == hex::encode(token_hash(request)) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::InvalidAssertion,
        "the proof is for another serial or claim token",
    ))
}

/// Not stored: whoever repeats a claim finds the device that it made.
fn check_answer(
    app: &App,
    request: &ClaimRequest,
    answer: &ClaimAnswer,
    key: PublicKey,
    account: Address,
) -> Result<(), ApiError> {
    if !challenge::is_open(&app.secret, Answerer::Device(key), answer.challenge) {
        return Err(challenge_unknown());
    }
    let claim = DeviceClaim {
        serial: &request.serial,
        claim: commit(Scheme::Sha256, request.claim_token.as_bytes()),
        challenge: answer.challenge,
        contract: app.job_manager,
    };
    if sign::verify(key, &claim.message_hash(app.chain_id, account), &answer.signature) {
        return Ok(());
    }
    let detail = format!("the signature over the claim is not by {key} for account {account}");
    Err(ApiError::new(ErrorCode::WrongSignature, detail))
}

fn token_hash(request: &ClaimRequest) -> [u8; 32] {
    Sha256::digest(request.claim_token.as_bytes()).into()
}

fn mismatch(wanted: &str) -> ApiError {
    let problem = Problem::new(ErrorCode::InvalidRequest, "the proof does not fit the key");
    problem.at("/proof", format!("a key of this type is proven by {wanted}")).into()
}
