//! Named places where a test may have a gateway die, between two writes that no transaction joins.
//!
//! Only a debug build obeys; in a release build nothing here does anything, and the setting does not exist.

use std::{
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};

/// A place between two writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A job is committed; neither its 202 nor the push into Redis has begun.
    Accepted,
    /// Redis has popped jobs; `PostgreSQL` has granted none of them.
    Taken,
    /// `PostgreSQL` has granted jobs; neither Redis nor the worker knows.
    Granted,
    /// A result and its receipt are committed; neither Redis nor the worker knows.
    Stored,
    /// Redis knows that a job ended; its worker may not.
    Dropped,
}

impl Point {
    /// Every place.
    pub const ALL: [Self; 5] =
        [Self::Accepted, Self::Taken, Self::Granted, Self::Stored, Self::Dropped];

    /// What a setting calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Taken => "taken",
            Self::Granted => "granted",
            Self::Stored => "stored",
            Self::Dropped => "dropped",
        }
    }
}

/// A setting that names no place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no failpoint; write one of accepted, taken, granted, stored, dropped, with `:N` for the N-th time"
)]
pub struct ParseFailpointError(String);

/// Where to die, and the how many-th time: `taken` or `taken:3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failpoint {
    point: Point,
    nth: u32,
}

impl FromStr for Failpoint {
    type Err = ParseFailpointError;

    fn from_str(text: &str) -> Result<Self, ParseFailpointError> {
        let unknown = || ParseFailpointError(text.to_owned());
        let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
        let point = Point::ALL.into_iter().find(|point| point.name() == name);
        let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(unknown)?;
        Ok(Self { point: point.ok_or_else(unknown)?, nth })
    }
}

/// The place that was set, if any, and how often it was passed.
#[derive(Debug, Default)]
pub(crate) struct Failpoints {
    armed: Option<Failpoint>,
    passed: AtomicU32,
}

impl Failpoints {
    pub(crate) fn new(armed: Option<Failpoint>) -> Self {
        if let Some(armed) = armed {
            tracing::warn!(?armed, "this gateway will kill itself");
        }
        Self { armed, passed: AtomicU32::new(0) }
    }

    /// Ends the process, as SIGKILL would, if this is the place and the time.
    pub(crate) fn pass(&self, point: Point) {
        if self.is_due(point) {
            tracing::warn!(?point, "ending here, as a test wants it");
            std::process::abort();
        }
    }

    fn is_due(&self, point: Point) -> bool {
        self.armed
            .filter(|armed| armed.point == point)
            .is_some_and(|armed| self.passed.fetch_add(1, Ordering::Relaxed) + 1 == armed.nth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_names_a_place_and_a_time() {
        let set = |text: &str| text.parse::<Failpoint>();
        assert_eq!(set("taken"), Ok(Failpoint { point: Point::Taken, nth: 1 }));
        assert_eq!(set("stored:3"), Ok(Failpoint { point: Point::Stored, nth: 3 }));
        for bad in ["", "nowhere", "taken:0", "taken:", "taken:x"] {
            assert_eq!(set(bad), Err(ParseFailpointError(bad.to_owned())));
        }
    }

    #[test]
    fn a_place_is_due_once_at_its_time() {
        let points = Failpoints::new("granted:2".parse().ok());
        assert!(!points.is_due(Point::Taken));
        assert!(!points.is_due(Point::Granted));
        assert!(points.is_due(Point::Granted));
        assert!(!points.is_due(Point::Granted));
    }
}
