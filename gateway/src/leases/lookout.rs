//! Looks after workers that wait and that no hint has reached: a delayed job whose time has come, a hint that was lost, an
//! index that is away. One look for each pool in the place of one for each worker.

use std::{sync::Arc, time::Duration};

use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::{app::App, wake::LOOK_AGAIN};

/// Workers of a pool that look for themselves each time while the index is away: they are served one by one then.
const WITHOUT_INDEX: usize = 4;

/// Looks every second or so until `stop`.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        for pool in app.wake.awaited() {
            let jobs = match app.queue.waiting(&pool).await {
                Ok(jobs) => usize::try_from(jobs).unwrap_or(usize::MAX),
                Err(error) => {
                    error.report("looking after workers, who look without the index");
                    WITHOUT_INDEX
                }
            };
            app.wake.ring_for(&pool, jobs);
        }
        let pause: Duration = LOOK_AGAIN.mul_f64(rand::rng().random_range(0.8..1.2));
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
