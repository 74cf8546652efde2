//! What goes wrong inside, as clients are told: never more than they can use.

use std::error::Error;

use ciro_contracts::{AccountError, ChainError, SignerError};
use deadpool_postgres::PoolError;
use serde_json::json;

use crate::{
    StoreError,
    admission::Refused,
    ask::AskError,
    policy::{Denial, PolicyStoreError, ReserveError},
    relay::EnqueueError,
    snip29::{Fault, FaultCode},
};

impl Fault {
    /// A refusal that a machine can tell from others by `reason`.
    pub(super) fn refused(reason: &str, detail: impl Into<String>) -> Self {
        let data = json!({ "reason": reason, "detail": detail.into() });
        Self { code: FaultCode::UnknownError, data: Some(data) }
    }

    /// The sponsor does not pay for it.
    pub(super) fn denied(reason: &str, rule: Option<&str>, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        let data = json!({ "execution_error": detail, "reason": reason, "rule": rule });
        Self { code: FaultCode::TransactionExecutionError, data: Some(data) }
    }

    /// The reason and the rule of a sponsor's refusal, if it is one.
    pub(super) fn denial(&self) -> Option<(&str, Option<&str>)> {
        let data =
            self.data.as_ref().filter(|_| self.code == FaultCode::TransactionExecutionError)?;
        Some((data.get("reason")?.as_str()?, data.get("rule")?.as_str()))
    }

    fn internal(doing: &'static str, error: &dyn Error) -> Self {
        tracing::error!(doing, error = whole(error), "a request failed");
        Self { code: FaultCode::InternalError, data: Some(json!({ "detail": doing })) }
    }

    /// Whom we need does not answer, and may in a moment.
    fn away(reason: &'static str, who: &'static str, error: &dyn Error) -> Self {
        tracing::warn!(reason, error = whole(error), "a request has to come again");
        let detail = format!("{who} does not answer; try again");
        let data = json!({ "reason": reason, "retry_after": 2, "detail": detail });
        Self { code: FaultCode::UnknownError, data: Some(data) }
    }
}

fn whole(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        // Whole seconds, rounded up, as clients wait.
        let seconds = refused.retry_after.as_secs().saturating_add(1);
        let data = json!({
            "reason": "rate_limited", "retry_after": seconds, "detail": refused.why.to_string(),
        });
        Self { code: FaultCode::RateLimited, data: Some(data) }
    }
}

impl From<AskError> for Fault {
    fn from(error: AskError) -> Self {
        match &error {
            AskError::Crowded(crowded) => {
                let data = json!({
                    "reason": "rate_limited", "retry_after": 1, "detail": crowded.to_string(),
                });
                Self { code: FaultCode::RateLimited, data: Some(data) }
            }
            AskError::Body(_) | AskError::Header(_) => {
                Self::internal("the sponsor's server cannot be asked", &error)
            }
        }
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        Self::internal("the database does not answer", &error)
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::internal("the database failed", &error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::internal("the database failed", &error)
    }
}

impl From<PolicyStoreError> for Fault {
    fn from(error: PolicyStoreError) -> Self {
        Self::internal("the sponsor's policy cannot be read", &error)
    }
}

impl From<ChainError> for Fault {
    fn from(error: ChainError) -> Self {
        if error.is_unreachable() {
            return Self::away("chain_unreachable", "the chain", &error);
        }
        Self::execution(error.to_string())
    }
}

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Chain(error) => error.into(),
            AccountError::Sign(
                error @ (SignerError::Unreachable(_) | SignerError::Refused { .. }),
            ) => Self::away("signer_unreachable", "what signs for us", &error),
            error => Self::internal("a transaction cannot be made", &error),
        }
    }
}

impl From<EnqueueError> for Fault {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::TooLarge(_) => Self::refused("too_large", error.to_string()),
            EnqueueError::Known(_) => Self::refused("known", error.to_string()),
            EnqueueError::Database(error) => error.into(),
        }
    }
}

impl From<Denial> for Fault {
    fn from(denial: Denial) -> Self {
        let rule = denial.rule.as_ref().map(ToString::to_string);
        Self::denied("policy_denied", rule.as_deref(), denial.to_string())
    }
}

impl From<ReserveError> for Fault {
    fn from(error: ReserveError) -> Self {
        match &error {
            ReserveError::Money(money) => {
                Self::denied("sponsor_out_of_budget", None, money.to_string())
            }
            ReserveError::Limit { rule, .. } => {
                Self::denied("limit_reached", Some(&rule.to_string()), error.to_string())
            }
            ReserveError::Database(_) => Self::internal("the database failed", &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::Crowded;

    #[test]
    fn who_finds_too_many_questions_in_flight_is_told_when_to_come_back() {
        let fault = Fault::from(AskError::Crowded(Crowded));
        assert_eq!(fault.code.number(), -32_005);
        assert_eq!(fault.data.as_ref().unwrap()["retry_after"], 1);
        assert_eq!(fault.denial(), None, "it is no refusal of the sponsor's");
    }
}
