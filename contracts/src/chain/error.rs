//! Why a request to the chain came to nothing. Never repeats the node's URL.

use std::time::Duration;

use starknet_rust::core::types::StarknetError;

/// A request to the chain that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Nobody answered in time.
    #[error("could not {doing}: no answer from the chain within {after:?}")]
    Timeout {
        /// What was asked.
        doing: &'static str,
        /// How long we waited.
        after: Duration,
    },
    /// The node could not be reached, or its answer not be read.
    #[error("could not {doing}: {detail}")]
    Unreachable {
        /// What was asked.
        doing: &'static str,
        /// What went wrong, without the URL.
        detail: String,
    },
    /// The node understood and said no.
    #[error("could not {doing}: the chain refuses: {error:?}")]
    Refused {
        /// What was asked.
        doing: &'static str,
        /// Its reason.
        error: Box<StarknetError>,
    },
    /// The answer is not what the contract's interface promises.
    #[error("could not {doing}: {detail}")]
    Unexpected {
        /// What was asked.
        doing: &'static str,
        /// What is odd.
        detail: String,
    },
}

impl ChainError {
    /// The node's own reason, when it gave one.
    pub fn refusal(&self) -> Option<&StarknetError> {
        match self {
            Self::Refused { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether the node has looked at a transaction and won't ever take it as it is. Nonces and copies are
    /// not among these reasons: they may mean that it was taken already.
    pub fn is_rejection(&self) -> bool {
        matches!(
            self.refusal(),
            Some(
                StarknetError::InsufficientResourcesForValidate
                    | StarknetError::InsufficientAccountBalance
                    | StarknetError::ValidationFailure(_)
                    | StarknetError::FeeBelowMinimum
                    | StarknetError::UnsupportedTxVersion
            )
        )
    }

    /// Whether the node has this transaction already.
    pub fn is_duplicate(&self) -> bool {
        matches!(self.refusal(), Some(StarknetError::DuplicateTx))
    }

    /// Whether the node wants another nonce: an earlier transaction is missing, or this one was taken already.
    pub fn is_out_of_turn(&self) -> bool {
        matches!(self.refusal(), Some(StarknetError::InvalidTransactionNonce(_)))
    }

    /// Whether the node did not answer at all, so that nothing is known.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Unreachable { .. })
    }
}
