//! Wakes relayers when something is queued, and whoever waits for an operation when one has moved. A hint only: both look at
//! the database, and look from time to time without it.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// Rung inside one process.
#[derive(Clone, Debug)]
pub struct Bell(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queued: Notify,
    moved: watch::Sender<u64>,
}

impl Default for Bell {
    fn default() -> Self {
        Self(Arc::new(Inner { queued: Notify::new(), moved: watch::Sender::new(0) }))
    }
}

impl Bell {
    /// Something was queued: one relayer wakes.
    pub fn queued(&self) {
        self.0.queued.notify_one();
    }

    /// Waits until something was queued.
    pub async fn until_queued(&self) {
        self.0.queued.notified().await;
    }

    /// Some operation has moved: all who wait look.
    pub(crate) fn moved(&self) {
        self.0.moved.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes whenever some operation has moved.
    pub fn movements(&self) -> watch::Receiver<u64> {
        self.0.moved.subscribe()
    }
}
