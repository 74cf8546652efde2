//! Keeps the revisions of policies.

use ciro_api::SponsorId;
use tokio_postgres::{GenericClient, types::Type};

use super::document::{DocumentError, PolicyDocument};

/// A revision that was not stored, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PolicyStoreError {
    /// The document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// No such sponsor.
    #[error("there is no sponsor {0}")]
    UnknownSponsor(SponsorId),
    /// The database did not answer or refused.
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
}

/// Stores a document as the sponsor's newest revision, which holds from then on; the revision's number.
pub async fn store(
    client: &impl GenericClient,
    sponsor: SponsorId,
    document: &str,
) -> Result<i32, PolicyStoreError> {
    PolicyDocument::parse(document.as_bytes())?;
    let row = client
        .query_typed(
            include_str!("store.sql"),
            &[(&sponsor.0, Type::UUID), (&document, Type::TEXT)],
        )
        .await?;
    let row = row.first().ok_or(PolicyStoreError::UnknownSponsor(sponsor))?;
    Ok(row.try_get("revision")?)
}

/// The sponsor's newest revision, if it ever wrote one.
pub async fn current(
    client: &impl GenericClient,
    sponsor: SponsorId,
) -> Result<Option<(i32, PolicyDocument)>, PolicyStoreError> {
    let rows = client.query_typed(include_str!("current.sql"), &[(&sponsor.0, Type::UUID)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let document: &str = row.try_get("document")?;
    Ok(Some((row.try_get("revision")?, PolicyDocument::parse(document.as_bytes())?)))
}
