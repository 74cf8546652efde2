//! What the contracts say happened. Decoding is total: an event that is not understood is an error,
//! since the contracts cannot change and skipping one would lose money.

use std::sync::LazyLock;

use ciro_api::{Address, Felt, Fri, ModelId, PublicKey, TxHash, felt::Digest};
use starknet_rust::core::{types::EmittedEvent, utils::parse_cairo_short_string};

use crate::felts::{Felts, FeltsError, selector};

/// An amount and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// The sponsor or worker.
    pub of: Address,
    /// How much.
    pub amount: Fri,
}

/// A change of what a sponsor has deposited for an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepositChange {
    /// Whose money.
    pub sponsor: Address,
    /// Who may spend it.
    pub operator: Address,
    /// How much.
    pub amount: Fri,
}

/// What an operator may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Whose money.
    pub sponsor: Address,
    /// Who may spend it.
    pub operator: Address,
    /// How much in each epoch.
    pub per_epoch: Fri,
    /// From when on, in seconds since 1970: a moment ahead for a limit that is lower than the one before.
    pub counts_from: u64,
    /// What it may spend in each epoch until then.
    pub before: Fri,
}

/// The part of a model's terms that decides about money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredModel {
    /// The model.
    pub id: ModelId,
    /// How strongly its results are verified.
    pub level: u8,
    /// Least price of one result.
    pub min_price: Fri,
    /// Least stake of a worker that runs it.
    pub min_stake: Fri,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A sponsor's deposit has grown.
    Deposited(DepositChange),
    /// A sponsor will take money out; zero cancels.
    WithdrawalAnnounced(DepositChange),
    /// A sponsor's deposit has shrunk, and its announcement is used up.
    Withdrawn(DepositChange),
    /// What an operator may spend in each epoch has another limit, now or soon.
    AllowanceSet(Allowance),
    /// A worker's stake has grown.
    Staked(Amount),
    /// A worker will take stake out; zero cancels.
    UnstakeAnnounced(Amount),
    /// A worker's stake has shrunk, and its announcement is used up.
    Unstaked(Amount),
    /// A worker's mature pay went to it.
    Claimed(Amount),
    /// A worker's stake is gone and its locked pay frozen: fraud was shown.
    Slashed(Amount),
    /// A model exists from now on.
    ModelRegistered(RegisteredModel),
    /// A worker signs with this key from now on.
    WorkerRegistered(Address, PublicKey),
    /// No key signs for the worker any more.
    WorkerDeregistered(Address),
    /// Something that moves none of the money that the mirror counts: on-chain jobs, fraud, returned pay, credits,
    /// roles, pauses and operators' keys. Its name.
    Other(&'static str),
    /// Money moved from a sponsor's deposit to a worker's pending pay.
    StatementSettled(Settled),
    /// A statement moved nothing.
    StatementRefused(Refused),
}

/// A settled statement, as the chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Who paid.
    pub sponsor: Address,
    /// Who is paid.
    pub worker: Address,
    /// Through whom.
    pub operator: Address,
    /// The statement's place in its sequence.
    pub seq: u64,
    /// How many receipts.
    pub count: u64,
    /// What moved.
    pub amount: Fri,
    /// The root of the receipts.
    pub receipts: Digest,
}

/// A refused statement, as the chain has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who would have paid.
    pub sponsor: Address,
    /// Who would have been paid.
    pub worker: Address,
    /// Through whom.
    pub operator: Address,
    /// The statement's place in its sequence; the largest number when it is larger still.
    pub seq: u64,
    /// The contract's word for it.
    pub reason: String,
}

/// An event and where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The block.
    pub block: u64,
    /// The transaction.
    pub tx_hash: TxHash,
    /// What happened.
    pub event: Event,
}

/// An event that is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// No such event.
    #[error("transaction {tx_hash} emitted an unknown event {selector:#x}")]
    Unknown {
        /// Where.
        tx_hash: TxHash,
        /// Its first key.
        selector: Felt,
    },
    /// The event is known and its fields are not as they should be.
    #[error("transaction {tx_hash} emitted a malformed {name}: {detail}")]
    Malformed {
        /// Where.
        tx_hash: TxHash,
        /// Which event.
        name: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// The event is in no block yet.
    #[error("transaction {tx_hash} is in no block yet")]
    NoBlock {
        /// Where.
        tx_hash: TxHash,
    },
}

