//! Makes a claim token for a sponsor. Its text is shown once; only its hash is stored.

use std::{collections::HashSet, sync::Arc};

use axum::{extract::State, http::StatusCode};
use ciro_api::{
    ClaimTokenId, ErrorCode, Problem, Serial, SponsorId, SponsorScope, limits,
    rest::claim_tokens::{CreateClaimToken, NewClaimToken},
};
use rand::RngCore;
use sha2::{Digest, Sha256};
use tokio_postgres::{GenericClient, types::ToSql};
use uuid::Uuid;

use crate::{
    app::App, auth::Sponsor, database::DatabaseError, extract::Body, problem::ApiError,
    reply::Reply,
};

/// No claim token was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateClaimTokenError {
    /// The name.
    #[error(
        "the name has 1 to {} characters, none of them a control character",
        limits::CLAIM_TOKEN_NAME_CHARS_MAX
    )]
    Name,
    /// How many devices.
    #[error("a claim token is good for 1 to {} claims", limits::CLAIMS_MAX)]
    Claims,
    /// How long.
    #[error("a claim token lives 1 to {} s", limits::CLAIM_TOKEN_TTL_S_MAX)]
    ExpiresIn,
    /// A list of no serials, or of too many.
    #[error("name 1 to {} serials, or leave them out for all", limits::CLAIM_SERIALS_MAX)]
    SerialsCount,
    /// A serial twice.
    #[error("the serial `{0}` stands there twice")]
    SerialTwice(Serial),
    /// As many as may be are live.
    #[error("{} of your claim tokens are live already; revoke one first", limits::CLAIM_TOKENS_MAX)]
    TooMany,
    /// No such sponsor.
    #[error("there is no sponsor {0}")]
    UnknownSponsor(SponsorId),
    /// The database.
    #[error("could not store the claim token")]
    Database(#[from] DatabaseError),
}

impl From<tokio_postgres::Error> for CreateClaimTokenError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<CreateClaimTokenError> for ApiError {
    fn from(error: CreateClaimTokenError) -> Self {
        use CreateClaimTokenError as E;
        let pointer = match error {
            E::Name => "/name",
            E::Claims => "/claims",
            E::ExpiresIn => "/expires_in_s",
            E::SerialsCount | E::SerialTwice(_) => "/serials",
            E::TooMany => return Self::new(ErrorCode::LimitReached, error.to_string()),
            E::UnknownSponsor(_) => return Self::new(ErrorCode::NotFound, error.to_string()),
            E::Database(error) => return error.into(),
        };
        Problem::new(ErrorCode::InvalidRequest, "the claim token cannot be made")
            .at(pointer, error.to_string())
            .into()
    }
}

/// Makes a claim token that devices enrol with below you. Keep its text: it is shown this once.
#[utoipa::path(post, operation_id = "create_claim_token", path = "/v1/sponsors/me/claim-tokens", tag = "sponsors", security(("sponsor_key" = [])),
    request_body = CreateClaimToken,
    responses(
        (status = 201, body = NewClaimToken, description = "The claim token"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `manage`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "As many as may be are live already"),
))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    body: Body<CreateClaimToken>,
) -> Result<(StatusCode, Reply<NewClaimToken>), ApiError> {
    sponsor.require(SponsorScope::Manage)?;
    let mut client = app.pg.get().await?;
    let made = create_claim_token(&mut **client, sponsor.id, &body.value).await?;
    let (id, claims) = (made.id, body.value.claims);
    tracing::info!(claim_token = %id, claims, sponsor = %sponsor.id, "a claim token was made");
    Ok((StatusCode::CREATED, Reply(made)))
}

/// Makes a claim token. The oldest of those that have ended are forgotten, so that a sponsor's are bounded.
pub async fn create_claim_token(
    client: &mut impl GenericClient,
    sponsor: SponsorId,
    wanted: &CreateClaimToken,
) -> Result<NewClaimToken, CreateClaimTokenError> {
    check(wanted)?;
    let id = ClaimTokenId(Uuid::now_v7());
    let claim_token = text();
    let hash = Sha256::digest(claim_token.as_bytes());
    let serials: Option<Vec<&str>> =
        wanted.serials.as_ref().map(|all| all.iter().map(Serial::as_str).collect());
    // Both were checked to be far below this.
    let claims = i32::try_from(wanted.claims).unwrap_or(i32::MAX);
    let ttl_s = i64::from(wanted.expires_in_s);

    let tx = client.transaction().await?;
    // The limit counts what another call may be about to add.
    tx.query_one(include_str!("lock.sql"), &[&sponsor.to_string()]).await?;
    let live = tx.query_one(include_str!("live.sql"), &[&sponsor.0]).await?;
    if live.try_get::<_, i64>(0)? >= limits::CLAIM_TOKENS_MAX {
        return Err(CreateClaimTokenError::TooMany);
    }
    tx.execute(include_str!("forget.sql"), &[&sponsor.0, &limits::CLAIM_TOKENS_ENDED_MAX]).await?;
    let values: [&(dyn ToSql + Sync); 7] =
        [&id.0, &sponsor.0, &hash.as_slice(), &wanted.name, &claims, &serials, &ttl_s];
    let made = tx.query_opt(include_str!("create.sql"), &values).await?;
    let made = made.ok_or(CreateClaimTokenError::UnknownSponsor(sponsor))?;
    let expires_at = made.try_get("expires_at")?;
    tx.commit().await?;
    Ok(NewClaimToken { id, claim_token, expires_at })
}

/// 192 random bits: nobody guesses one, so a plain hash of it can be stored.
fn text() -> String {
    let mut secret = [0_u8; 24];
    rand::rng().fill_bytes(&mut secret);
    format!("clm_{}", hex::encode(secret))
}

fn check(wanted: &CreateClaimToken) -> Result<(), CreateClaimTokenError> {
    let CreateClaimToken { name, claims, expires_in_s, serials } = wanted;
    let length = name.chars().count();
    if !(1..=limits::CLAIM_TOKEN_NAME_CHARS_MAX).contains(&length)
        || name.contains(char::is_control)
    {
        return Err(CreateClaimTokenError::Name);
    }
    if !(1..=limits::CLAIMS_MAX).contains(claims) {
        return Err(CreateClaimTokenError::Claims);
    }
    if !(1..=limits::CLAIM_TOKEN_TTL_S_MAX).contains(expires_in_s) {
        return Err(CreateClaimTokenError::ExpiresIn);
    }
    serials.as_deref().map_or(Ok(()), check_serials)
}

fn check_serials(serials: &[Serial]) -> Result<(), CreateClaimTokenError> {
    if !(1..=limits::CLAIM_SERIALS_MAX).contains(&serials.len()) {
        return Err(CreateClaimTokenError::SerialsCount);
    }
    let mut seen = HashSet::with_capacity(serials.len());
    match serials.iter().find(|serial| !seen.insert(*serial)) {
        Some(twice) => Err(CreateClaimTokenError::SerialTwice(twice.clone())),
        None => Ok(()),
    }
}
