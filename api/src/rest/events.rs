//! What a worker tells of a run before its end, and what a requester hears of it.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{Base64, leases::LeaseRef, whole::whole};
use crate::state::JobStatus;

/// One thing that a worker tells of a run: exactly one of the three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Progress {
    /// How much is done, 0 to 100.
    Percent(#[serde(deserialize_with = "whole")] u8),
    /// The next piece of the output, at most 4,096 bytes. A preview: what counts is the signed result.
    Output(Base64),
    /// A line for people, at most 4,096 bytes.
    Log(String),
}

/// Tells something of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgressRequest {
    /// The lease held.
    pub fence: LeaseRef,
    /// Its number in this lease: 1, 2, 3 and so on. Sent again, it is not told twice; a number that is left out is told as lost.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1)]
    pub seq: u32,
    /// What is told.
    pub event: Progress,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressReply {
    /// Whether it was new. Otherwise it, or one behind it, came before.
    pub stored: bool,
}

/// The place of an event in a job's stream: `2-18` is number 18 of the second lease, `2-0` its begin, `2-done` the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The lease's epoch; 0 before the first.
    pub epoch: u64,
    /// The place in that lease.
    pub place: Place,
}

/// A place in a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Behind this number; 0 is the begin.
    Seq(u32),
    /// Behind the last event of the job.
    Done,
}

/// A string that is no event id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event id is an epoch and a number, as `2-18`, or `2-done`")]
pub struct ParseEventIdError;

impl EventId {
    /// The begin of a lease.
    pub const fn begin(epoch: u64) -> Self {
        Self { epoch, place: Place::Seq(0) }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Seq(seq) => write!(f, "{}-{seq}", self.epoch),
            Place::Done => write!(f, "{}-done", self.epoch),
        }
    }
}

impl FromStr for EventId {
    type Err = ParseEventIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, place) = text.split_once('-').ok_or(ParseEventIdError)?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(epoch) || !(place == "done" || digits(place)) {
            return Err(ParseEventIdError);
        }
        let place = if place == "done" {
            Place::Done
        } else {
            Place::Seq(place.parse().map_err(|_| ParseEventIdError)?)
        };
        Ok(Self { epoch: epoch.parse().map_err(|_| ParseEventIdError)?, place })
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for EventId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9]+-([0-9]+|done)$"))
            .description(Some("The place of an event: `2-18` is number 18 of the second lease."))
            .into()
    }
}
impl ToSchema for EventId {}

/// `status`: where the job stands, told first and whenever it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusEvent {
    /// Where it stands.
    pub status: JobStatus,
    /// The newest lease's epoch; 0 before the first.
    pub epoch: u64,
}

/// `progress`, `output` or `log`: what the worker told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToldEvent {
    /// The lease's epoch.
    pub epoch: u64,
    /// Its number in that lease.
    pub seq: u32,
    /// `progress`: how much is done, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// `output`: the next piece of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<Base64>,
    /// `log`: a line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `restarted`: a new lease began. Whatever an earlier one told of its output is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RestartedEvent {
    /// The new lease's epoch.
    pub epoch: u64,
}

/// `lost`: some of what the worker told cannot be told any more. The result is not affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LostEvent {
    /// Everything up to here was told.
    pub after: EventId,
    /// What comes next, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<EventId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_survive_their_text_and_sort_by_time() {
        let ids = ["0-0", "1-0", "1-9", "1-10", "1-done", "2-0"];
        let parsed: Vec<EventId> = ids.iter().map(|text| text.parse().unwrap()).collect();
        assert!(parsed.is_sorted());
        assert_eq!(parsed.iter().map(ToString::to_string).collect::<Vec<_>>(), ids);
        for bad in ["", "1", "1-", "-1", "1-x", "+1-2", "1-2-3", "1-4294967296", "1-Done", " 1-2"] {
            assert_eq!(bad.parse::<EventId>(), Err(ParseEventIdError), "{bad}");
        }
    }
}

/// One event as it stands in a stream of server-sent events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamEvent {
    /// To come back behind it: epoch and number, as `2-17`, or `2-done`. A status has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What kind of event it is.
    pub event: String,
    /// JSON: what the kind says; of `done` it is the job.
    pub data: String,
}
