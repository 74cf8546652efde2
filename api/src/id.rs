//! Ids: a prefix that says what the thing is, then 26 base32 characters of a UUID.
//!
//! Alphabet: Crockford's, lower case, most significant bits first, so ids of version 7 sort by time as text.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use starknet_rust_core::types::Felt;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 26 characters carry 130 bits; the first one holds only the top 3 bits of the 128.
const DIGITS: usize = 26;

fn encode(value: u128) -> String {
    let digit = |place: usize| {
        let shift = 5 * (DIGITS - 1 - place);
        let index = usize::try_from((value >> shift) & 31).unwrap_or(0);
        char::from(ALPHABET[index])
    };
    (0..DIGITS).map(digit).collect()
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != DIGITS || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&c| c == byte)?;
        Some((value << 5) | u128::try_from(digit).ok()?)
    })
}

/// A string that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not an id: expected `{prefix}` and 26 characters of 0-9 a-z without i l o u")]
pub struct ParseIdError {
    prefix: &'static str,
    given: String,
}

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident, $prefix:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, encode(self.0.as_u128()))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix($prefix)
                    .and_then(decode)
                    .map(|value| Self(Uuid::from_u128(value)))
                    .ok_or_else(|| ParseIdError {
                        prefix: $prefix,
                        given: text.chars().take(80).collect(),
                    })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some(concat!("^", $prefix, "[0-7][0-9a-hjkmnp-tv-z]{25}$")))
                    .description(Some(concat!($($doc),+).trim()))
                    .into()
            }
        }
        impl utoipa::ToSchema for $name {}
    };
}

id!(
    /// A job. A UUID of version 7, so ids sort by the time of acceptance.
    JobId, "job_"
);
id!(
    /// An enrolled device.
    DeviceId, "dev_"
);
id!(
    /// A sponsor: who pays.
    SponsorId, "spn_"
);
id!(
    /// One grant to one worker: all jobs of one lease request carry it. With job and epoch it is the fence.
    LeaseId, "lse_"
);
id!(
    /// A settlement statement: many receipts of one sponsor and one worker.
    StatementId, "stm_"
);

id!(
    /// An API key of a sponsor; the secret comes behind it.
    SponsorKeyId, "key_"
);

id!(
    /// A claim token, without its text.
    ClaimTokenId, "clt_"
);

id!(
    /// An event that a webhook tells. A UUID of version 7; the same in every try, so that receivers know a repetition.
    EventId, "evt_"
);

id!(
    /// A secret that webhooks are signed with.
    WebhookSecretId, "whs_"
);

id!(
    /// An operation that a sponsor pays for, or is asked to: one request to the paymaster, whichever transactions carry it.
    OperationId, "op_"
);

id!(
    /// A question to a sponsor's server: whether it pays for an operation. Each time that one is asked about, another.
    QuestionId, "ask_"
);

impl JobId {
    /// The job as the felt that attestations name: its UUID as a 128-bit big-endian integer.
    pub fn to_felt(self) -> Felt {
        Felt::from(self.0.as_u128())
    }
}

/// A job whose money and output are on chain, by its place in the order of posting, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnchainJobId(pub u64);

/// What an attestation calls its job. Gateways' jobs are numbers below 2^128 and on-chain jobs are numbers above it,
/// so the two can never be confused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttestedJob(pub Felt);

impl From<JobId> for AttestedJob {
    fn from(job: JobId) -> Self {
        Self(job.to_felt())
    }
}

impl From<OnchainJobId> for AttestedJob {
    fn from(job: OnchainJobId) -> Self {
        Self(Felt::from(u128::MAX) + Felt::ONE + Felt::from(job.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_survives_its_text(value: u128) {
            let id = JobId(Uuid::from_u128(value));
            prop_assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        }

        #[test]
        fn ids_sort_as_their_uuids_do(a: u128, b: u128) {
            let text = |v| JobId(Uuid::from_u128(v)).to_string();
            prop_assert_eq!(text(a).cmp(&text(b)), a.cmp(&b));
        }

        #[test]
        fn wild_text_never_panics(text in ".{0,64}") {
            let _parsed = text.parse::<JobId>();
        }
    }

    #[test]
    fn no_job_of_a_gateway_is_ever_named_like_a_job_on_chain() {
        let largest = AttestedJob::from(JobId(Uuid::from_u128(u128::MAX)));
        let first = AttestedJob::from(OnchainJobId(1));
        assert!(largest.0 < first.0);
        assert_eq!(first.0, Felt::from_hex_unchecked("0x100000000000000000000000000000001"));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let job = JobId(Uuid::from_u128(7)).to_string();
        assert!(job.parse::<DeviceId>().is_err());
        assert!("job_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<JobId>().is_err(), "over 128 bits");
    }
}
