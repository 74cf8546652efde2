use ciro_api::{Problem, rest::results::ResultOutcome};

use super::*;
use crate::{
    attest::{
        attest,
        tests::{finished, open},
    },
    journal::SignedResult,
    sign::Signer,
};

fn batch() -> SignedBatch {
    let dir = tempfile::tempdir().unwrap();
    let results: Vec<_> = (1..=3).map(|job| finished(job, 1, b"output")).collect();
    attest(&mut open(&dir), &Signer::of_test(), &results).unwrap().unwrap()
}

fn outcome(result: &SignedResult, code: Option<ErrorCode>) -> ResultOutcome {
    let problem = code.map(|code| Problem::new(code, "as a test wants it"));
    ResultOutcome { job: result.item.fence.job, accepted: code.is_none(), problem }
}

fn refused(code: ErrorCode) -> CallError {
    let problem = Some(Box::new(Problem::new(code, "as a test wants it")));
    CallError::Refused { status: code.status(), problem, retry_after: None }
}

#[test]
fn each_result_is_sorted_by_its_own_outcome() {
    let batch = batch();
    let codes = [None, Some(ErrorCode::LeaseLost), Some(ErrorCode::Unavailable)];
    let outcomes = batch.results.iter().zip(codes).map(|(result, code)| outcome(result, code));
    let sorted = sort(&batch, &SubmitReply { results: outcomes.collect() }).unwrap();
    assert_eq!(sorted.accepted, [batch.results[0].attempt()]);
    assert_eq!(sorted.refused, [(batch.results[1].attempt(), ErrorCode::LeaseLost)]);
    assert_eq!(sorted.later, 1);
}

#[test]
fn a_reply_about_other_results_is_not_believed() {
    let batch = batch();
    let mut results: Vec<_> = batch.results.iter().map(|result| outcome(result, None)).collect();
    results.swap(0, 1);
    assert!(sort(&batch, &SubmitReply { results: results.clone() }).is_err());
    results.swap(0, 1);
    results.pop();
    assert!(sort(&batch, &SubmitReply { results }).is_err());
}

#[test]
fn a_result_refused_without_a_reason_is_submitted_again() {
    let batch = batch();
    let mut results: Vec<_> = batch.results.iter().map(|result| outcome(result, None)).collect();
    results[0].accepted = false;
    let sorted = sort(&batch, &SubmitReply { results }).unwrap();
    assert_eq!((sorted.accepted.len(), sorted.refused.len(), sorted.later), (2, 0, 1));
}

#[test]
fn only_what_is_about_the_results_themselves_ends_a_batch() {
    for code in [
        ErrorCode::LeaseLost,
        ErrorCode::ResultConflict,
        ErrorCode::InvalidResult,
        ErrorCode::WrongSignature,
    ] {
        assert_eq!(last_word(&refused(code)), Some(code));
    }
    for code in [
        ErrorCode::Internal,
        ErrorCode::Unavailable,
        ErrorCode::TokenExpired,
        ErrorCode::WorkerNotStaked,
        ErrorCode::NotFound,
        ErrorCode::MethodNotAllowed,
        ErrorCode::Forbidden,
    ] {
        assert_eq!(last_word(&refused(code)), None, "{code} must cost no signed result");
    }
    let foreign = CallError::Refused { status: 404, problem: None, retry_after: None };
    assert_eq!(last_word(&foreign), None, "a proxy's page is not the gateway's word");
}
