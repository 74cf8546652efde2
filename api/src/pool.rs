//! Pools: capability classes of workers, and what a run costs in them.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::limits::POOL_NAME_BYTES_MAX;

/// A pool's name, for example `cpu.onnx`: what a worker must have and be able to run before it takes a job from it.
///
/// 1 to 32 lower-case letters, digits, dots and dashes, the first a letter: it becomes part of keys and metric labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolName(Arc<str>);

/// A text that is no pool's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a pool's name: expected 1 to {POOL_NAME_BYTES_MAX} of a-z 0-9 . - with a letter first"
)]
pub struct ParsePoolError(String);

impl PoolName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PoolName {
    type Err = ParsePoolError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
        let good = text.len() <= POOL_NAME_BYTES_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(plain);
        if good {
            Ok(Self(text.into()))
        } else {
            Err(ParsePoolError(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for PoolName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PoolName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for PoolName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[a-z][a-z0-9.-]{0,31}$"))
            .description(Some(
                "A pool: what a worker must be able to run before it takes a job from it.",
            ))
            .into()
    }
}
impl utoipa::ToSchema for PoolName {}

/// What one run is expected to cost its pool: device time in quarter-octaves of a millisecond, so step `s` stands for
/// `2^(s/4)` ms, rounded down. Shares of a pool are counted in it, and they are exact to that fifth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CostStep(u8);

impl CostStep {
    /// The largest: the step of a run of `u32::MAX` ms.
    pub const MAX: Self = Self(127);

    /// The step of a run of so many milliseconds; less than one counts as one.
    pub fn of_run(run_ms: u32) -> Self {
        // 4·log2(x) rounded down is log2(x⁴) rounded down, and x⁴ fits.
        let step = u128::from(run_ms.max(1)).pow(4).ilog2();
        u8::try_from(step).map_or(Self::MAX, Self)
    }

    /// The step as it is stored.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// A stored step.
    pub fn from_stored(step: u8) -> Option<Self> {
        (step <= Self::MAX.0).then_some(Self(step))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_fit_keys_and_labels_are_taken_and_no_others() {
        for good in ["cpu", "cpu.onnx", "gpu24.llm", "a", "x-1"] {
            assert_eq!(good.parse::<PoolName>().unwrap().to_string(), good);
        }
        let long = "a".repeat(POOL_NAME_BYTES_MAX + 1);
        for bad in ["", "1cpu", ".cpu", "Cpu", "cpu onnx", "cpu}", "cpü", "cpu:x", long.as_str()] {
            assert!(bad.parse::<PoolName>().is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn a_step_is_a_quarter_of_an_octave_of_a_millisecond() {
        let steps =
            [(0, 0), (1, 0), (2, 4), (3, 6), (4, 8), (10, 13), (1_000, 39), (u32::MAX, 127)];
        for (run_ms, step) in steps {
            assert_eq!(CostStep::of_run(run_ms).get(), step, "{run_ms} ms");
        }
    }

    proptest! {
        #[test]
        fn a_step_stands_for_no_more_than_the_run_and_the_next_for_more(run_ms in 1_u32..) {
            let step = CostStep::of_run(run_ms).get();
            let of = |step: u8| 2_f64.powf(f64::from(step) / 4.0);
            prop_assert!(of(step) <= f64::from(run_ms) * (1.0 + 1e-12));
            prop_assert!(of(step + 1) > f64::from(run_ms) * (1.0 - 1e-12));
        }
    }
}
