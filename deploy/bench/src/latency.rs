//! Samples of durations, and what is said of them.

use std::time::Duration;

use serde::Serialize;

/// Percentiles in milliseconds. Of few samples the high ones say little; how many there were stands beside them.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) samples: usize,
}

impl Percentiles {
    /// Of at least one sample.
    pub(crate) fn of(mut samples: Vec<Duration>) -> anyhow::Result<Self> {
        anyhow::ensure!(!samples.is_empty(), "nothing was measured");
        samples.sort_unstable();
        let at = |per_mille: usize| {
            let rank = (samples.len() * per_mille).div_ceil(1_000).max(1);
            round(samples[rank - 1].as_secs_f64() * 1_000.0)
        };
        Ok(Self { p50: at(500), p99: at(990), p999: at(999), samples: samples.len() })
    }
}

/// Three decimals: microseconds of milliseconds, and no more than was measured.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// How many in a second.
pub(crate) fn per_second(count: u64, took: Duration) -> f64 {
    // Counts of a run are far below 2^32.
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    (count / took.as_secs_f64() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let samples = (1..=1_000).rev().map(Duration::from_millis).collect();
        let Percentiles { p50, p99, p999, samples } = Percentiles::of(samples).unwrap();
        assert_eq!((p50, p99, p999, samples), (500.0, 990.0, 999.0, 1_000));
        let one = Percentiles::of(vec![Duration::from_micros(1_500)]).unwrap();
        assert_eq!((one.p50, one.p999), (1.5, 1.5));
    }

    #[test]
    fn nothing_measured_is_no_figure() {
        assert!(Percentiles::of(Vec::new()).is_err());
    }
}
