//! Admission: how much work anyone may make us do, before we do any of it.
//!
//! Every request costs as much as it makes us do, out of buckets of tokens: of the network that it came from, of the sponsor's
//! key, of the account and of the device. Each bucket fills again with time. Beside them stands how much work of a kind may be in flight.
//! All of it is in the memory of one process, and bounded. Nothing here reads a clock, waits, or speaks HTTP.

mod bucket;
mod kind;
mod settings;
mod table;
mod who;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ciro_api::{Address, DeviceId, SponsorKeyId};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use bucket::Rate;
pub use kind::Kind;
pub use settings::{Settings, SettingsError};
use table::Table;
pub use who::{Who, network};

/// Who was asked to wait, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}; come back in {} ms", retry_after.as_millis())]
pub struct Refused {
    /// What was used up.
    pub why: Scarce,
    /// When the same request may be let in, if nobody else takes its place.
    pub retry_after: Duration,
}

/// What was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Scarce {
    /// The bucket of the network that the request came from.
    #[error("too much was asked from this network")]
    Network,
    /// The bucket of the sponsor's key.
    #[error("too much was asked with this key")]
    SponsorKey,
    /// The bucket of the account.
    #[error("too much was asked for this account")]
    Account,
    /// The bucket of the device.
    #[error("too much was asked by this device")]
    Device,
    /// Room for work of this kind, whoever asks.
    #[error("as much work of this kind as there may be is in flight")]
    InFlight,
}

/// Work that was let in. It counts as in flight until this is dropped.
#[derive(Debug)]
#[must_use = "the work is no longer counted once this is dropped"]
pub struct Permit(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

/// Decides who is let in. One for the whole process.
#[derive(Debug)]
pub struct Admission {
    tables: Mutex<Tables>,
    building: Arc<Semaphore>,
    executing: Arc<Semaphore>,
    busy_retry: Duration,
}

/// One for each kind of key, so that a flood of one kind takes no room from the others.
#[derive(Debug)]
struct Tables {
    networks: Table<IpNet>,
    sponsor_keys: Table<SponsorKeyId>,
    accounts: Table<Address>,
    devices: Table<DeviceId>,
}

impl Admission {
    /// An empty house at `now`.
    pub fn new(settings: &Settings, now: Instant) -> Result<Self, SettingsError> {
        settings.check()?;
        let most = settings.keys_max;
        Ok(Self {
            tables: Mutex::new(Tables {
                networks: Table::new(settings.network, most, now),
                sponsor_keys: Table::new(settings.sponsor_key, most, now),
                accounts: Table::new(settings.account, most, now),
                devices: Table::new(settings.device, most, now),
            }),
            building: room(settings.builds_in_flight_max),
            executing: room(settings.executions_in_flight_max),
            busy_retry: settings.busy_retry,
        })
    }

    /// Lets a request in and takes its weight out of every bucket that it has, or refuses it and takes nothing.
    pub fn take(&self, who: &Who, kind: Kind, now: Instant) -> Result<Permit, Refused> {
        let weight = kind.weight();
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.look(who, weight, now)?;
        // Room is asked for last: who has used up its own is told so, however busy we are. And before anything is taken: who
        // is sent away because of others pays nothing.
        let permit = self.enter(kind)?;
        tables.spend(who, weight, now);
        Ok(permit)
    }

    /// Takes the weight of a request that was let in out of buckets that were not known to be its own before.
    pub fn charge(&self, who: &Who, kind: Kind, now: Instant) -> Result<(), Refused> {
        let weight = kind.weight();
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.look(who, weight, now)?;
        tables.spend(who, weight, now);
        Ok(())
    }

    fn enter(&self, kind: Kind) -> Result<Permit, Refused> {
        let room = match kind {
            Kind::Build => &self.building,
            Kind::Execute => &self.executing,
            Kind::IsAvailable | Kind::SupportedTokens | Kind::Tracking => return Ok(Permit(None)),
        };
        let entered = Arc::clone(room).try_acquire_owned();
        let busy = |_| Refused { why: Scarce::InFlight, retry_after: self.busy_retry };
        entered.map(|held| Permit(Some(held))).map_err(busy)
    }
}

impl Tables {
    /// Whether every bucket has so much. The one that takes longest to have it is told.
    fn look(&self, who: &Who, weight: u32, now: Instant) -> Result<(), Refused> {
        let Who { network, sponsor_key, account, device } = who;
        let waits = [
            (Scarce::Network, network.map(|key| self.networks.wait(&key, weight, now))),
            (Scarce::SponsorKey, sponsor_key.map(|key| self.sponsor_keys.wait(&key, weight, now))),
            (Scarce::Account, account.map(|key| self.accounts.wait(&key, weight, now))),
            (Scarce::Device, device.map(|key| self.devices.wait(&key, weight, now))),
        ];
        let longest = waits.into_iter().filter_map(|(why, wait)| Some((why, wait?)));
        match longest.max_by_key(|(_, wait)| *wait) {
            Some((why, retry_after)) if !retry_after.is_zero() => Err(Refused { why, retry_after }),
            _ => Ok(()),
        }
    }

    fn spend(&mut self, who: &Who, weight: u32, now: Instant) {
        if let Some(key) = who.network {
            self.networks.spend(key, weight, now);
        }
        if let Some(key) = who.sponsor_key {
            self.sponsor_keys.spend(key, weight, now);
        }
        if let Some(key) = who.account {
            self.accounts.spend(key, weight, now);
        }
        if let Some(key) = who.device {
            self.devices.spend(key, weight, now);
        }
    }
}

fn room(most: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)))
}

#[cfg(test)]
mod tests;
