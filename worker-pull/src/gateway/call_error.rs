//! How a call to the gateway can fail, and what that means for trying again.

use std::time::Duration;

use ciro_api::{ErrorCode, Problem};

use crate::login::OtherNetwork;

/// A call that gave no reply to use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("cannot reach the gateway: {}", with_causes(.0))]
    Unreachable(#[from] reqwest::Error),
    #[error("the gateway answered {status}{}", .problem.as_ref().map(|p| format!(": {p}")).unwrap_or_default())]
    Refused { status: u16, problem: Option<Box<Problem>>, retry_after: Option<Duration> },
    #[error("the gateway's reply has over {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("the gateway's reply is not what was asked for: {0}")]
    BadReply(String),
    #[error(transparent)]
    OtherNetwork(#[from] OtherNetwork),
}

impl CallError {
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { problem, .. } => problem.as_ref().map(|problem| problem.code),
            _ => None,
        }
    }

    /// What the server asked to wait, if it did.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A 401 that a new login may cure. A wrong signature stays wrong in any session.
    pub(crate) fn is_about_the_session(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
            && self.code() != Some(ErrorCode::WrongSignature)
    }

    /// Whether the request may have been carried out although no usable reply came.
    pub(crate) fn may_have_happened(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TooLarge { .. } | Self::BadReply(_) => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::OtherNetwork(_) => false,
        }
    }
}

fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: ErrorCode) -> CallError {
        let problem = Some(Box::new(Problem::new(code, "as a test wants it")));
        CallError::Refused { status: code.status(), problem, retry_after: None }
    }

    #[test]
    fn an_expired_token_is_cured_by_a_login_and_a_wrong_signature_is_not() {
        assert!(refused(ErrorCode::TokenExpired).is_about_the_session());
        assert!(refused(ErrorCode::InvalidToken).is_about_the_session(), "its key was replaced");
        assert!(refused(ErrorCode::Unauthenticated).is_about_the_session());
        assert!(!refused(ErrorCode::WrongSignature).is_about_the_session());
        assert!(!refused(ErrorCode::WorkerNotStaked).is_about_the_session());
    }

    #[test]
    fn only_a_clear_refusal_proves_that_nothing_happened() {
        assert!(refused(ErrorCode::Unavailable).may_have_happened());
        assert!(!refused(ErrorCode::InvalidRequest).may_have_happened());
        assert!(CallError::BadReply("cut".to_owned()).may_have_happened());
    }
}
