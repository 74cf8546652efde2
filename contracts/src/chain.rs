//! A Starknet node behind JSON-RPC: every request has a time limit and says what it was for.
//!
//! Never signs, and never prints the node's URL, which often holds an API key.

mod class;
mod error;
mod estimate;
mod nodes;
mod receipt;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use ciro_api::{Address, ChainId, Felt, TxHash};
use starknet_rust::{
    core::types::{
        AddressFilter, BlockId, BlockTag, EmittedEvent, EventFilter, ExecutionResult, FunctionCall,
        MaybePreConfirmedBlockWithTxHashes, StarknetError, TransactionStatus,
    },
    providers::{JsonRpcClient, Provider, ProviderError},
};
use url::Url;

pub use class::ClassKind;
pub use error::ChainError;
pub use estimate::account_address;
pub(crate) use estimate::unsigned;
pub(crate) use nodes::Nodes;
pub use receipt::Receipt;

use crate::felts::{Felts, FeltsError, selector};

/// Most events in one page: the largest that common nodes allow.
const EVENTS_PER_PAGE: u64 = 1_000;

/// How often a transaction that was sent is asked for.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The client that accounts send through.
pub(crate) type Client = Arc<JsonRpcClient<Nodes>>;

/// A chain, and the nodes that follow it.
#[derive(Clone)]
pub struct Chain {
    client: Client,
    urls: Arc<[Url]>,
    id: ChainId,
    timeout: Duration,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What has become of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionOutcome {
    /// The node does not know it.
    Unknown,
    /// It waits.
    Pending,
    /// It is in a block and did what it should.
    Succeeded,
    /// It is in a block and was undone.
    Reverted(String),
}

/// The newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: Felt,
}

impl Chain {
    /// Connects and learns the chain's id.
    pub async fn connect(url: Url, timeout: Duration) -> Result<Self, ChainError> {
        let mut chain = Self::offline(url, ChainId(Felt::ZERO), timeout);
        let id = chain.ask("learn the chain's id", chain.client.chain_id()).await?;
        chain.id = ChainId(id);
        Ok(chain)
    }

    /// A chain whose id is known; nothing is sent yet, so its node may be down.
    pub fn offline(url: Url, id: ChainId, timeout: Duration) -> Self {
        Self::among(&[url], id, timeout)
    }

    /// The same with several nodes, in the order in which they are liked: when one does not answer, the next is asked.
    pub fn among(urls: &[Url], id: ChainId, timeout: Duration) -> Self {
        let client = Arc::new(JsonRpcClient::new(Nodes::new(urls, timeout)));
        Self { client, urls: urls.into(), id, timeout }
    }

    /// The id of the chain.
    pub fn chain_id(&self) -> ChainId {
        self.id
    }

    /// The client underneath, for accounts.
    pub(crate) fn client(&self) -> Client {
        Arc::clone(&self.client)
    }

