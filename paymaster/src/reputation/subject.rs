//! Who has a reputation.

use std::fmt;

use ciro_api::{Address, DeviceId, Felt};

use crate::snip29::WireFelt;

/// Who had part in an operation. The order is the one in which rows are locked: what many operations share comes last, so
/// that it is locked for the shortest time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The account that acts.
    Account(Address),
    /// The device that asks.
    Device(DeviceId),
    /// The account's class, by its hash.
    Class(Felt),
}

impl Subject {
    /// What it is, as the database calls it.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Device(_) => "device",
            Self::Class(_) => "class",
        }
    }

    /// Which one of its kind.
    pub(super) fn name(self) -> String {
        match self {
            Self::Account(address) => address.to_string(),
            Self::Device(device) => device.to_string(),
            Self::Class(hash) => WireFelt(hash).to_string(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}
