//! Queues what was simulated, and where a sponsor pays, reserves what it may cost in the same transaction.

use ciro_api::{SponsorId, SponsorKeyId};
use deadpool_postgres::Transaction;

use super::{
    decide::{Matter, decide},
    desk::{Desk, now},
    policies::newest,
};
use crate::{
    ask::Phase,
    policy::{self, Operation, Wanted},
    relay::{self, Carried, EnqueueError, Queued},
    snip29::Fault,
};

/// How often a decision is made again when the sponsor changes its policy meanwhile. Nobody changes one that often by hand.
const DECISIONS_MAX: usize = 3;

/// What was not queued.
pub(super) enum Refused {
    /// The same is queued already.
    Known,
    /// And why.
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// What its account pays for.
pub(super) async fn queue(desk: &Desk, queued: &Queued<'_>) -> Result<(), Refused> {
    let mut client = desk.client().await?;
    let tx = client.transaction().await?;
    enqueue(desk, &tx, queued).await?;
    Ok(tx.commit().await?)
}

/// What `sponsor` pays for, if it does. The decision may take as long as the sponsor's server, so it is made without a connection,
/// and holds only for the revision that it was made by.
pub(super) async fn queue_sponsored(
    desk: &Desk,
    (sponsor, key): (SponsorId, SponsorKeyId),
    queued: &Queued<'_>,
    operation: &Operation<'_>,
) -> Result<(), Refused> {
    let queued = Queued { sponsor: Some((sponsor, key)), ..*queued };
    for _ in 0..DECISIONS_MAX {
        let (revision, policy) = desk.policy(sponsor).await?;
        let operation = Operation { now: now(), ..*operation };
        let message_hash = match queued.carried {
            Carried::Deploy(_) => None,
            Carried::Execute(_) | Carried::DeployAndExecute(..) => Some(queued.message_hash),
        };
        let matter = Matter {
            phase: Phase::Execute,
            sponsor,
            revision,
            operation: &operation,
            message_hash,
        };
        let rule = decide(desk, &policy, &matter).await?;
        let wanted = Wanted { id: queued.id, sponsor, revision, rule, operation: &operation };
        if reserve_and_queue(desk, &wanted, &queued).await? {
            return Ok(());
        }
    }
    let detail = "the sponsor's policy changed each time that a decision was made; ask again";
    Err(Fault::refused("raced", detail).into())
}

/// Whether it is done: not where the policy has another revision by now.
async fn reserve_and_queue(
    desk: &Desk,
    wanted: &Wanted<'_>,
    queued: &Queued<'_>,
) -> Result<bool, Refused> {
    let mut client = desk.client().await?;
    let mut tx = client.transaction().await?;
    if newest(&*tx, wanted.sponsor).await? != Some(wanted.revision) {
        return Ok(false);
    }
    enqueue(desk, &tx, queued).await?;
    policy::reserve(&mut tx, wanted).await?;
    tx.commit().await?;
    Ok(true)
}

async fn enqueue(desk: &Desk, tx: &Transaction<'_>, queued: &Queued<'_>) -> Result<(), Refused> {
    match relay::enqueue(tx, desk.forwarder(), queued).await {
        Err(EnqueueError::Known(_)) => Err(Refused::Known),
        other => Ok(other?),
    }
}
