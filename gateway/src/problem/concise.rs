//! A problem as RFC 9290 has it: what is standard under its small numbers, and the HTTP parts under 7807, the key that
//! the RFC sets aside for carrying them. Carries exactly what the JSON form does.

use ciro_api::Problem;
use serde::{Serialize, Serializer, ser::SerializeMap};

const TITLE: i8 = -1;
const DETAIL: i8 = -2;
const TUNNEL: u16 = 7_807;

/// Writes the whole problem.
pub(super) struct Concise<'a>(pub(super) &'a Problem);

impl Serialize for Concise<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(&TITLE, &self.0.title)?;
        map.serialize_entry(&DETAIL, &self.0.detail)?;
        map.serialize_entry(&TUNNEL, &Tunnel(self.0))?;
        map.end()
    }
}

/// `type` under 0, `status` under 1, our own members under their names.
struct Tunnel<'a>(&'a Problem);

impl Serialize for Tunnel<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Problem { kind, status, code, retryable, request_id, errors, .. } = self.0;
        let absent = usize::from(request_id.is_none()) + usize::from(errors.is_empty());
        let mut map = serializer.serialize_map(Some(6 - absent))?;
        map.serialize_entry(&0_u8, kind)?;
        map.serialize_entry(&1_u8, status)?;
        map.serialize_entry("code", code)?;
        map.serialize_entry("retryable", retryable)?;
        if let Some(request_id) = request_id {
            map.serialize_entry("request_id", request_id)?;
        }
        if !errors.is_empty() {
            map.serialize_entry("errors", errors)?;
        }
        map.end()
    }
}
