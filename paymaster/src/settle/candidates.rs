//! Chooses what to settle next. Never one that the chain is known to refuse: out of its turn, or not covered.

use std::collections::{HashMap, HashSet};

use ciro_api::{
    Address, Fri, Signature, StatementId, hash::statement::Statement, limits::STATEMENTS_MAX,
};
use ciro_contracts::{JobManager, SignedStatement};
use tokio_postgres::{Client, Row, types::Type};

use crate::{
    StoreError,
    database::{count, word, word_or_null},
};

/// How many unsettled statements one step looks at: enough that waiting ones rarely hide ready ones.
const LOOK_AT: i64 = 2_000;

/// A statement that may go into the next batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) id: StatementId,
    pub(super) signed: SignedStatement,
}

/// The next statements to settle, in order.
pub(super) async fn candidates(
    client: &Client,
    job_manager: JobManager,
) -> Result<Vec<Candidate>, StoreError> {
    let rows =
        client.query_typed(include_str!("candidates.sql"), &[(&LOOK_AT, Type::INT8)]).await?;
    let mut chosen = Vec::new();
    let mut blocked: HashSet<(Address, Address)> = HashSet::new();
    let mut covers: HashMap<Address, Fri> = HashMap::new();
    for row in &rows {
        let candidate = read(row, job_manager)?;
        let (sponsor, worker): (Address, Address) = (word(row, "sponsor")?, word(row, "worker")?);
        let amount: Fri = word(row, "amount")?;
        let cover = match covers.get(&sponsor) {
            Some(cover) => *cover,
            None => word(row, "cover")?,
        };
        let left = cover.checked_sub(amount);
        match (candidate, left) {
            (Some(candidate), Some(left)) if !blocked.contains(&(sponsor, worker)) => {
                covers.insert(sponsor, left);
                chosen.push(candidate);
            }
            // The chain takes a pair's statements only in order, so what follows waits too.
            _ => drop(blocked.insert((sponsor, worker))),
        }
        if chosen.len() == STATEMENTS_MAX {
            break;
        }
    }
    Ok(chosen)
}

fn read(row: &Row, job_manager: JobManager) -> Result<Option<Candidate>, StoreError> {
    let r = word_or_null(row, "signature_r")?;
    let s = word_or_null(row, "signature_s")?;
    let ready: bool = row.try_get("ready")?;
    let Some((r, s)) = r.zip(s).filter(|_| ready) else {
        return Ok(None);
    };
    let statement = Statement {
        sponsor: word(row, "sponsor")?,
        operator: word(row, "operator")?,
        worker: word(row, "worker")?,
        seq: count(row, "seq")?,
        count: count(row, "count")?,
        amount: word(row, "amount")?,
        receipts: word(row, "root")?,
        contract: job_manager.address,
    };
    Ok(Some(Candidate {
        id: StatementId(row.try_get("statement_id")?),
        signed: SignedStatement { statement, signature: Signature { r, s } },
    }))
}
