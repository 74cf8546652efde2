//! Where an operation is, by its tracking id.

use ciro_api::{OperationId, TrackingId, TxHash};
use tokio_postgres::{GenericClient, types::Type};
use uuid::Uuid;

use super::body;
use crate::{StoreError, database::word_or_null};

/// How an operation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackState {
    /// It is on its way.
    Active,
    /// It has happened.
    Succeeded,
    /// It was undone on chain, for this reason.
    Failed(String),
    /// It was never sent, for this reason.
    Dropped(String),
}

/// Where an operation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// How it stands.
    pub state: TrackState,
    /// The transaction that carries it; while it is on its way, the newest one that a node has taken.
    pub hash: Option<TxHash>,
}

/// Looks it up; nothing where there is no such operation.
pub async fn track(
    client: &impl GenericClient,
    id: TrackingId,
) -> Result<Option<Track>, StoreError> {
    // Ids of ours are 128-bit numbers.
    let Ok(number) = u128::try_from(id.0) else { return Ok(None) };
    let id = Uuid::from_u128(number);
    let rows = client.query_typed(include_str!("track.sql"), &[(&id, Type::UUID)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let reason: Option<String> = row.try_get("reason")?;
    let reason = reason.unwrap_or_default();
    let state = match row.try_get("state")? {
        "succeeded" => TrackState::Succeeded,
        "failed" => TrackState::Failed(reason),
        "dropped" => TrackState::Dropped(reason),
        _ => TrackState::Active,
    };
    Ok(Some(Track { state, hash: word_or_null(row, "tx_hash")? }))
}

/// How a client follows the operation.
pub fn tracking_id(id: OperationId) -> TrackingId {
    body::tracking_id(id)
}
