//! What the journal says. The shapes on disk; adding a variant is fine, changing one loses money.

use ciro_api::{
    Address, Fri, JobId, Signature,
    felt::Digest,
    hash::statement::Statement,
    rest::{
        Base64,
        leases::LeaseRef,
        results::{ResultItem, SubmitResults},
    },
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sign::Identity;

/// One lease of one job: what may be attested at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) job: JobId,
    pub(crate) epoch: u64,
}

impl From<LeaseRef> for Attempt {
    fn from(fence: LeaseRef) -> Self {
        Self { job: fence.job, epoch: fence.epoch }
    }
}

/// A result with what it will be paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedResult {
    pub(crate) item: ResultItem,
    pub(crate) amount_fri: Fri,
    /// Struct hash of the attestation.
    pub(crate) attestation: Digest,
}

impl SignedResult {
    pub(crate) fn attempt(&self) -> Attempt {
        self.item.fence.into()
    }
}

/// Results under one signature, exactly as they are submitted, as often as it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedBatch {
    pub(crate) number: u64,
    pub(crate) results: Vec<SignedResult>,
    pub(crate) signature: Signature,
}

impl SignedBatch {
    pub(crate) fn to_submit(&self) -> SubmitResults {
        SubmitResults {
            results: self.results.iter().map(|result| result.item.clone()).collect(),
            signature: self.signature,
        }
    }
}

/// Accepted work that no statement has paid yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Earned {
    pub(crate) job: JobId,
    pub(crate) attestation: Digest,
    pub(crate) amount_fri: Fri,
}

/// A statement that the worker agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Countersigned {
    pub(crate) sponsor: Address,
    pub(crate) operator: Address,
    pub(crate) seq: u64,
    pub(crate) count: u64,
    pub(crate) amount_fri: Fri,
    pub(crate) root: Digest,
    pub(crate) signature: Signature,
    /// The jobs it pays; empty in a snapshot, where they are already out of the unpaid.
    pub(crate) jobs: Vec<JobId>,
}

impl Countersigned {
    /// Whether this is the agreement to exactly `statement`.
    pub(crate) fn is_for(&self, statement: &Statement) -> bool {
        (self.sponsor, self.operator, self.seq, self.count, self.amount_fri, self.root)
            == (
                statement.sponsor,
                statement.operator,
                statement.seq,
                statement.count,
                statement.amount,
                statement.receipts,
            )
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(crate) enum Record {
    /// Always the first: whose journal this is.
    Opened(Identity),
    /// Signed, and from now on owed to the gateway.
    Signed(SignedBatch),
    /// The gateway's last word on some results of a batch.
    Answered { batch: u64, accepted: Vec<Attempt>, refused: Vec<Attempt> },
    /// Agreed to be paid.
    Countersigned(Countersigned),
    /// Snapshot: accepted and unpaid.
    Earned { receipts: Vec<Earned> },
    /// Snapshot: attested before and answered, so never to be attested again.
    Done { packed: Base64 },
    /// Snapshot: jobs up to this one are no longer remembered one by one, so none of them is run.
    Forgotten { up_to: JobId },
    /// Snapshot: the next batch's number.
    NextBatch { number: u64 },
}

const PACKED_BYTES: usize = 24;

/// Attempts as 24 bytes each: a long history must stay small on disk.
pub(crate) fn pack(attempts: &[Attempt]) -> Base64 {
    let bytes = attempts.iter().flat_map(|attempt| {
        let job = attempt.job.0.as_u128().to_be_bytes();
        job.into_iter().chain(attempt.epoch.to_be_bytes())
    });
    Base64(bytes.collect())
}

/// The inverse of [`pack`].
pub(crate) fn unpack(packed: &Base64) -> Vec<Attempt> {
    let attempt = |chunk: &[u8]| {
        let (job, epoch) = chunk.split_first_chunk::<16>()?;
        let (epoch, _) = epoch.split_first_chunk::<8>()?;
        Some(Attempt {
            job: JobId(Uuid::from_u128(u128::from_be_bytes(*job))),
            epoch: u64::from_be_bytes(*epoch),
        })
    };
    packed.0.chunks_exact(PACKED_BYTES).filter_map(attempt).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_attempts_unpack_to_themselves(raw in prop::collection::vec((any::<u128>(), any::<u64>()), 0..20)) {
            let attempts: Vec<Attempt> = raw
                .into_iter()
                .map(|(job, epoch)| Attempt { job: JobId(Uuid::from_u128(job)), epoch })
                .collect();
            prop_assert_eq!(unpack(&pack(&attempts)), attempts);
        }
    }
}
