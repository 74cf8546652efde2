//! Collects what sponsors owe for operations. The treasury is a worker on the chain's books like any other: it countersigns the
//! statements of its receipts, they are settled, and what has matured is claimed. So relayers spend what sponsors have paid.

use std::{sync::Arc, time::Duration};

use ciro_api::{
    Address, ChainId, Fri,
    hash::{sign, snip12::TypedStruct as _},
    rest::statements::StatementDocument,
};
use ciro_contracts::{AccountError, KeyedAccount, Pool, PrivateKey};
use deadpool_postgres::Pool as Connections;
use tokio::sync::Mutex;
use tokio_postgres::{Client, types::Type};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::loops::{failed, keep, rest};
use crate::{
    StoreError,
    backoff::Backoff,
    health::{Board, Part},
    sponsors,
    statements::{self, CountersignError},
};

/// Statements that are looked at at once.
const STATEMENTS: u32 = 50;
/// How often statements are looked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// How many rounds pass between two looks at what has matured.
const ROUNDS_PER_CLAIM: u32 = 10;
/// Sponsors whose pay is claimed in one transaction.
const SPONSORS_MAX: usize = 20;

/// What went wrong while collecting.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A statement that names something else than operations of ours.
    #[error(
        "statement {0} holds receipts that are of no operation; the treasury does not countersign it"
    )]
    NotOurs(ciro_api::StatementId),
    /// The key does not sign.
    #[error("could not countersign a statement")]
    Sign(#[from] sign::SignError),
    /// It was not taken: most often, the treasury has not registered its key as a worker's.
    #[error(
        "the treasury's countersignature was not taken; is it registered as a worker, with its own key?"
    )]
    Refused(#[from] CountersignError),
    /// The claim was not sent.
    #[error("could not claim what sponsors have paid")]
    Claim(#[from] AccountError),
    /// The database did not answer or holds something impossible.
    #[error("could not read what sponsors owe")]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for CollectError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(StoreError::Database(error))
    }
}

/// Held by whoever sends from the treasury, so that no two transactions of this process want one nonce.
pub(super) type Turn = Arc<Mutex<()>>;

/// The treasury as a worker.
pub(super) struct Collector {
    pub(super) account: KeyedAccount,
    pub(super) key: PrivateKey,
    pub(super) pool: Pool,
    pub(super) turn: Turn,
    pub(super) chain_id: ChainId,
}

impl Collector {
    pub(super) async fn run(
        self,
        connections: &Connections,
        board: &Board,
        stop: &CancellationToken,
    ) {
        let mut slot = None;
        let mut backoff = Backoff::new(INTERVAL);
        let mut round = 0_u32;
        loop {
            let wait = match keep(&mut slot, connections).await {
                Err(error) => {
                    let wait = backoff.next();
                    failed(board, Part::Collector, &error, wait);
                    wait
                }
                Ok(client) => match self.step(client, round).await {
                    Ok(()) => {
                        backoff.reset();
                        board.problem(Part::Collector, None);
                        INTERVAL
                    }
                    Err(error) => {
                        let wait = backoff.next();
                        failed(board, Part::Collector, &error, wait);
                        wait
                    }
                },
            };
            round = round.wrapping_add(1);
            if !rest(wait, stop).await {
                return;
            }
        }
    }

    async fn step(&self, client: &Client, round: u32) -> Result<(), CollectError> {
        let worker = self.account.address();
        for document in statements::pending(client, worker, STATEMENTS).await? {
            self.countersign(client, &document).await?;
        }
        if round.is_multiple_of(ROUNDS_PER_CLAIM) {
            self.claim(client).await?;
        }
        Ok(())
    }

    /// Only what this paymaster has carried: each receipt is of one of its operations, over what was captured for it.
    async fn countersign(
        &self,
        client: &Client,
        document: &StatementDocument,
    ) -> Result<(), CollectError> {
        let ids: Vec<Uuid> = document.receipts.iter().map(|line| line.job.0).collect();
        let amounts: Vec<String> =
            document.receipts.iter().map(|line| line.amount_fri.to_string()).collect();
        let row = client
            .query_typed_one(
                include_str!("collecting/ours.sql"),
                &[(&ids, Type::UUID_ARRAY), (&amounts, Type::TEXT_ARRAY)],
            )
            .await?;
        if usize::try_from(row.try_get::<_, i64>(0)?).ok() != Some(ids.len()) {
            return Err(CollectError::NotOurs(document.id));
        }
        let worker = self.account.address();
        let message = document.statement().message_hash(self.chain_id, worker);
        let signature = sign::sign(self.key.reveal(), &message)?;
        statements::countersign(client, document.id, worker, signature, self.chain_id).await?;
        tracing::info!(statement = %document.id, amount = %document.amount_fri, "countersigned for the treasury");
        Ok(())
    }

    async fn claim(&self, client: &Client) -> Result<(), CollectError> {
        let worker = self.account.address();
        let chain = self.account.chain();
        let mut matured = Vec::new();
        for sponsor in sponsors::with_operations(client).await? {
            let pending =
                self.pool.pending_of(chain, worker, sponsor).await.map_err(AccountError::from)?;
            if pending.mature > Fri::ZERO {
                matured.push(sponsor);
            }
        }
        let claimable = self.pool.claimable_of(chain, worker).await.map_err(AccountError::from)?;
        if matured.is_empty() && claimable == Fri::ZERO {
            return Ok(());
        }
        let some: Vec<Address> = matured.into_iter().take(SPONSORS_MAX).collect();
        let _turn = self.turn.lock().await;
        let hash = self.account.execute(vec![self.pool.claim(worker, &some)]).await?;
        tracing::info!(%hash, sponsors = some.len(), "claimed what sponsors have paid");
        Ok(())
    }
}
