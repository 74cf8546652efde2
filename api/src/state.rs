//! The closed sets of states. Terminal states absorb; this module moves nothing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits;

macro_rules! word_enum {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $vdoc:literal])+ $variant:ident = $word:tt,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum $name {
            $($(#[doc = $vdoc])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// The word on the wire and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Every state, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { kind: stringify!($name), given: text.to_owned() }),
                }
            }
        }
    };
}

/// A word that is not in the closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {kind}")]
pub struct UnknownWord {
    kind: &'static str,
    given: String,
}

word_enum!(
    /// Where a job stands. `succeeded`, `failed`, `canceled` and `expired` are final.
    JobStatus {
        /// Accepted and waiting for a worker.
        Queued = "queued",
        /// Leased to a worker.
        Running = "running",
        /// A worker delivered a signed result.
        Succeeded = "succeeded",
        /// Gave up: the worker said so, or it crashed too many workers, or ran past its deadline.
        Failed = "failed",
        /// Stopped at the requester's wish.
        Canceled = "canceled",
        /// No worker began it before its start deadline. Never charged.
        Expired = "expired",
    }
);

word_enum!(
    /// How soon a job should run, beside others of its sponsor and of others. A head start, never a right of way: what has
    /// a lower priority waits longer, and a bounded time.
    Priority {
        /// After what is normal.
        Low = "low",
        /// Unless told.
        Normal = "normal",
        /// Before what is normal.
        High = "high",
    }
);

impl Priority {
    /// The head start, in runs of the job's own length that a sponsor would otherwise have to wait for; negative is a late one.
    pub const fn head_start_jobs(self) -> i64 {
        match self {
            Self::Low => -limits::HEAD_START_JOBS,
            Self::Normal => 0,
            Self::High => limits::HEAD_START_JOBS,
        }
    }
}

impl JobStatus {
    /// Whether the job can never move again.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

word_enum!(
    /// What a webhook can tell of a job: one kind for each way to end.
    EventKind {
        /// It succeeded: a worker delivered a signed result.
        JobCompleted = "job.completed",
        /// It failed.
        JobFailed = "job.failed",
        /// It was canceled.
        JobCanceled = "job.canceled",
        /// It expired before a worker began it.
        JobExpired = "job.expired",
    }
);

impl JobStatus {
    /// What a webhook tells of a job that is here now; nothing while it can still move.
    pub const fn event(self) -> Option<EventKind> {
        match self {
            Self::Queued | Self::Running => None,
            Self::Succeeded => Some(EventKind::JobCompleted),
            Self::Failed => Some(EventKind::JobFailed),
            Self::Canceled => Some(EventKind::JobCanceled),
            Self::Expired => Some(EventKind::JobExpired),
        }
    }
}

word_enum!(
    /// What an API key of a sponsor allows.
    SponsorScope {
        /// To see budget, usage, devices, claim tokens, and what became of webhooks.
        Read = "read",
        /// To revoke devices, to make and revoke claim tokens, and to manage webhook secrets and deliveries.
        Manage = "manage",
    }
);

word_enum!(
    /// What a worker is told to do before it goes.
    Drain {
        /// Nothing: it may take work.
        None = "none",
        /// To finish what it has. It is given nothing more.
        Quiet = "quiet",
        /// To give back what it has not signed, hand in what it has, and end.
        Terminate = "terminate",
    }
);

word_enum!(
    /// How strongly a result is verified. Fixed by the model's registration, never claimed stronger.
    Level {
        /// L0: the worker's signature and stake stand behind it, nothing else.
        Signed = "signed",
        /// L1: signed, and the contract can recompute this model; a wrong output is slashable.
        ReExecutable = "re-executable",
        /// L2: a contract checked a validity proof before paying.
        Proved = "proved",
    }
);

impl Level {
    /// The number the model registry stores.
    pub const fn code(self) -> u8 {
        match self {
            Self::Signed => 0,
            Self::ReExecutable => 1,
            Self::Proved => 2,
        }
    }
}

word_enum!(
    /// How a byte string becomes one felt.
    Scheme {
        /// Poseidon over 31-byte words: the contract can recompute it.
        Poseidon = "poseidon",
        /// Poseidon of the SHA-256 halves: fast for large inputs.
        Sha256 = "sha256",
    }
);

word_enum!(
    /// Where the money of one succeeded job stands.
    SettlementStatus {
        /// Waiting for its statement to close.
        Pending = "pending",
        /// In a closed statement that is not on chain yet.
        Stated = "stated",
        /// Its statement is settled on chain.
        Settled = "settled",
        /// It will never be paid: fraud was shown against its worker.
        Voided = "voided",
    }
);

word_enum!(
    /// Where a statement stands.
    StatementStatus {
        /// Closed; waiting for the worker's countersignature.
        Closed = "closed",
        /// The worker signed it.
        Countersigned = "countersigned",
        /// Broadcast; not seen on chain yet.
        Sent = "sent",
        /// The chain settled it.
        Settled = "settled",
        /// It will never settle: fraud was shown against its worker.
        Voided = "voided",
    }
);