    /// Waits for `request` within the time limit.
    pub(crate) async fn ask<T>(
        &self,
        doing: &'static str,
        request: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ChainError> {
        match tokio::time::timeout(self.timeout, request).await {
            Ok(answer) => answer.map_err(|error| self.explain(doing, error)),
            Err(_) => Err(ChainError::Timeout { doing, after: self.timeout }),
        }
    }

    /// Sorts a provider's error and takes our URL out of its words.
    pub(crate) fn explain(&self, doing: &'static str, error: ProviderError) -> ChainError {
        match error {
            ProviderError::StarknetError(error) => {
                ChainError::Refused { doing, error: Box::new(error) }
            }
            other => {
                let hide = |text: String, url: &Url| text.replace(url.as_str(), "the node");
                let detail = self.urls.iter().fold(other.to_string(), hide);
                ChainError::Unreachable { doing, detail }
            }
        }
    }

    /// The newest accepted block.
    pub async fn head(&self) -> Result<Head, ChainError> {
        let head = self.ask("read the newest block", self.client.block_hash_and_number()).await?;
        Ok(Head { number: head.block_number, hash: head.block_hash })
    }

    /// The hash of the block at this height, or nothing where the chain is shorter.
    pub async fn block_hash(&self, number: u64) -> Result<Option<Felt>, ChainError> {
        let request = self.client.get_block_with_tx_hashes(BlockId::Number(number));
        match self.ask("read a block", request).await {
            Ok(MaybePreConfirmedBlockWithTxHashes::Block(block)) => Ok(Some(block.block_hash)),
            Ok(MaybePreConfirmedBlockWithTxHashes::PreConfirmedBlock(_)) => Ok(None),
            Err(error) if error.refusal() == Some(&StarknetError::BlockNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// When the accepted block at this height was made, in seconds since 1970.
    pub async fn block_timestamp(&self, number: u64) -> Result<u64, ChainError> {
        const DOING: &str = "read a block's time";
        let request = self.client.get_block_with_tx_hashes(BlockId::Number(number));
        match self.ask(DOING, request).await? {
            MaybePreConfirmedBlockWithTxHashes::Block(block) => Ok(block.timestamp),
            MaybePreConfirmedBlockWithTxHashes::PreConfirmedBlock(_) => {
                let detail = format!("block {number} is not accepted yet");
                Err(ChainError::Unexpected { doing: DOING, detail })
            }
        }
    }

    /// All events of `addresses` in the blocks from `first` to `last`, in the chain's order.
    pub async fn events(
        &self,
        addresses: &[Address],
        first: u64,
        last: u64,
    ) -> Result<Vec<EmittedEvent>, ChainError> {
        let filter = EventFilter {
            from_block: Some(BlockId::Number(first)),
            to_block: Some(BlockId::Number(last)),
            address: Some(AddressFilter::Multiple(addresses.iter().map(|a| a.0).collect())),
            keys: None,
        };
        let mut events = Vec::new();
        let mut more = None;
        loop {
            let request = self.client.get_events(filter.clone(), more, EVENTS_PER_PAGE);
            let page = self.ask("read events", request).await?;
            events.extend(page.events);
            more = page.continuation_token;
            if more.is_none() {
                break;
            }
        }
        events.sort_by_key(|e| (e.block_number, e.transaction_index, e.event_index));
        Ok(events)
    }

    /// Calls a view.
    pub async fn call(
        &self,
        contract: Address,
        function: &'static str,
        calldata: Vec<Felt>,
    ) -> Result<Vec<Felt>, ChainError> {
        let call = FunctionCall {
            contract_address: contract.0,
            entry_point_selector: selector(function),
            calldata,
        };
        self.ask(function, self.client.call(call, BlockId::Tag(BlockTag::PreConfirmed))).await
    }

    /// Calls a view and reads all of its answer.
    pub(crate) async fn view<T>(
        &self,
        contract: Address,
        function: &'static str,
        calldata: Vec<Felt>,
        read: impl FnOnce(&mut Felts<'_>) -> Result<T, FeltsError>,
    ) -> Result<T, ChainError> {
        let answer = self.call(contract, function, calldata).await?;
        let mut felts = Felts::new(&answer);
        read(&mut felts)
            .and_then(|value| felts.end().map(|()| value))
            .map_err(|error| ChainError::Unexpected { doing: function, detail: error.to_string() })
    }

    /// The nonce that the next transaction of `account` needs, by accepted blocks only.
    pub async fn accepted_nonce(&self, account: Address) -> Result<Felt, ChainError> {
        let request = self.client.get_nonce(BlockId::Tag(BlockTag::Latest), account.0);
        self.ask("read an account's nonce", request).await
    }

    /// The class of the contract at `address`, or nothing where none is deployed.
    pub async fn class_at(&self, address: Address) -> Result<Option<Felt>, ChainError> {
        let block = BlockId::Tag(BlockTag::PreConfirmed);
        let request = self.client.get_class_hash_at(block, address.0);
        match self.ask("read a contract's class", request).await {
            Ok(class) => Ok(Some(class)),
            Err(error) if error.refusal() == Some(&StarknetError::ContractNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What has become of a transaction.
    pub async fn outcome(&self, hash: TxHash) -> Result<TransactionOutcome, ChainError> {
        let request = self.client.get_transaction_status(hash.0);
        let outcome = match self.ask("read a transaction's status", request).await {
            Err(e) if e.refusal() == Some(&StarknetError::TransactionHashNotFound) => {
                return Ok(TransactionOutcome::Unknown);
            }
            answer => answer?,
        };
        Ok(match outcome {
            TransactionStatus::Received
            | TransactionStatus::Candidate
            | TransactionStatus::PreConfirmed(_) => TransactionOutcome::Pending,
            TransactionStatus::AcceptedOnL2(result) | TransactionStatus::AcceptedOnL1(result) => {
                match result {
                    ExecutionResult::Succeeded => TransactionOutcome::Succeeded,
                    ExecutionResult::Reverted { reason } => TransactionOutcome::Reverted(reason),
                }
            }
        })
    }

    /// Waits until a transaction that was sent is in a block, and returns the block's height.
    pub async fn wait_for(&self, hash: TxHash, patience: Duration) -> Result<u64, ChainError> {
        const DOING: &str = "wait for a transaction";
        let waiting = async {
            loop {
                match self.outcome(hash).await? {
                    TransactionOutcome::Succeeded => break,
                    TransactionOutcome::Reverted(reason) => {
                        let detail = format!("{hash} was reverted: {reason}");
                        return Err(ChainError::Unexpected { doing: DOING, detail });
                    }
                    TransactionOutcome::Unknown | TransactionOutcome::Pending => {
                        tokio::time::sleep(POLL_INTERVAL).await;
                    }
                }
            }
            let receipt = self.client.get_transaction_receipt(hash.0);
            let receipt = self.ask("read a transaction's receipt", receipt).await?;
            Ok(receipt.block.block_number())
        };
        match tokio::time::timeout(patience, waiting).await {
            Ok(done) => done,
            Err(_) => Err(ChainError::Timeout { doing: DOING, after: patience }),
        }
    }
}
