//! Keeps the revisions of policies.

use std::ops::RangeInclusive;

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
    /// The newest revision is not the one that the writer has seen.
    #[error("the newest revision is {newest}, which is not the one that was meant")]
    Overtaken {
        /// Which it is; 0 if there is none.
        newest: i32,
    },
    /// The database did not answer or refused.
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
}

/// A revision as its sponsor wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number, from 1.
    pub number: i32,
    /// The bytes that were stored.
    pub document: String,
}

/// Any revision before this one, or none.
pub const WHATEVER_IS_THERE: RangeInclusive<i32> = 0..=i32::MAX;

/// Stores a document as the sponsor's newest revision, which holds from then on; the revision's number.
pub async fn store(
    client: &impl GenericClient,
    sponsor: SponsorId,
    document: &str,
) -> Result<i32, PolicyStoreError> {
    store_over(client, sponsor, document, WHATEVER_IS_THERE).await
}

/// The same, if the newest revision is one of `expected`, where 0 is none at all. Of writers at the same moment one is first,
/// and the others see what it has stored.
pub async fn store_over(
    client: &impl GenericClient,
    sponsor: SponsorId,
    document: &str,
    expected: RangeInclusive<i32>,
) -> Result<i32, PolicyStoreError> {
    PolicyDocument::parse(document.as_bytes())?;
    loop {
        let row = client
            .query_typed_opt(
                include_str!("store.sql"),
                &[
                    (&sponsor.0, Type::UUID),
                    (&document, Type::TEXT),
                    (expected.start(), Type::INT4),
                    (expected.end(), Type::INT4),
                ],
            )
            .await?;
        let row = row.ok_or(PolicyStoreError::UnknownSponsor(sponsor))?;
        if let Some(revision) = row.try_get("stored")? {
            return Ok(revision);
        }
        if !row.try_get::<_, bool>("fits")? {
            return Err(PolicyStoreError::Overtaken { newest: row.try_get("newest")? });
        }
        // Another writer took the number, so there is a newer revision to look at: someone gets on with each turn.
    }
}

/// A revision of the sponsor as it was written; the newest unless one is named.
pub async fn revision(
    client: &impl GenericClient,
    sponsor: SponsorId,
    number: Option<i32>,
) -> Result<Option<Revision>, tokio_postgres::Error> {
    let sql = include_str!("current.sql");
    let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&sponsor.0, Type::UUID), (&number, Type::INT4)];
    let Some(row) = client.query_typed_opt(sql, &values).await? else { return Ok(None) };
    Ok(Some(Revision { number: row.try_get("revision")?, document: row.try_get("document")? }))
}

/// The sponsor's newest revision, if it ever wrote one.
pub async fn current(
    client: &impl GenericClient,
    sponsor: SponsorId,
) -> Result<Option<(i32, PolicyDocument)>, PolicyStoreError> {
    let Some(Revision { number, document }) = revision(client, sponsor, None).await? else {
        return Ok(None);
    };
    Ok(Some((number, PolicyDocument::parse(document.as_bytes())?)))
}
