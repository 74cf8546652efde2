//! How much anyone may ask for.

use std::time::Duration;

use super::{bucket::Rate, kind::Kind};

/// How much anyone may ask for. An operation takes a build and an execute: 60 tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For each network. 120 a second are two operations; a burst of 2,400 are forty: an office, or the devices of a site
    /// that come back together after an outage.
    pub network: Rate,
    /// For each key of a sponsor. 3,000 a second are fifty operations, half of what one relayer is to bring; a burst of 6,000
    /// is two seconds of that.
    pub sponsor_key: Rate,
    /// For each account. 30 a second are an operation every two seconds, about as often as blocks come; a burst of 300 are
    /// five, as many as an account should have on their way.
    pub account: Rate,
    /// For each device. As much as for an account: a device acts by one, or by its fleet's.
    pub device: Rate,
    /// How many buckets there are of each kind at most: 100,000. One takes about 200 bytes in its two indexes, so all
    /// of them take 80 MB.
    pub keys_max: usize,
    /// How many builds may be in flight: 64. Each keeps a simulation open at the node, which takes tens of milliseconds.
    pub builds_in_flight_max: usize,
    /// How many executes may be in flight: 256. Each waits until a transaction carries it, and keeps no connection while it does;
    /// a relayer takes some hundred with each.
    pub executions_in_flight_max: usize,
    /// What those are told to wait who find too much in flight: one second, in which all of that ends.
    pub busy_retry: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            network: Rate { per_second: 120, burst: 2_400 },
            sponsor_key: Rate { per_second: 3_000, burst: 6_000 },
            account: Rate { per_second: 30, burst: 300 },
            device: Rate { per_second: 30, burst: 300 },
            keys_max: 100_000,
            builds_in_flight_max: 64,
            executions_in_flight_max: 256,
            busy_retry: Duration::from_secs(1),
        }
    }
}

/// Settings with which some request would never be let in, however long one waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A bucket that never fills.
    #[error("the rate of each {0} is nothing")]
    NoRate(&'static str),
    /// A bucket that is too small.
    #[error("the burst of each {of} is {burst}; an execute takes {}", Kind::Execute.weight())]
    SmallBurst {
        /// Whose.
        of: &'static str,
        /// How much it holds.
        burst: u32,
    },
    /// No place, or no room.
    #[error("{0} is nothing")]
    Nothing(&'static str),
}

impl Settings {
    /// Refuses what lets nobody in.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let rates = [
            ("network", self.network),
            ("sponsor's key", self.sponsor_key),
            ("account", self.account),
            ("device", self.device),
        ];
        for (of, Rate { per_second, burst }) in rates {
            if per_second == 0 {
                return Err(SettingsError::NoRate(of));
            }
            if Kind::ALL.iter().any(|kind| kind.weight() > burst) {
                return Err(SettingsError::SmallBurst { of, burst });
            }
        }
        let counts = [
            ("the number of buckets", self.keys_max),
            ("the number of builds in flight", self.builds_in_flight_max),
            ("the number of executes in flight", self.executions_in_flight_max),
        ];
        match counts.into_iter().find(|(_, count)| *count == 0) {
            Some((what, _)) => Err(SettingsError::Nothing(what)),
            None => Ok(()),
        }
    }
}
