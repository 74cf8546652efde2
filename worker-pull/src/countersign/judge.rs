//! Whether a statement may be signed. Pure.

use std::collections::HashSet;

use ciro_api::{
    Address, Fri, JobId, PublicKey, Signature,
    felt::Digest,
    hash::{
        receipts::{Receipt, ReceiptsError, root},
        statement::Statement,
    },
    rest::statements::{ReceiptLine, StatementDocument},
};

use crate::{
    journal::{Claim, Ledger},
    operator::Operator,
    sign::Identity,
};

/// Why a statement is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it pays worker {0}")]
    OtherWorker(Address),
    #[error("it is for contract {0}")]
    OtherContract(Address),
    #[error("it says {said} receipts and lists {listed}")]
    Count { said: u64, listed: usize },
    #[error(transparent)]
    Receipts(#[from] ReceiptsError),
    #[error("its receipts add up to {summed} fri, not to {said}")]
    Amount { said: Fri, summed: Fri },
    #[error("its receipts have root {found}, not {said}")]
    Root { said: Digest, found: Digest },
    #[error("receipt of {0}: listed twice")]
    Twice(JobId),
    #[error("receipt of {0}: never accepted from this worker, or paid already")]
    NotEarned(JobId),
    #[error("receipt of {job}: attestation {said}, while {earned} was accepted")]
    OtherAttestation { job: JobId, said: Digest, earned: Digest },
    #[error("receipt of {job}: pays {said} fri, while {earned} was agreed")]
    OtherAmount { job: JobId, said: Fri, earned: Fri },
    #[error(
        "its place {seq} is not above {signed}, the last one signed for this sponsor and operator"
    )]
    Seq { seq: u64, signed: u64 },
    #[error(
        "it settles through operator {said}, while this worker is configured for {ours} (CIRO_OPERATOR_ADDRESS)"
    )]
    OtherOperator { said: Address, ours: Address },
    #[error("the operator has not signed it, so it could not be settled without the operator")]
    NotSignedByOperator,
    #[error(
        "its operator's signature is not by {key}, which is what this worker takes for the operator's registered key \
         (CIRO_OPERATOR_PUBLIC_KEY): compare with `operator_key` of the JobManager on chain"
    )]
    OperatorSignature { key: PublicKey },
    #[error("it cannot be signed with this key")]
    NotSignable,
}

/// What to do with a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Sign(Statement),
    /// Signed before, word for word.
    Repeat(Signature),
    /// A receipt's acceptance has not been read yet; ask again soon.
    Wait,
    Refuse(Refusal),
}

pub(super) fn judge(
    document: &StatementDocument,
    ours: &Identity,
    operator: &Operator,
    ledger: &Ledger,
) -> Verdict {
    let statement = match recompute(document, ours) {
        Ok(statement) => statement,
        Err(refusal) => return Verdict::Refuse(refusal),
    };
    if let Err(refusal) = check_operator(document, &statement, ours, operator) {
        return Verdict::Refuse(refusal);
    }
    let (same_place, signed) =
        ledger.statements((statement.sponsor, statement.operator), statement.seq);
    if let Some(before) = same_place.filter(|before| before.is_for(&statement)) {
        return Verdict::Repeat(before.signature);
    }
    if statement.seq <= signed {
        return Verdict::Refuse(Refusal::Seq { seq: statement.seq, signed });
    }
    let mut wait = false;
    for line in &document.receipts {
        match check_line(line, ledger) {
            Ok(true) => {}
            Ok(false) => wait = true,
            Err(refusal) => return Verdict::Refuse(refusal),
        }
    }
    if wait { Verdict::Wait } else { Verdict::Sign(statement) }
}

/// The statement as its receipts make it, if that is what the document says.
fn recompute(document: &StatementDocument, ours: &Identity) -> Result<Statement, Refusal> {
    if document.worker != ours.worker {
        return Err(Refusal::OtherWorker(document.worker));
    }
    if document.contract != ours.contract {
        return Err(Refusal::OtherContract(document.contract));
    }
    let listed = document.receipts.len();
    if u64::try_from(listed) != Ok(document.count) {
        return Err(Refusal::Count { said: document.count, listed });
    }
    let mut jobs = HashSet::new();
    if let Some(line) = document.receipts.iter().find(|line| !jobs.insert(line.job)) {
        return Err(Refusal::Twice(line.job));
    }
    let receipts: Vec<Receipt> = document.receipts.iter().map(Receipt::from).collect();
    let top = root(&receipts)?;
    if top.sum != document.amount_fri {
        return Err(Refusal::Amount { said: document.amount_fri, summed: top.sum });
    }
    if top.hash != document.root {
        return Err(Refusal::Root { said: document.root, found: top.hash });
    }
    Ok(document.statement())
}

/// Whether the chain would accept it from anyone, once it is countersigned.
fn check_operator(
    document: &StatementDocument,
    statement: &Statement,
    ours: &Identity,
    operator: &Operator,
) -> Result<(), Refusal> {
    if document.operator != operator.address {
        return Err(Refusal::OtherOperator { said: document.operator, ours: operator.address });
    }
    let signature = document.operator_signature.ok_or(Refusal::NotSignedByOperator)?;
    if operator.has_signed(ours.chain_id, statement, &signature) {
        Ok(())
    } else {
        Err(Refusal::OperatorSignature { key: operator.key })
    }
}

/// Whether the receipt is for something earned (`true`), or about to be (`false`).
fn check_line(line: &ReceiptLine, ledger: &Ledger) -> Result<bool, Refusal> {
    let job = line.job;
    match ledger.claim(job, line.attestation) {
        Claim::None => Err(Refusal::NotEarned(job)),
        Claim::Unanswered => Ok(false),
        Claim::Earned(earned) if earned.attestation != line.attestation => {
            let said = line.attestation;
            Err(Refusal::OtherAttestation { job, said, earned: earned.attestation })
        }
        Claim::Earned(earned) if earned.amount_fri != line.amount_fri => {
            let said = line.amount_fri;
            Err(Refusal::OtherAmount { job, said, earned: earned.amount_fri })
        }
        Claim::Earned(_) => Ok(true),
    }
}
