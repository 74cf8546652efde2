//! Puts an operation into the queue, in the transaction that reserves what it may cost.
//!
//! That transaction locks as the one that ends operations does: the operation, then its sponsor. In another
//! order a request that is made again just when its operation ends would wait for the end, and the end for it.

use ciro_api::{
    Address, DeviceId, Felt, OperationId, SponsorId, SponsorKeyId, Trace, felt::Digest,
};
use deadpool_postgres::Transaction;
use time::OffsetDateTime;
use tokio_postgres::{
    GenericClient,
    types::{Json, Type},
};

use super::body::{Body, Carried};
use crate::database::bigint;

/// An operation that was checked, and for which all is reserved.
#[derive(Clone, Debug)]
pub struct Queued<'a> {
    /// Its id; its tracking id is the same number.
    pub id: OperationId,
    /// The account's class.
    pub class_hash: Felt,
    /// What the account signed; of a deployment that comes alone, its address.
    pub message_hash: Felt,
    /// What is to be done.
    pub carried: &'a Carried,
    /// Who pays, if not the account itself.
    pub sponsor: Option<(SponsorId, SponsorKeyId)>,
    /// The device that asked, where one is known.
    pub device: Option<DeviceId>,
    /// How much L2 gas it took alone.
    pub l2_gas: u64,
    /// Whether it could take others down with it.
    pub alone: bool,
    /// When the account stops taking it.
    pub expires_at: OffsetDateTime,
    /// The trace of the request.
    pub trace: Option<&'a Trace>,
}

/// An operation that was not queued. Nothing has changed, if the caller does not commit.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The same is carried already.
    #[error("account {0} has asked for exactly this before")]
    Known(Address),
    /// It is more than a transaction can hold.
    #[error("an operation of {0} felts is more than a transaction can hold")]
    TooLarge(usize),
    /// The database did not answer or refused.
    #[error("could not queue the operation")]
    Database(#[from] tokio_postgres::Error),
}

fn account(carried: &Carried) -> Address {
    match carried {
        Carried::Execute(operation) | Carried::DeployAndExecute(_, operation) => operation.account,
        Carried::Deploy(deployment) => deployment.account,
    }
}

/// Queues it, before its sponsor is locked.
pub async fn enqueue(
    tx: &Transaction<'_>,
    forwarder: ciro_contracts::Forwarder,
    queued: &Queued<'_>,
) -> Result<(), EnqueueError> {
    let account = account(queued.carried);
    let length = queued.carried.call(forwarder).calldata.len();
    let felts = i32::try_from(length).map_err(|_| EnqueueError::TooLarge(length))?;
    let (class, message) =
        (Digest(queued.class_hash).to_string(), Digest(queued.message_hash).to_string());
    let (sponsor, key) = queued.sponsor.unzip();
    let inserted = tx
        .execute_typed(
            include_str!("enqueue.sql"),
            &[
                (&queued.id.0, Type::UUID),
                (&account.to_string(), Type::TEXT),
                (&class, Type::TEXT),
                (&message, Type::TEXT),
                (&Json(Body::of(queued.carried)), Type::JSONB),
                (&sponsor.map(|id| id.0), Type::UUID),
                (&key.map(|id| id.0), Type::UUID),
                (&queued.device.map(|id| id.0), Type::UUID),
                (&felts, Type::INT4),
                (&bigint(queued.l2_gas), Type::INT8),
                (&(queued.alone || queued.carried.is_alone()), Type::BOOL),
                (&queued.expires_at, Type::TIMESTAMPTZ),
                (&queued.trace.map(Json), Type::JSONB),
            ],
        )
        .await?;
    if inserted == 0 {
        return Err(EnqueueError::Known(account));
    }
    Ok(())
}

/// The operation that carries, or has carried, what `account` signed so.
pub async fn known(
    client: &impl GenericClient,
    account: Address,
    message_hash: Felt,
) -> Result<Option<OperationId>, tokio_postgres::Error> {
    let (account, message) = (account.to_string(), Digest(message_hash).to_string());
    let rows = client
        .query_typed(include_str!("known.sql"), &[(&account, Type::TEXT), (&message, Type::TEXT)])
        .await?;
    rows.first().map(|row| row.try_get(0).map(OperationId)).transpose()
}
