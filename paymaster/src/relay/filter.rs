//! Simulates a batch, so that what would fail is not paid for.

use ciro_api::OperationId;
use ciro_contracts::{Call, Effects, Forwarder, KeyedAccount, Outcome, ResourceBounds, Validation};

use super::{
    body::{Carried, tracking_id},
    claim::Claimed,
    relayer::RelayError,
};

/// What is left of a claim.
#[derive(Debug, Default)]
pub(super) struct Filtered {
    /// What would happen, to be sent together.
    pub(super) good: Vec<Claimed>,
    /// What it may take.
    pub(super) bounds: Option<ResourceBounds>,
    /// What would not, and why.
    pub(super) bad: Vec<(OperationId, String)>,
    /// What was not looked at, because something took all down.
    pub(super) rest: Vec<Claimed>,
}

/// The one call that carries them all.
pub(super) fn call(forwarder: Forwarder, operations: &[Claimed]) -> Result<Call, RelayError> {
    if let [only] = operations {
        return Ok(only.carried.call(forwarder));
    }
    let mut together = Vec::with_capacity(operations.len());
    for claimed in operations {
        let Carried::Execute(operation) = &claimed.carried else {
            return Err(RelayError::NotAlone(claimed.id));
        };
        together.push(operation.clone());
    }
    Ok(forwarder.execute_batch(&together))
}

/// Simulates what was claimed. Where the whole is reverted, one half is tried,
/// until what takes the others down is alone.
pub(super) async fn filter(
    account: &KeyedAccount,
    forwarder: Forwarder,
    mut operations: Vec<Claimed>,
) -> Result<Filtered, RelayError> {
    let mut filtered = Filtered::default();
    while !operations.is_empty() {
        let calls = vec![call(forwarder, &operations)?];
        let simulation = account.simulate(calls, Validation::Included).await?;
        match simulation.effects {
            Effects::Reverted(reason) => {
                let half = operations.len() / 2;
                if half == 0 {
                    let only = operations.pop();
                    ensure_relays(account, forwarder).await?;
                    filtered.bad.extend(only.map(|claimed| (claimed.id, reason)));
                } else {
                    let rest = operations.split_off(half);
                    filtered.rest.splice(0..0, rest);
                }
            }
            Effects::Succeeded(_) => {
                let outcomes = forwarder.simulated_outcomes(&simulation.effects)?;
                for claimed in operations.drain(..) {
                    let id = tracking_id(claimed.id);
                    match outcomes.iter().find(|told| told.id == id).map(|told| &told.outcome) {
                        Some(Outcome::Succeeded) => filtered.good.push(claimed),
                        Some(Outcome::Failed(reason)) => {
                            filtered.bad.push((claimed.id, reason.to_string()));
                        }
                        None => filtered.bad.push((claimed.id, "nothing happened".to_owned())),
                    }
                }
                filtered.bounds = Some(ResourceBounds::of(&simulation.fee)?);
            }
        }
    }
    Ok(filtered)
}

/// A relayer that the contract does not know must not make it look as if all operations were bad.
async fn ensure_relays(account: &KeyedAccount, forwarder: Forwarder) -> Result<(), RelayError> {
    match forwarder.relays_from(account.chain(), account.address()).await? {
        Some(_) => Ok(()),
        None => Err(RelayError::NotARelayer(account.address())),
    }
}
