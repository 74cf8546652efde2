//! Takes a worker's agreement to a statement. Only the worker's own valid signature counts, and only one.

use ciro_api::{
    Address, ChainId, ErrorCode, PublicKey, Signature, StatementId, StatementStatus,
    felt::Digest,
    hash::{sign::verify, snip12::TypedStruct, statement::Statement},
};
use tokio_postgres::{GenericClient, Row, types::Type};

use crate::{
    StoreError,
    database::{count, word, word_or_null},
};

/// A countersignature that was not taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum CountersignError {
    /// No such statement.
    #[error("there is no statement {0}")]
    NotFound(StatementId),
    /// The signature is not of this statement by the worker's registered key.
    #[error("the signature is not of statement {0} by the worker's registered key")]
    WrongSignature(StatementId),
    /// Another worker's statement.
    #[error("statement {0} belongs to another worker")]
    OtherWorker(StatementId),
    /// It has another signature already.
    #[error("statement {0} is countersigned with another signature")]
    OtherSignature(StatementId),
    /// The database did not answer or holds something impossible.
    #[error("could not record the countersignature")]
    Store(#[from] StoreError),
}

impl CountersignError {
    /// What the worker is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::WrongSignature(_) => ErrorCode::WrongSignature,
            Self::OtherWorker(_) | Self::OtherSignature(_) => ErrorCode::StatementConflict,
            Self::Store(StoreError::Database(_)) => ErrorCode::Unavailable,
            Self::Store(StoreError::Corrupt(_)) => ErrorCode::Internal,
        }
    }
}

/// Records the worker's signature of a statement. The same signature again is no error.
pub async fn countersign(
    client: &(impl GenericClient + Sync),
    id: StatementId,
    worker: Address,
    signature: Signature,
    chain: ChainId,
) -> Result<(), CountersignError> {
    let stated = read(client, id).await?;
    if stated.statement.worker != worker {
        return Err(CountersignError::OtherWorker(id));
    }
    if stated.signature == Some(signature) {
        return Ok(());
    }
    let message = stated.statement.message_hash(chain, worker);
    if !stated.key.is_some_and(|key| verify(key, &message, &signature)) {
        return Err(CountersignError::WrongSignature(id));
    }
    if stated.status == StatementStatus::Closed && write(client, id, &signature).await? {
        return Ok(());
    }
    // Another call was faster, with the same signature or another valid one.
    match read(client, id).await?.signature {
        Some(recorded) if recorded == signature => Ok(()),
        _ => Err(CountersignError::OtherSignature(id)),
    }
}

struct Stated {
    statement: Statement,
    status: StatementStatus,
    signature: Option<Signature>,
    key: Option<PublicKey>,
}

async fn read(
    client: &(impl GenericClient + Sync),
    id: StatementId,
) -> Result<Stated, CountersignError> {
    let row = client
        .query_typed_opt(include_str!("countersign_read.sql"), &[(&id.0, Type::UUID)])
        .await
        .map_err(StoreError::Database)?
        .ok_or(CountersignError::NotFound(id))?;
    Ok(stated(&row)?)
}

fn stated(row: &Row) -> Result<Stated, StoreError> {
    let r: Option<Digest> = word_or_null(row, "signature_r")?;
    let s: Option<Digest> = word_or_null(row, "signature_s")?;
    Ok(Stated {
        statement: Statement {
            sponsor: word(row, "sponsor")?,
            operator: word(row, "operator")?,
            worker: word(row, "worker")?,
            seq: count(row, "seq")?,
            count: count(row, "count")?,
            amount: word(row, "amount")?,
            receipts: word(row, "root")?,
            contract: word(row, "contract")?,
        },
        status: word(row, "status")?,
        signature: r.zip(s).map(|(r, s)| Signature { r, s }),
        key: word_or_null(row, "public_key")?,
    })
}

async fn write(
    client: &(impl GenericClient + Sync),
    id: StatementId,
    signature: &Signature,
) -> Result<bool, StoreError> {
    let (r, s) = (signature.r.to_string(), signature.s.to_string());
    let written = client
        .execute_typed(
            include_str!("countersign.sql"),
            &[(&id.0, Type::UUID), (&r, Type::TEXT), (&s, Type::TEXT)],
        )
        .await?;
    Ok(written == 1)
}
