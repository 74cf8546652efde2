//! Writes a transaction down before anybody sees it. Never sends.

use ciro_api::{Address, OperationId};
use ciro_contracts::{ResourceBounds, SignedTransaction};
use deadpool_postgres::ClientWrapper;
use time::OffsetDateTime;
use tokio_postgres::{
    Client, Row, Transaction,
    types::{Json, Type},
};
use uuid::Uuid;

use super::{
    end::{self, End},
    filter::Filtered,
    lease::{Fence, guard},
    parties,
    relayer::RelayError,
};
use crate::{
    database::{bigint, count},
    reputation::{self, Event, Outcome},
};

/// One of the transactions that were signed for a nonce.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) number: i16,
    pub(super) transaction: SignedTransaction,
    pub(super) bounds: ResourceBounds,
    pub(super) tip_fri: u64,
}

impl Attempt {
    pub(super) fn read(row: &Row) -> Result<Self, RelayError> {
        let Json(transaction) = row.try_get("transaction")?;
        let Json(bounds) = row.try_get("bounds")?;
        let number = row.try_get("number")?;
        Ok(Self { number, transaction, bounds, tip_fri: count(row, "tip_fri")? })
    }

    pub(super) async fn insert(
        &self,
        tx: &Transaction<'_>,
        relayer: Address,
    ) -> Result<(), RelayError> {
        tx.execute_typed(
            include_str!("attempt.sql"),
            &[
                (&self.transaction.hash.to_string(), Type::TEXT),
                (&relayer.to_string(), Type::TEXT),
                (&bigint(self.transaction.nonce), Type::INT8),
                (&self.number, Type::INT2),
                (&Json(&self.transaction), Type::JSONB),
                (&Json(self.bounds), Type::JSONB),
                (&bigint(self.tip_fri), Type::INT8),
            ],
        )
        .await?;
        Ok(())
    }
}

/// Gives the nonce to the first attempt, and the operations to the nonce; drops what would fail and puts the rest back.
pub(super) async fn record(
    client: &mut ClientWrapper,
    relayer: Address,
    fence: Fence,
    attempt: Option<&Attempt>,
    filtered: &Filtered,
) -> Result<(), RelayError> {
    let tx = client.transaction().await?;
    guard(&tx, relayer, fence).await?;
    for (id, reason) in &filtered.bad {
        end::end(&tx, *id, &End::Dropped { reason: reason.clone() }, None).await?;
    }
    let rest: Vec<Uuid> = filtered.rest.iter().map(|claimed| claimed.id.0).collect();
    tx.execute_typed(include_str!("unclaim.sql"), &[(&rest, Type::UUID_ARRAY)]).await?;
    if let Some(attempt) = attempt {
        let (address, nonce) = (relayer.to_string(), bigint(attempt.transaction.nonce));
        tx.execute_typed(include_str!("open.sql"), &[(&address, Type::TEXT), (&nonce, Type::INT8)])
            .await?;
        attempt.insert(&tx, relayer).await?;
        let ids: Vec<Uuid> = filtered.good.iter().map(|claimed| claimed.id.0).collect();
        let sent = tx
            .execute_typed(
                include_str!("carry.sql"),
                &[(&address, Type::TEXT), (&nonce, Type::INT8), (&ids, Type::UUID_ARRAY)],
            )
            .await?;
        if usize::try_from(sent).ok() != Some(ids.len()) {
            return Err(RelayError::ClaimLost(relayer));
        }
    }
    // Last, as everyone who ends operations locks. They were good alone, and have made us look again.
    let parties = parties::of(&tx, filtered.bad.iter().map(|(id, _)| *id)).await?;
    let seen = |subjects| Event { subjects, outcome: Outcome::Seen };
    let events: Vec<Event<'_>> = parties.iter().map(|subjects| seen(subjects)).collect();
    reputation::record(&tx, &events, OffsetDateTime::now_utc()).await?;
    Ok(tx.commit().await?)
}

/// The first nonce that no transaction of ours has.
pub(super) async fn next_nonce(
    client: &Client,
    relayer: Address,
    on_chain: u64,
) -> Result<u64, RelayError> {
    let address = relayer.to_string();
    let row = client
        .query_typed_one(
            include_str!("next_nonce.sql"),
            &[(&address, Type::TEXT), (&bigint(on_chain), Type::INT8)],
        )
        .await?;
    Ok(count(&row, "nonce")?)
}

/// What is carried under a nonce, in the order in which it was asked for.
pub(super) async fn carried(
    client: &Client,
    relayer: Address,
    nonce: u64,
) -> Result<Vec<super::claim::Claimed>, RelayError> {
    let address = relayer.to_string();
    let rows = client
        .query_typed(
            include_str!("carried.sql"),
            &[(&address, Type::TEXT), (&bigint(nonce), Type::INT8)],
        )
        .await?;
    let read = |row: &Row| {
        let id = OperationId(row.try_get("operation_id")?);
        let Json(body): Json<super::body::Body> = row.try_get("body")?;
        let l2_gas = count(row, "l2_gas")?;
        Ok(super::claim::Claimed { id, carried: body.carried(id)?, l2_gas, trace: None })
    };
    rows.iter().map(read).collect()
}