type Read = fn(&mut Felts<'_>) -> Result<Event, FeltsError>;

/// Keys come first, then data, so each reader sees the fields in the order of their declaration.
const READERS: [(&str, Read); 14] = [
    ("Deposited", |f| deposit_change(f).map(Event::Deposited)),
    ("WithdrawalAnnounced", |f| {
        let change = deposit_change(f)?;
        f.skip("ready_at", 1)?;
        Ok(Event::WithdrawalAnnounced(change))
    }),
    ("Withdrawn", |f| deposit_change(f).map(Event::Withdrawn)),
    ("AllowanceSet", allowance_set),
    ("Staked", |f| amount(f).map(Event::Staked)),
    ("UnstakeAnnounced", |f| announced(f).map(Event::UnstakeAnnounced)),
    ("Unstaked", |f| amount(f).map(Event::Unstaked)),
    ("Claimed", |f| amount(f).map(Event::Claimed)),
    ("Slashed", slashed),
    ("ModelRegistered", model_registered),
    ("WorkerRegistered", |f| {
        Ok(Event::WorkerRegistered(f.address("worker")?, PublicKey(f.felt("public_key")?)))
    }),
    ("WorkerDeregistered", |f| f.address("worker").map(Event::WorkerDeregistered)),
    ("StatementSettled", statement_settled),
    ("StatementRefused", statement_refused),
];

/// Events whose fields nobody here reads.
const OTHERS: [&str; 14] = [
    "PayReturned",
    "HandoverProposed",
    "HandoverAccepted",
    "Paused",
    "Unpaused",
    "OperatorRegistered",
    "JobPosted",
    "JobFulfilled",
    "JobDelivered",
    "DeliveryFailed",
    "JobReclaimed",
    "EquivocationShown",
    "WrongOutputShown",
    "CreditsMinted",
];

fn amount(f: &mut Felts<'_>) -> Result<Amount, FeltsError> {
    Ok(Amount { of: f.address("whose")?, amount: f.fri("amount")? })
}

fn deposit_change(f: &mut Felts<'_>) -> Result<DepositChange, FeltsError> {
    let (sponsor, operator) = (f.address("sponsor")?, f.address("operator")?);
    Ok(DepositChange { sponsor, operator, amount: f.fri("amount")? })
}

fn announced(f: &mut Felts<'_>) -> Result<Amount, FeltsError> {
    let announced = amount(f)?;
    f.skip("ready_at", 1)?;
    Ok(announced)
}

fn slashed(f: &mut Felts<'_>) -> Result<Event, FeltsError> {
    let worker = f.address("worker")?;
    f.skip("reporter", 1)?;
    let amount = f.fri("amount")?;
    f.skip("reward", 1)?;
    Ok(Event::Slashed(Amount { of: worker, amount }))
}

fn allowance_set(f: &mut Felts<'_>) -> Result<Event, FeltsError> {
    Ok(Event::AllowanceSet(Allowance {
        sponsor: f.address("sponsor")?,
        operator: f.address("operator")?,
        per_epoch: f.fri("per_epoch")?,
        counts_from: f.number("counts_from")?,
        before: f.fri("before")?,
    }))
}

fn model_registered(f: &mut Felts<'_>) -> Result<Event, FeltsError> {
    let id = ModelId(f.felt("model_id")?);
    let level = f.number("level")?;
    f.skip("adjudicator", 1)?;
    f.skip("scheme", 1)?;
    f.skip("input_bytes_max", 1)?;
    let (min_price, min_stake) = (f.fri("min_price")?, f.fri("min_stake")?);
    // A byte array: the number of full words, the words, the rest and its length.
    let words: u32 = f.number("manifest_uri")?;
    let words = usize::try_from(words).map_err(|_| FeltsError::OutOfRange("manifest_uri"))?;
    f.skip("manifest_uri", words)?;
    f.skip("manifest_uri", 2)?;
    Ok(Event::ModelRegistered(RegisteredModel { id, level, min_price, min_stake }))
}

fn statement_settled(f: &mut Felts<'_>) -> Result<Event, FeltsError> {
    Ok(Event::StatementSettled(Settled {
        sponsor: f.address("sponsor")?,
        worker: f.address("worker")?,
        operator: f.address("operator")?,
        seq: f.number("seq")?,
        count: f.number("count")?,
        amount: f.fri("amount")?,
        receipts: Digest(f.felt("receipts")?),
    }))
}

fn statement_refused(f: &mut Felts<'_>) -> Result<Event, FeltsError> {
    let (sponsor, worker) = (f.address("sponsor")?, f.address("worker")?);
    let operator = f.address("operator")?;
    // Anyone may send a statement with any number and have it refused: that must not stop us.
    let seq = f.number("seq").or_else(|error| match error {
        FeltsError::OutOfRange(_) => Ok(u64::MAX),
        other => Err(other),
    })?;
    let reason = f.felt("reason")?;
    let reason = parse_cairo_short_string(&reason).unwrap_or_else(|_| format!("{reason:#x}"));
    Ok(Event::StatementRefused(Refused { sponsor, worker, operator, seq, reason }))
}

static BY_SELECTOR: LazyLock<Vec<(Felt, &'static str, Read)>> =
    LazyLock::new(|| READERS.iter().map(|(name, read)| (selector(name), *name, *read)).collect());

static OTHER_SELECTORS: LazyLock<Vec<(Felt, &'static str)>> =
    LazyLock::new(|| OTHERS.iter().map(|name| (selector(name), *name)).collect());

impl Located {
    /// Reads what a node returned.
    pub fn decode(raw: &EmittedEvent) -> Result<Self, EventError> {
        let tx_hash = TxHash(raw.transaction_hash);
        let (first, keys) =
            raw.keys.split_first().ok_or(EventError::Unknown { tx_hash, selector: Felt::ZERO })?;
        let block = raw.block_number.ok_or(EventError::NoBlock { tx_hash })?;
        if let Some((_, name)) = OTHER_SELECTORS.iter().find(|(selector, _)| selector == first) {
            return Ok(Self { block, tx_hash, event: Event::Other(name) });
        }
        let (_, name, read) = BY_SELECTOR
            .iter()
            .find(|(selector, ..)| selector == first)
            .ok_or(EventError::Unknown { tx_hash, selector: *first })?;
        let fields = [keys, &raw.data].concat();
        let mut felts = Felts::new(&fields);
        let event = read(&mut felts)
            .and_then(|event| felts.end().map(|()| event))
            .map_err(|e| EventError::Malformed { tx_hash, name, detail: e.to_string() })?;
        Ok(Self { block, tx_hash, event })
    }
}

#[cfg(test)]
mod tests;
