//! Takes a batch apart into its items as they came, so that a bad one is refused by itself and a good one's bytes are its
//! fingerprint. Reads no job.

use ciro_api::{ErrorCode, Problem, limits};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    cbor,
    extract::{self, RawBody},
    media::Format,
    problem::ApiError,
};

const ITEMS: &str = "items";
const KEY: &str = "idempotency_key";
const JOB: &str = "job";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonBatch<'a> {
    #[serde(borrow, deserialize_with = "bounded")]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonItem<'a> {
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(borrow)]
    job: &'a RawValue,
}

/// One item: its key, and its job's bytes.
pub(super) struct Item<'a> {
    pub(super) idempotency_key: Option<String>,
    pub(super) job: &'a [u8],
}

/// The items of a batch, no more than may be.
pub(super) fn items(body: &RawBody) -> Result<Vec<&[u8]>, ApiError> {
    match body.format {
        Format::Json => {
            let batch: JsonBatch<'_> = extract::parse_json(&body.bytes)?;
            Ok(batch.items.into_iter().map(|item| item.get().as_bytes()).collect())
        }
        Format::Cbor => {
            cbor::check(&body.bytes)?;
            let members = cbor::members(&body.bytes, &[ITEMS])?;
            let items = members.first().ok_or_else(|| missing(ITEMS))?;
            cbor::elements(items.1, limits::BATCH_JOBS_MAX, "/items")
        }
    }
}

/// Reads one item.
pub(super) fn item(format: Format, bytes: &[u8]) -> Result<Item<'_>, ApiError> {
    match format {
        Format::Json => {
            let JsonItem { idempotency_key, job } = extract::parse_json(bytes)?;
            Ok(Item { idempotency_key, job: job.get().as_bytes() })
        }
        Format::Cbor => {
            let members = cbor::members(bytes, &[KEY, JOB])?;
            let of = |name| members.iter().find(|(given, _)| *given == name).map(|found| found.1);
            let at_key =
                |error: ApiError| ApiError::from(Problem::from(error).under("/idempotency_key"));
            let idempotency_key = match of(KEY) {
                Some(bytes) => cbor::parse(bytes).map_err(at_key)?,
                None => None,
            };
            Ok(Item { idempotency_key, job: of(JOB).ok_or_else(|| missing(JOB))? })
        }
    }
}

fn missing(name: &str) -> ApiError {
    let problem =
        Problem::new(ErrorCode::InvalidRequest, "the body has a field that cannot be used");
    problem.at("/", format!("missing field `{name}`")).into()
}

/// Stops reading behind the last item that may be: a body of commas must not become millions of items.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'de RawValue>, D::Error> {
    struct Items;

    impl<'de> Visitor<'de> for Items {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "at most {} items", limits::BATCH_JOBS_MAX)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = sequence.next_element()? {
                if items.len() == limits::BATCH_JOBS_MAX {
                    return Err(de::Error::invalid_length(limits::BATCH_JOBS_MAX + 1, &self));
                }
                items.push(item);
            }
            Ok(items)
        }
    }

    deserializer.deserialize_seq(Items)
}
