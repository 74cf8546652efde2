//! When a delivery that failed is tried again.

use std::time::Duration;

use rand::Rng;

/// After the first try, the second, and so on; after the last of these tries it is given up, more than a day later.
const PAUSES_S: [u64; 7] = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];

/// Longest wait that a receiver may ask for: the longest pause of our own.
const ASKED_MAX: Duration = Duration::from_hours(10);

/// The pauses between tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// The first one, which tests shorten.
    pub(crate) first: Duration,
}

impl Schedule {
    /// How long to wait after so many `tries`; nothing when it is to be given up. A receiver's `Retry-After` can only
    /// make it longer. Up to a tenth more or less, so that what failed together does not come back together.
    pub(super) fn pause(self, tries: u32, asked: Option<Duration>) -> Option<Duration> {
        let place = usize::try_from(tries).ok()?.checked_sub(1)?;
        let pause = match place {
            0 => self.first,
            _ => Duration::from_secs(*PAUSES_S.get(place)?),
        };
        let jittered = pause.mul_f64(rand::rng().random_range(0.9..1.1));
        Some(jittered.max(asked.unwrap_or_default().min(ASKED_MAX)))
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self { first: Duration::from_secs(PAUSES_S[0]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_tries_are_made_over_more_than_a_day() {
        let schedule = Schedule::default();
        let pauses: Vec<Duration> = (1..).map_while(|tries| schedule.pause(tries, None)).collect();
        assert_eq!(pauses.len(), 7);
        assert!(pauses.iter().sum::<Duration>() > Duration::from_hours(24));
        assert!(pauses.is_sorted_by(|a, b| a.mul_f64(0.8) < *b), "{pauses:?}");
    }

    #[test]
    fn a_receiver_can_ask_for_more_time_and_for_less_in_vain() {
        let schedule = Schedule::default();
        let after =
            |tries, asked_s| schedule.pause(tries, Some(Duration::from_secs(asked_s))).unwrap();
        assert_eq!(after(1, 60), Duration::from_mins(1));
        assert!(after(2, 1) > Duration::from_secs(200));
        assert_eq!(after(1, u64::MAX), ASKED_MAX);
        assert_eq!(schedule.pause(8, Some(Duration::from_secs(1))), None);
    }
}
