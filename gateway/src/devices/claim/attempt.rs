//! Bounds how often claim tokens are tried: each for itself, and all that nobody ever made together.

use ciro_api::ErrorCode;

use crate::{
    app::App,
    database,
    limiter::{Caller, headers::Reported},
    problem::ApiError,
};

/// Spends one claim, before any signature is checked and any row is locked.
///
/// A token that there is, or was, has a quota of its own, so that nobody else's claims hold up its devices. Of guesses each
/// would be a new token with a quota of its own: they share one. It is spent only after the look whether the token
/// exists, or strangers could use it up and shut devices out. The client's address is no key: the gateway sees its
/// load balancer's.
pub(super) async fn admit(
    app: &App,
    token_sha256: [u8; 32],
    report: &Reported,
) -> Result<(), ApiError> {
    let client = app.pg.get().await?;
    let found =
        database::query_opt(&client, include_str!("exists.sql"), &[&token_sha256.as_slice()])
            .await?;
    // Redis may be slow, and others need the connection.
    drop(client);
    if found.is_some() {
        return app.limiter.spend(Caller::ClaimToken(token_sha256), report).await;
    }
    app.limiter.spend(Caller::UnknownClaimToken, report).await?;
    Err(refused())
}

/// The same words for unknown, over and revoked: a stranger learns nothing about which tokens there were.
pub(super) fn refused() -> ApiError {
    let detail = "the claim token is unknown, over or revoked; ask the sponsor for a new one";
    ApiError::new(ErrorCode::ClaimRefused, detail)
}
