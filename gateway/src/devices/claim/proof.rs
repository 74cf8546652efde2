//! Shows that the key that a claim is for is the claimer's.

use ciro_api::{
    Address, ErrorCode, Problem, PublicKey, Scheme,
    hash::{commitment::commit, device::DeviceClaim, sign, snip12::TypedStruct},
    rest::devices::{ClaimAnswer, ClaimProof, ClaimRequest},
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::token_hash;
use crate::{
    app::App,
    auth::challenge::{self, Answerer},
    devices::{
        assertion::{self, Lifetime},
        key::{self, DeviceKey},
    },
    problem::ApiError,
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

/// Refuses a claim that was not signed with the key it is for.
pub(super) fn check(app: &App, request: &ClaimRequest) -> Result<(), ApiError> {
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
    if proof.sub == request.serial.as_str() && proof.claim == hex::encode(token_hash(request)) {
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
        serial: request.serial.as_str(),
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

fn mismatch(wanted: &str) -> ApiError {
    let problem = Problem::new(ErrorCode::InvalidRequest, "the proof does not fit the key");
    problem.at("/proof", format!("a key of this type is proven by {wanted}")).into()
}
