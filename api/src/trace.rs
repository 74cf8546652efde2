//! W3C Trace Context: which span of which trace asked for something. Read from strangers, so anything odd is no trace.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::limits;

/// One span of a trace: what the header `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanRef {
    /// The trace. Never zero.
    pub trace_id: u128,
    /// The span. Never zero.
    pub span_id: u64,
    /// Whether its spans are recorded.
    pub sampled: bool,
}

/// Text that is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent")]
pub struct ParseSpanRefError;

/// `digits` lower-case hex digits, which are not all zero.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let whole = text.len() == digits && text.bytes().all(plain);
    whole.then(|| u128::from_str_radix(text, 16).ok())?.filter(|value| *value != 0)
}

fn is_version(text: &str) -> bool {
    text != "ff" && hex(text, 2).is_some()
}

impl FromStr for SpanRef {
    type Err = ParseSpanRefError;

    fn from_str(text: &str) -> Result<Self, ParseSpanRefError> {
        let parts: Vec<&str> = text.splitn(5, '-').collect();
        // Later versions may say more behind what version 00 says.
        let (trace, span, flags) = match parts[..] {
            ["00", trace, span, flags] => (trace, span, flags),
            [version, trace, span, flags, ..] if version != "00" && is_version(version) => {
                (trace, span, flags)
            }
            _ => return Err(ParseSpanRefError),
        };
        // No flag is set as often as some are, so these digits may be zero.
        let flags = if flags == "00" { Some(0) } else { hex(flags, 2) };
        Ok(Self {
            trace_id: hex(trace, 32).ok_or(ParseSpanRefError)?,
            span_id: hex(span, 16).and_then(|id| id.try_into().ok()).ok_or(ParseSpanRefError)?,
            sampled: flags.ok_or(ParseSpanRefError)? & 1 == 1,
        })
    }
}

impl fmt::Display for SpanRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.span_id)
    }
}

impl Serialize for SpanRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SpanRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for SpanRef {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"))
            .description(Some("One span of a trace, as W3C Trace Context writes it"))
            .into()
    }
}
impl ToSchema for SpanRef {}

/// Where a job's trace stands, to be carried along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// The span that asked for the job.
    pub traceparent: SpanRef,
    /// What tracing systems have written beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
}

impl Trace {
    /// What two headers say. Without a good `traceparent` there is no trace; a bad `tracestate` is left out.
    pub fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let printable = |text: &&str| {
            (1..=limits::TRACE_STATE_BYTES_MAX).contains(&text.len())
                && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        let tracestate = tracestate.filter(printable).map(str::to_owned);
        Some(Self { traceparent: traceparent.parse().ok()?, tracestate })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_span_survives_its_text(trace_id in 1..=u128::MAX, span_id in 1..=u64::MAX, sampled: bool) {
            let span = SpanRef { trace_id, span_id, sampled };
            prop_assert_eq!(span.to_string().parse::<SpanRef>(), Ok(span));
        }

        #[test]
        fn wild_text_never_panics(text in ".{0,80}") {
            let _parsed = text.parse::<SpanRef>();
        }
    }

    #[test]
    fn what_is_odd_is_no_trace() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(good.parse::<SpanRef>().is_ok());
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
        assert_eq!(later.parse::<SpanRef>(), good.parse());
        let bad = [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "1-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
        ];
        for text in bad {
            assert_eq!(text.parse::<SpanRef>(), Err(ParseSpanRefError), "{text}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_carried_is_left_out() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        let state = |text: &str| Trace::read(parent, Some(text)).unwrap().tracestate;
        assert_eq!(state("vendor=1").as_deref(), Some("vendor=1"));
        assert_eq!(state(""), None);
        assert_eq!(state("line\nbreak=1"), None);
        assert_eq!(state(&"a".repeat(limits::TRACE_STATE_BYTES_MAX + 1)), None);
        assert_eq!(Trace::read("nonsense", Some("vendor=1")), None);
    }
}
