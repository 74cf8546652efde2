//! Whether a relayer can pay for what it sends. Whoever looks at balances says so, and the relayer heeds it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Shared by a relayer and by whoever looks at its balance. Full until somebody has looked.
#[derive(Clone, Debug, Default)]
pub struct Fuel(Arc<AtomicBool>);

impl Fuel {
    /// It has too little to begin anything. What it has begun it sees through.
    pub fn is_out(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// What a look has found; whether that is news.
    pub fn found(&self, is_out: bool) -> bool {
        self.0.swap(is_out, Ordering::Relaxed) != is_out
    }
}
