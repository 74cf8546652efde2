//! Whole numbers of requests. In JSON `1.0` is as whole as `1`, and some devices know no other way to write it.

use serde::{Deserialize, Deserializer, de};
use serde_json::Number;

/// Beyond it not every whole number is one of floating point.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads a number that has no fraction, however it is written.
pub(super) fn whole<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    let number = Number::deserialize(deserializer)?;
    let value = number.as_u64().or_else(|| without_fraction(number.as_f64()?));
    let fitting = value.and_then(|value| T::try_from(value).ok());
    fitting.ok_or_else(|| de::Error::custom(format_args!("{number} is no whole number in range")))
}

/// The same where the field may be absent; beside `#[serde(default)]`, and never `null`.
pub(super) fn whole_present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    whole(deserializer).map(Some)
}

fn without_fraction(value: f64) -> Option<u64> {
    let is_whole = value.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&value);
    // Through its digits: there is no lossless conversion.
    if is_whole { format!("{value:.0}").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use crate::rest::jobs::CreateJob;

    fn delay(text: &str) -> Result<Option<u64>, serde_json::Error> {
        let body =
            format!(r#"{{"model":"ciro/sha256@1","input":{{"text":"a"}},"delay_ms":{text}}}"#);
        serde_json::from_str::<CreateJob>(&body).map(|job| job.delay_ms)
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        assert_eq!(delay("9047.0").unwrap(), Some(9_047));
        assert_eq!(delay("9047").unwrap(), Some(9_047));
        assert_eq!(delay("1e3").unwrap(), Some(1_000));
        for other in ["1.5", "-1", "-1.0", "1e300", "\"1\"", "null"] {
            assert!(delay(other).is_err(), "{other}");
        }
    }
}
