//! Sorts out what can be sent: not settled, next in its sequence, and signed by the keys that are registered now.

use std::collections::HashMap;

use anyhow::Context;
use ciro_api::{Address, PublicKey};
use ciro_contracts::{Chain, ChainError, JobManager, Pool};
use ciro_worker::statements::KeptStatement;

use super::{Fate, Outcome, Row};

/// What is registered with one `JobManager`, each asked for once.
struct Registered<'a> {
    chain: &'a Chain,
    manager: JobManager,
    operators: HashMap<Address, Option<PublicKey>>,
}

impl Registered<'_> {
    async fn operator(&mut self, operator: Address) -> Result<Option<PublicKey>, ChainError> {
        if let Some(known) = self.operators.get(&operator) {
            return Ok(*known);
        }
        let key = self.manager.operator_key(self.chain, operator).await?;
        self.operators.insert(operator, key);
        Ok(key)
    }
}

/// What may be sent, in order; the rest is in the outcome.
pub(super) async fn plan(
    chain: &Chain,
    mut kept: Vec<KeptStatement>,
    outcome: &mut Outcome,
) -> anyhow::Result<Vec<KeptStatement>> {
    let found = kept.len();
    kept.retain(|statement| statement.chain_id == chain.chain_id());
    outcome.of_other_chains = found - kept.len();
    let mut ready = Vec::new();
    for of_contract in kept.chunk_by(|one, next| one.contract == next.contract) {
        let manager = JobManager { address: of_contract[0].contract };
        let pool = manager.pool(chain).await.with_context(|| {
            format!("there is no JobManager at {} on the node's chain", manager.address)
        })?;
        let mut registered = Registered { chain, manager, operators: HashMap::new() };
        let same_pair = |one: &KeptStatement, next: &KeptStatement| {
            (one.worker, one.sponsor, one.operator) == (next.worker, next.sponsor, next.operator)
        };
        for pair in of_contract.chunk_by(same_pair) {
            ready.extend(plan_pair(pair, Pool { address: pool }, &mut registered, outcome).await?);
        }
    }
    Ok(ready)
}

async fn plan_pair(
    pair: &[KeptStatement],
    pool: Pool,
    registered: &mut Registered<'_>,
    outcome: &mut Outcome,
) -> anyhow::Result<Vec<KeptStatement>> {
    let (chain, KeptStatement { sponsor, operator, worker, .. }) = (registered.chain, pair[0]);
    let last = pool.last_seq(chain, sponsor, operator, worker).await?;
    let worker_key = registered.manager.worker_key(chain, worker).await?;
    let (mut ready, mut next) = (Vec::new(), last + 1);
    for statement in pair {
        if statement.seq <= last {
            outcome.settled_before += 1;
            continue;
        }
        let operator_key = registered.operator(statement.operator).await?;
        match refusal(statement, next, worker_key, operator_key) {
            None => {
                ready.push(*statement);
                next += 1;
            }
            Some(reason) => {
                let fate = Fate::Refused { reason, tx_hash: None };
                outcome.rows.push(Row { statement: *statement, fate });
            }
        }
    }
    Ok(ready)
}

/// Why the chain would refuse it, in the words of the contract where it has one, and what to do.
fn refusal(
    statement: &KeptStatement,
    next: u64,
    worker_key: Option<PublicKey>,
    operator_key: Option<PublicKey>,
) -> Option<String> {
    if statement.seq != next {
        return Some(waits_for(next));
    }
    let Some(worker_key) = worker_key else {
        return Some("worker_not_registered: no key is registered for the worker".to_owned());
    };
    let Some(operator_key) = operator_key else {
        return Some("operator_not_registered: the operator has taken its key away".to_owned());
    };
    if operator_key != statement.operator_key {
        return Some(format!(
            "bad_operator_signature: the operator has registered the key {operator_key} since; \
             a worker that reaches its gateway gets a new signature when it starts"
        ));
    }
    if !statement.is_signed_by_operator() {
        return Some("bad_operator_signature: the file was changed".to_owned());
    }
    if !statement.is_signed_by_worker(worker_key) {
        return Some(format!(
            "bad_signature: the worker has registered the key {worker_key} since"
        ));
    }
    None
}

/// The chain settles a pair's statements only in their order.
pub(super) fn waits_for(seq: u64) -> String {
    format!("wrong_seq: statement {seq} of this sponsor must be settled first")
}

#[cfg(test)]
mod tests;
