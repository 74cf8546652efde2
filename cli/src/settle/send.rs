//! Sends statements and reads from the chain what it did with each. Never takes a transaction's success for a
//! statement's.

use std::{collections::HashMap, time::Duration};

use ciro_api::{Address, TxHash, limits::STATEMENTS_MAX};
use ciro_contracts::{
    JobManager, KeyedAccount, OperatorSignedStatement, Pool, SignedStatement, StatementOutcome,
};
use ciro_worker::statements::KeptStatement;

use super::{Fate, Outcome, Row, plan::waits_for};

/// How long a transaction may take: many block times of mainnet.
const PATIENCE: Duration = Duration::from_mins(2);

/// Whose sequence it is.
type Pair = (Address, Address, Address, Address);

fn pair(statement: &KeptStatement) -> Pair {
    (statement.contract, statement.worker, statement.sponsor, statement.operator)
}

/// Sends them all, some in each transaction. What follows a refused statement of the same pair is not sent.
pub(super) async fn send(
    account: &KeyedAccount,
    ready: &[KeptStatement],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut blocked: HashMap<Pair, u64> = HashMap::new();
    let together = |one: &KeptStatement, next: &KeptStatement| {
        (one.contract, one.operator) == (next.contract, next.operator)
    };
    for chunk in ready.chunk_by(together).flat_map(|group| group.chunks(STATEMENTS_MAX)) {
        let mut batch = Vec::new();
        for statement in chunk {
            match blocked.get(&pair(statement)) {
                None => batch.push(*statement),
                Some(seq) => {
                    let fate = Fate::Refused { reason: waits_for(*seq), tx_hash: None };
                    outcome.rows.push(Row { statement: *statement, fate });
                }
            }
        }
        for row in send_batch(account, &batch).await? {
            if matches!(row.fate, Fate::Refused { .. }) {
                blocked.entry(pair(&row.statement)).or_insert(row.statement.seq);
            }
            outcome.rows.push(row);
        }
    }
    Ok(())
}

/// One transaction.
async fn send_batch(account: &KeyedAccount, batch: &[KeptStatement]) -> anyhow::Result<Vec<Row>> {
    let Some(first) = batch.first() else { return Ok(Vec::new()) };
    let manager = JobManager { address: first.contract };
    let statements: Vec<OperatorSignedStatement> = batch.iter().map(both_signed).collect();
    let chain = account.chain();
    let call = manager.settle_for(first.operator, &statements);
    let transaction = account.prepare(vec![call], account.nonce().await?).await?;
    account.broadcast(&transaction).await?;
    let hash = transaction.hash;
    let block = chain.wait_for(hash, PATIENCE).await?;
    let outcomes = manager.outcomes(chain, hash, block).await?;
    let pool = Pool { address: manager.pool(chain).await? };
    let mut rows = Vec::new();
    for statement in batch {
        let mut fate = fate(statement, &outcomes, hash);
        if matches!(fate, Fate::Refused { .. }) {
            let KeptStatement { sponsor, operator, worker, .. } = *statement;
            let last = pool.last_seq(chain, sponsor, operator, worker).await?;
            if last >= statement.seq {
                fate = Fate::Meanwhile;
            }
        }
        rows.push(Row { statement: *statement, fate });
    }
    Ok(rows)
}

fn both_signed(kept: &KeptStatement) -> OperatorSignedStatement {
    let signed = SignedStatement { statement: kept.statement(), signature: kept.signature };
    OperatorSignedStatement { signed, operator: kept.operator_signature }
}

fn fate(statement: &KeptStatement, outcomes: &[StatementOutcome], hash: TxHash) -> Fate {
    let place = (statement.sponsor, statement.worker, statement.seq);
    let found = outcomes.iter().find_map(|outcome| match outcome {
        StatementOutcome::Settled(settled)
            if (settled.sponsor, settled.worker, settled.seq) == place =>
        {
            Some(Fate::Settled(hash))
        }
        StatementOutcome::Refused(refused)
            if (refused.sponsor, refused.worker, refused.seq) == place =>
        {
            Some(Fate::Refused { reason: explained(&refused.reason), tx_hash: Some(hash) })
        }
        _ => None,
    });
    let reason = "the transaction says nothing about it".to_owned();
    found.unwrap_or(Fate::Refused { reason, tx_hash: Some(hash) })
}

/// The contract's word, and what it means for whoever wants to be paid.
fn explained(reason: &str) -> String {
    let meaning = match reason {
        "insufficient_allowance" => {
            "the sponsor lets the operator spend less than this in the current epoch; try again in the next"
        }
        "insufficient_deposit" => "the sponsor's deposit is smaller than this",
        "stake_too_low" => "the worker's stake is below the minimum; stake more and try again",
        "worker_slashed" => "fraud was shown against the worker; it is paid nothing any more",
        "wrong_seq" => "one before it was not settled",
        "bad_operator_signature" => "the operator's registered key did not sign it",
        "bad_signature" => "the worker's registered key did not sign it",
        _ => return reason.to_owned(),
    };
    format!("{reason}: {meaning}")
}
