//! Reads Cairo-serialised values out of felts. Never accepts a value that is out of its type's range.

use ciro_api::{Address, Felt, Fri};
use starknet_rust::core::utils::starknet_keccak;

/// What a list of felts lacks or has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FeltsError {
    /// It ended early.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A felt is too large for its type.
    #[error("`{0}` is out of range")]
    OutOfRange(&'static str),
    /// It went on after the last value.
    #[error("there are {0} felts too many")]
    TooMany(usize),
}

/// Takes values from the front.
pub(crate) struct Felts<'a>(std::slice::Iter<'a, Felt>);

impl<'a> Felts<'a> {
    pub(crate) fn new(felts: &'a [Felt]) -> Self {
        Self(felts.iter())
    }

    pub(crate) fn felt(&mut self, name: &'static str) -> Result<Felt, FeltsError> {
        self.0.next().copied().ok_or(FeltsError::Missing(name))
    }

    pub(crate) fn address(&mut self, name: &'static str) -> Result<Address, FeltsError> {
        self.felt(name).map(Address)
    }

    pub(crate) fn number<T: TryFrom<Felt>>(&mut self, name: &'static str) -> Result<T, FeltsError> {
        T::try_from(self.felt(name)?).map_err(|_| FeltsError::OutOfRange(name))
    }

    pub(crate) fn fri(&mut self, name: &'static str) -> Result<Fri, FeltsError> {
        self.number(name).map(Fri)
    }

    pub(crate) fn truth(&mut self, name: &'static str) -> Result<bool, FeltsError> {
        match self.number::<u8>(name)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FeltsError::OutOfRange(name)),
        }
    }

    /// Passes over `count` values that the reader does not need.
    pub(crate) fn skip(&mut self, name: &'static str, count: usize) -> Result<(), FeltsError> {
        (0..count).try_for_each(|_| self.felt(name).map(drop))
    }

    pub(crate) fn end(self) -> Result<(), FeltsError> {
        match self.0.len() {
            0 => Ok(()),
            more => Err(FeltsError::TooMany(more)),
        }
    }
}

/// The selector of a function or event.
pub fn selector(name: &str) -> Felt {
    starknet_keccak(name.as_bytes())
}
