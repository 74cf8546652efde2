//! What the Forwarder says happened.

use std::fmt;

use ciro_api::{Address, Felt, TrackingId, TxHash};
use starknet_rust::core::{types::EmittedEvent, utils::parse_cairo_short_string};

use super::Forwarder;
use crate::{
    account::Effects,
    chain::{Chain, ChainError, Receipt},
    events::EventError,
    felts::{Felts, FeltsError, selector},
};

/// Why an operation has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// The account sent less than its charge.
    ChargeNotPaid,
    /// The token did not take the refund back to the account.
    RefundRefused,
    /// The operation named the Forwarder itself as the account.
    AccountIsForwarder,
    /// The account's word for it, or that of a contract that it called: text where it is some, else hex.
    Other(String),
}

impl FailureReason {
    fn read(felt: Felt) -> Self {
        let text = parse_cairo_short_string(&felt).ok();
        let text = text.filter(|t| t.chars().all(|c| c.is_ascii_graphic() || c == ' '));
        match text.as_deref() {
            Some("charge not paid") => Self::ChargeNotPaid,
            Some("token refused the refund") => Self::RefundRefused,
            Some("account is the forwarder") => Self::AccountIsForwarder,
            Some(text) if !text.is_empty() => Self::Other(text.to_owned()),
            _ => Self::Other(format!("{felt:#x}")),
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChargeNotPaid => "the account sent less than its charge",
            Self::RefundRefused => "the token refused the refund",
            Self::AccountIsForwarder => "the account is the forwarder",
            Self::Other(text) => text,
        })
    }
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was signed has happened, and the charge is paid.
    Succeeded,
    /// Nothing of it has happened.
    Failed(FailureReason),
}

/// How one operation of a batch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationOutcome {
    /// Which.
    pub id: TrackingId,
    /// Whose.
    pub account: Address,
    /// How.
    pub outcome: Outcome,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwarderEvent {
    /// An operation ended.
    Operation(OperationOutcome),
    /// An account exists from now on.
    AccountDeployed {
        /// Of which request.
        id: TrackingId,
        /// Which.
        account: Address,
    },
    /// `relayer` may relay from this second since 1970 on.
    RelayerAdded {
        /// Which.
        relayer: Address,
        /// When.
        from: u64,
    },
    /// The relayer may not relay any more.
    RelayerRemoved(Address),
    /// Fees and ownership, which nobody here reads. Its name.
    Other(&'static str),
}

type Read = fn(&mut Felts<'_>) -> Result<ForwarderEvent, FeltsError>;

/// Keys come first, then data.
const READERS: [(&str, Read); 8] = [
    ("OperationSucceeded", |f| operation(f, |_| Ok(Outcome::Succeeded))),
    ("OperationFailed", |f| {
        operation(f, |f| f.felt("reason").map(FailureReason::read).map(Outcome::Failed))
    }),
    ("AccountDeployed", |f| {
        let (id, account) = (TrackingId(f.felt("id")?), f.address("account")?);
        Ok(ForwarderEvent::AccountDeployed { id, account })
    }),
    ("RelayerAdded", |f| {
        let (relayer, from) = (f.address("relayer")?, f.number("from")?);
        Ok(ForwarderEvent::RelayerAdded { relayer, from })
    }),
    ("RelayerRemoved", |f| f.address("relayer").map(ForwarderEvent::RelayerRemoved)),
    ("FeesCollected", |f| {
        f.skip("token and amount", 3).map(|()| ForwarderEvent::Other("FeesCollected"))
    }),
    ("OwnerProposed", |f| {
        f.skip("to and ready_at", 2).map(|()| ForwarderEvent::Other("OwnerProposed"))
    }),
    ("OwnerChanged", |f| f.skip("owner", 1).map(|()| ForwarderEvent::Other("OwnerChanged"))),
];

fn operation(
    f: &mut Felts<'_>,
    outcome: impl Fn(&mut Felts<'_>) -> Result<Outcome, FeltsError>,
) -> Result<ForwarderEvent, FeltsError> {
    let (id, account) = (TrackingId(f.felt("id")?), f.address("account")?);
    Ok(ForwarderEvent::Operation(OperationOutcome { id, account, outcome: outcome(f)? }))
}

impl ForwarderEvent {
    /// Reads what a node returned.
    pub fn decode(raw: &EmittedEvent) -> Result<Self, EventError> {
        Self::read(TxHash(raw.transaction_hash), &raw.keys, &raw.data)
    }

    /// Reads an event of transaction `tx_hash`.
    pub fn read(tx_hash: TxHash, keys: &[Felt], data: &[Felt]) -> Result<Self, EventError> {
        let (first, keys) =
            keys.split_first().ok_or(EventError::Unknown { tx_hash, selector: Felt::ZERO })?;
        let (name, read) = READERS
            .iter()
            .find(|(name, _)| selector(name) == *first)
            .ok_or(EventError::Unknown { tx_hash, selector: *first })?;
        let fields = [keys, data].concat();
        let mut felts = Felts::new(&fields);
        read(&mut felts)
            .and_then(|event| felts.end().map(|()| event))
            .map_err(|e| EventError::Malformed { tx_hash, name, detail: e.to_string() })
    }
}

impl Forwarder {
    /// How the operations of transaction `hash` in block `block` ended, in the order in which it named them.
    pub async fn outcomes(
        self,
        chain: &Chain,
        hash: TxHash,
        block: u64,
    ) -> Result<Vec<OperationOutcome>, ChainError> {
        let raw = chain.events(&[self.address], block, block).await?;
        let mine = raw.iter().filter(|event| event.transaction_hash == hash.0);
        read_outcomes(hash, mine.map(|event| (&event.keys[..], &event.data[..])))
    }

    /// The same, out of the receipt.
    pub fn outcomes_of(
        self,
        hash: TxHash,
        receipt: &Receipt,
    ) -> Result<Vec<OperationOutcome>, ChainError> {
        let mine = receipt.events.iter().filter(|event| event.from_address == self.address.0);
        read_outcomes(hash, mine.map(|event| (&event.keys[..], &event.data[..])))
    }

    /// The same, of a transaction that was only simulated.
    pub fn simulated_outcomes(
        self,
        effects: &Effects,
    ) -> Result<Vec<OperationOutcome>, ChainError> {
        let mut emitted = effects.emitted_by(self.address);
        emitted.sort_by_key(|event| event.order);
        let unsent = TxHash(Felt::ZERO);
        read_outcomes(unsent, emitted.iter().map(|event| (&event.keys[..], &event.data[..])))
    }
}

/// A deployment that came alone has succeeded; where an operation came with it, its outcome counts.
fn read_outcomes<'a>(
    hash: TxHash,
    raw: impl Iterator<Item = (&'a [Felt], &'a [Felt])>,
) -> Result<Vec<OperationOutcome>, ChainError> {
    let mut outcomes = Vec::new();
    let mut deployed = None;
    for (keys, data) in raw {
        let event = ForwarderEvent::read(hash, keys, data).map_err(|error| {
            let detail = error.to_string();
            ChainError::Unexpected { doing: "read what a batch did", detail }
        })?;
        match event {
            ForwarderEvent::AccountDeployed { id, account } => {
                deployed = Some(id);
                outcomes.push(OperationOutcome { id, account, outcome: Outcome::Succeeded });
            }
            ForwarderEvent::Operation(outcome) => {
                if deployed.take() == Some(outcome.id) {
                    outcomes.pop();
                }
                outcomes.push(outcome);
            }
            _ => {}
        }
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests;
