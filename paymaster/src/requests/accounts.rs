//! What is known of an account: its class, and how the class takes outside executions.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use ciro_api::{Address, Felt};
use ciro_contracts::{Chain, ChainError, ClassKind};
use lru::LruCache;

use crate::snip29::{Fault, FaultCode, TypedVersion};

/// Classes that are remembered. There are few in use; an attacker can declare more, at its own cost.
const CLASSES_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// How a class behaves, as far as its code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Cairo 0: what it does wrong cannot be caught.
    pub(super) is_legacy: bool,
    /// The newest version of SNIP-9 that it has a function for.
    pub(super) version: Option<TypedVersion>,
}

/// Remembers classes, which never change. What class an account has is asked each time, because that can.
#[derive(Debug)]
pub(super) struct Accounts(Mutex<LruCache<Felt, Class>>);

impl Default for Accounts {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CLASSES_MAX)))
    }
}

impl Accounts {
    /// What the class is; nothing where it is not declared.
    pub(super) async fn class(
        &self,
        chain: &Chain,
        hash: Felt,
    ) -> Result<Option<Class>, ChainError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied();
        if known.is_some() {
            return Ok(known);
        }
        let Some(kind) = chain.class_kind(hash).await? else { return Ok(None) };
        let version = if kind.has_function("execute_from_outside_v2") {
            Some(TypedVersion::V2)
        } else if kind.has_function("execute_from_outside") {
            Some(TypedVersion::V1)
        } else {
            None
        };
        let class = Class { is_legacy: kind == ClassKind::Legacy, version };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(hash, class);
        Ok(Some(class))
    }
}

/// The class of the account that is at `address` now.
pub(super) async fn class_of(chain: &Chain, address: Address) -> Result<Felt, Fault> {
    chain.class_at(address).await?.ok_or_else(|| {
        let detail =
            format!("there is no account at {address}; pass its `deployment` to have it made");
        Fault::new(FaultCode::InvalidAddress, detail)
    })
}

/// How this class takes outside executions, or that it does not.
pub(super) fn version_of(class: Class, hash: Felt) -> Result<TypedVersion, Fault> {
    class.version.ok_or_else(|| {
        let detail = format!(
            "class {hash:#x} has no function `execute_from_outside_v2` or `execute_from_outside`"
        );
        Fault::new(FaultCode::ClassHashNotSupported, detail)
    })
}
