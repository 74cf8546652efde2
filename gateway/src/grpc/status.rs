//! The one error edge of gRPC: a problem becomes a status with the same code and details that machines can read.

use std::{collections::HashMap, time::Duration};

use ciro_api::{ErrorCode, Problem, grpc::field_path};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// Whose codes the `reason`s are.
const DOMAIN: &str = "ciro";

/// Where `Retry-After` says so over REST.
const RETRY: Duration = Duration::from_secs(1);

/// The status of a problem. `retry_after` is for one that spent its quota.
pub(super) fn of(problem: Problem, id: Option<&str>, retry_after: Option<Duration>) -> Status {
    with(code(problem.code), problem, id, retry_after)
}

/// The same under another code than the problem's own.
pub(super) fn with(
    code: Code,
    problem: Problem,
    id: Option<&str>,
    retry_after: Option<Duration>,
) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = HashMap::from([
        ("retryable".to_owned(), problem.retryable.to_string()),
        ("page".to_owned(), problem.kind),
    ]);
    details.set_error_info(problem.code.as_str(), DOMAIN, metadata);
    if !problem.errors.is_empty() {
        let violation = |error: ciro_api::problem::FieldError| {
            FieldViolation::new(field_path(&error.pointer), error.detail)
        };
        details.set_bad_request(problem.errors.into_iter().map(violation).collect::<Vec<_>>());
    }
    if let Some(id) = id {
        details.set_request_info(id, "");
    }
    let retry = match problem.code {
        ErrorCode::RateLimited => retry_after,
        code if code.retryable() && code.status() >= 500 => Some(RETRY),
        _ => None,
    };
    if retry.is_some() {
        details.set_retry_info(retry);
    }
    Status::with_error_details(code, problem.detail, details)
}

/// What each code of ours is called by gRPC. Callers that need more look at the reason.
fn code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidJson
        | ErrorCode::InvalidCbor
        | ErrorCode::NotAcceptable
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::UnknownModel
        | ErrorCode::UnknownPool
        | ErrorCode::InvalidResult => Code::InvalidArgument,
        ErrorCode::Unauthenticated
        | ErrorCode::TokenExpired
        | ErrorCode::InvalidToken
        | ErrorCode::DeviceRevoked
        | ErrorCode::InvalidAssertion
        | ErrorCode::ClaimRefused
        | ErrorCode::ChallengeUnknown
        | ErrorCode::WrongSignature => Code::Unauthenticated,
        ErrorCode::Forbidden | ErrorCode::WorkerNotStaked => Code::PermissionDenied,
        ErrorCode::SponsorOutOfBudget
        | ErrorCode::PriceOverCeiling
        | ErrorCode::JobAlreadyFinished
        | ErrorCode::JobFailed
        | ErrorCode::LimitReached
        | ErrorCode::NotReplayable => Code::FailedPrecondition,
        ErrorCode::LeaseLost | ErrorCode::PreconditionFailed => Code::Aborted,
        ErrorCode::ResultConflict
        | ErrorCode::StatementConflict
        | ErrorCode::DeviceConflict
        | ErrorCode::IdempotencyKeyReused => Code::AlreadyExists,
        ErrorCode::NotFound => Code::NotFound,
        ErrorCode::MethodNotAllowed => Code::Unimplemented,
        ErrorCode::RequestTimeout | ErrorCode::WaitOver => Code::DeadlineExceeded,
        ErrorCode::BodyTooLarge | ErrorCode::InputTooLarge => Code::OutOfRange,
        ErrorCode::RateLimited => Code::ResourceExhausted,
        ErrorCode::Internal => Code::Internal,
        ErrorCode::Unavailable => Code::Unavailable,
    }
}

/// The problem behind a status that a library made, and the code to send it under.
pub(super) fn foreign(status: &Status) -> (Code, Problem) {
    let (code, problem) = match status.code() {
        Code::OutOfRange => (Code::OutOfRange, ErrorCode::BodyTooLarge),
        // What a library calls internal while it reads is a message that cannot be read.
        Code::Internal => (Code::InvalidArgument, ErrorCode::InvalidRequest),
        Code::Unimplemented => (Code::Unimplemented, ErrorCode::NotFound),
        Code::NotFound => (Code::NotFound, ErrorCode::NotFound),
        Code::DeadlineExceeded => (Code::DeadlineExceeded, ErrorCode::RequestTimeout),
        other => (other, ErrorCode::Internal),
    };
    let detail = match status.message() {
        "" if code == Code::Unimplemented => "no such method; reflection lists the services",
        message => message,
    };
    (code, Problem::new(problem, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_keeps_its_name_as_the_reason() {
        for known in ErrorCode::ALL {
            let status = of(Problem::new(*known, "why"), Some("req_1"), None);
            assert!(status.code() != Code::Ok && status.code() != Code::Unknown);
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!((info.reason.as_str(), info.domain.as_str()), (known.as_str(), "ciro"));
            assert_eq!(info.metadata["retryable"], known.retryable().to_string());
            assert_eq!(details.request_info().unwrap().request_id, "req_1");
        }
    }

    #[test]
    fn the_pages_table_says_what_the_code_does() {
        let page = include_str!("../../../docs/src/reference/grpc.md");
        for known in ErrorCode::ALL {
            let name = format!("{:?}", code(*known));
            let row = format!("| `{known}` | `{name}` |");
            assert!(page.contains(&row), "grpc.md lacks: {row}");
        }
    }

    #[test]
    fn callers_are_told_when_to_come_back_and_what_to_correct() {
        let wrong = Problem::new(ErrorCode::InvalidRequest, "x").at("/results/0/fence", "missing");
        let details = of(wrong, None, None).get_error_details();
        let field = &details.bad_request().unwrap().field_violations[0];
        assert_eq!(
            (field.field.as_str(), field.description.as_str()),
            ("results[0].fence", "missing")
        );
        assert!(details.retry_info().is_none());
        let away = Problem::new(ErrorCode::Unavailable, "x");
        let retry = |status: Status| status.get_error_details().retry_info().unwrap().retry_delay;
        assert_eq!(retry(of(away, None, None)), Some(RETRY));
        let often = Problem::new(ErrorCode::RateLimited, "x");
        let after = Some(Duration::from_secs(7));
        assert_eq!(retry(of(often, None, after)), after);
    }
}
