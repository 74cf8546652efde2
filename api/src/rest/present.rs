//! Optional fields of requests: there or not there, and never `null`, as the document says.

use serde::{Deserialize, Deserializer};

/// Reads a field that is there. Beside `#[serde(default)]`, which is for one that is not.
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}
