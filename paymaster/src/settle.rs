//! Settles countersigned statements on chain. Believes only the chain's events that something is settled.
//!
//! A batch is written down, signed and complete, before anybody sees it. Whatever crashes, the next run finds the
//! open batch and sends the same bytes again: same nonce, same hash. There is one open batch per operator at most.

mod candidates;
mod record;
mod resolve;

use ciro_api::Address;
use ciro_contracts::{AccountError, ChainError, JobManager, KeyedAccount};
use tokio_postgres::{Client, types::Type};

pub use record::Batch;

use crate::StoreError;

/// `ciro st` in ASCII: any number that nobody else locks.
const LOCK: i64 = 0x6369_726f_7374;

/// A step that came to nothing. The next one takes up where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The database did not answer or holds something impossible.
    #[error("could not read or record settlements")]
    Store(#[from] StoreError),
    /// The chain did not answer or refused.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The transaction could not be made.
    #[error("could not make the settlement transaction")]
    Account(#[from] AccountError),
    /// A recorded batch is not what we write.
    #[error("could not read the recorded transaction {0}")]
    Recorded(String, #[source] serde_json::Error),
    /// Two settlers at once.
    #[error("a statement changed while its batch was recorded")]
    Raced,
}

impl From<tokio_postgres::Error> for SettleError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(StoreError::Database(error))
    }
}

impl SettleError {
    /// Whether the chain did not answer, so that there is nothing wrong with us.
    pub fn is_chain_away(&self) -> bool {
        match self {
            Self::Chain(error) | Self::Account(AccountError::Chain(error)) => {
                error.is_unreachable()
            }
            _ => false,
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There was nothing to settle, or another process is the settler.
    Idle,
    /// A batch of so many statements is on its way.
    Sent(usize),
    /// The open batch waits for its block, or for the watcher to see it.
    Waiting,
    /// The open batch can never do anything any more; its statements are free again.
    Failed,
}

/// The one that sends.
#[derive(Debug)]
pub struct Settler {
    account: KeyedAccount,
    job_manager: JobManager,
}

impl Settler {
    /// A settler that sends from the operator's account.
    pub fn new(account: KeyedAccount, job_manager: Address) -> Self {
        Self { account, job_manager: JobManager { address: job_manager } }
    }

    /// Does the next thing: see to the open batch, else make one and send it.
    ///
    /// `client` must be the same connection each time: it holds the lock that makes this the only settler.
    pub async fn step(&self, client: &mut Client) -> Result<Step, SettleError> {
        if !self.is_the_settler(client).await? {
            return Ok(Step::Idle);
        }
        if let Some(batch) = record::open(client, self.account.address()).await? {
            return self.resolve(client, &batch).await;
        }
        match self.record(client).await? {
            None => Ok(Step::Idle),
            Some(batch) => self.broadcast(client, &batch).await,
        }
    }

    /// A lock of the session is counted, so it is taken only where this session lacks it.
    async fn is_the_settler(&self, client: &Client) -> Result<bool, SettleError> {
        let row =
            client.query_typed_one(include_str!("settle/lock.sql"), &[(&LOCK, Type::INT8)]).await?;
        Ok(row.try_get(0)?)
    }
}
