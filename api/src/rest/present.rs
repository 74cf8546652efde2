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

#[cfg(test)]
mod tests {
    use crate::rest::{jobs::CreateJob, leases::LeaseRef};

    #[test]
    fn null_is_refused_where_a_field_may_be_absent() {
        let absent = r#"{"model":"ciro/sha256@1","input":{"text":"a"}}"#;
        assert!(serde_json::from_str::<CreateJob>(absent).is_ok());
        let null = r#"{"model":"ciro/sha256@1","input":{"text":"a"},"delay_ms":null}"#;
        assert!(serde_json::from_str::<CreateJob>(null).is_err());
    }

    #[test]
    fn an_epoch_beyond_its_bound_is_refused() {
        let fence = |epoch: u64| {
            let ids = r#""job":"job_00000000000000000000000000","lease":"lse_00000000000000000000000000""#;
            serde_json::from_str::<LeaseRef>(&format!("{{{ids},\"epoch\":{epoch}}}"))
        };
        assert!(fence(crate::limits::EPOCH_MAX).is_ok());
        assert!(fence(crate::limits::EPOCH_MAX + 1).is_err());
    }
}
