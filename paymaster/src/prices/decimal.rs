//! Numbers of JSON as they are written, without a float in between.

use serde_json::Value;

/// How many decimals are kept.
const DECIMALS: i32 = 12;

/// A number, or text that is one, in units of 10⁻¹²; nothing where it is negative, none, or out of range. What is too small
/// for a unit is cut off.
pub(super) fn read(value: &Value) -> Option<u128> {
    match value {
        Value::Number(number) => parse(&number.to_string()),
        Value::String(text) => parse(text),
        _ => None,
    }
}

fn parse(text: &str) -> Option<u128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: u128 = digits.parse().ok()?;
    let shift = exponent.checked_add(DECIMALS)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_u128.checked_pow(shift.unsigned_abs());
    match (shift < 0, power) {
        (false, Some(power)) => digits.checked_mul(power),
        (false, None) => (digits == 0).then_some(0),
        (true, Some(power)) => Some(digits / power),
        (true, None) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ONE: u128 = 1_000_000_000_000;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (value, expected) in [
            (json!(1), Some(ONE)),
            (json!("3521.83"), Some(3_521_830_000_000_000)),
            (json!(0.5), Some(ONE / 2)),
            (json!(1e-6), Some(1_000_000)),
            (json!("1e-30"), Some(0)),
            (json!("2E3"), Some(2_000 * ONE)),
            (json!(-1), None),
            (json!("1e99"), None),
            (json!("0e99"), Some(0)),
            (json!(""), None),
            (json!("."), None),
            (json!("1.2.3"), None),
            (json!("NaN"), None),
            (json!(null), None),
            (json!({}), None),
        ] {
            assert_eq!(read(&value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn wild_text_never_panics(text in ".{0,40}", number in any::<f64>()) {
            read(&json!(text));
            read(&json!(number));
        }

        #[test]
        fn a_whole_number_is_itself(number in 0..u128::from(u64::MAX)) {
            prop_assert_eq!(read(&json!(number.to_string())), Some(number * ONE));
        }
    }
}
