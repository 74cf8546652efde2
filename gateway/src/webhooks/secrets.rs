//! The secrets that a sponsor's webhooks are signed with: one, or two while receivers change over.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;
pub(crate) mod rotate;

use ciro_api::{
    ErrorCode, SponsorId, WebhookSecretId, limits,
    rest::webhooks::{NewWebhookSecret, WebhookSecret},
};
use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use super::sign;
use crate::{
    app::App,
    database::{self, DatabaseError},
    problem::ApiError,
};

/// Makes a secret, if there is room for one. The caller has locked the sponsor's secrets, and commits.
async fn make(
    app: &App,
    tx: &Transaction<'_>,
    sponsor: SponsorId,
) -> Result<NewWebhookSecret, ApiError> {
    let id = WebhookSecretId(Uuid::now_v7());
    let secret = app.secret.webhook_secret(id);
    let hash = sign::hash(&secret);
    let made = database::execute(
        tx,
        include_str!("secrets/create.sql"),
        &[&id.0, &sponsor.0, &hash.as_slice(), &limits::WEBHOOK_SECRETS_MAX],
    )
    .await?;
    if made == 0 {
        let detail = format!(
            "{} secrets sign your webhooks already; revoke one first",
            limits::WEBHOOK_SECRETS_MAX
        );
        return Err(ApiError::new(ErrorCode::LimitReached, detail));
    }
    Ok(NewWebhookSecret { id, secret: sign::text(&secret) })
}

/// One change at a time of a sponsor's secrets, until the commit.
async fn lock(tx: &Transaction<'_>, sponsor: SponsorId) -> Result<(), ApiError> {
    database::query_one(tx, include_str!("secrets/lock.sql"), &[&sponsor.to_string()]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<WebhookSecret, DatabaseError> {
    Ok(WebhookSecret {
        id: WebhookSecretId(row.try_get("secret_id")?),
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
    })
}

fn unknown(id: WebhookSecretId) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("you have no live webhook secret {id}"))
}
