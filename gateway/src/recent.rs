//! A small table that everything asks about, read from the database once in a while and remembered in between.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use ciro_api::limits;
use tokio::{sync::Mutex, time::Instant};

use crate::problem::ApiError;

/// How old the answer may be.
const LAG: Duration = Duration::from_millis(limits::RECENT_LAG_MS);

/// What a gateway knew of a table at most [`limits::RECENT_LAG_MS`] ago. When it cannot ask, it knows nothing.
pub(crate) struct Recent<T> {
    known: RwLock<Option<(Instant, Arc<T>)>>,
    /// One load at a time: whoever comes meanwhile uses its outcome.
    loading: Mutex<()>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { known: RwLock::default(), loading: Mutex::default() }
    }
}

impl<T> Recent<T> {
    /// What is known, loaded anew when that is too long ago.
    pub(crate) async fn get(
        &self,
        load: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<Arc<T>, ApiError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let _turn = self.loading.lock().await;
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        self.load(load).await
    }

    /// Loads anew: once this returns, what was committed before it began is known here.
    pub(crate) async fn renew(
        &self,
        load: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<(), ApiError> {
        // Behind a load that began before the commit, which would not have seen it.
        let _turn = self.loading.lock().await;
        self.load(load).await.map(drop)
    }

    async fn load(
        &self,
        load: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<Arc<T>, ApiError> {
        let as_of = Instant::now();
        let loaded = Arc::new(load.await?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some((as_of, Arc::clone(&loaded)));
        Ok(loaded)
    }

    fn fresh(&self) -> Option<Arc<T>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(as_of, _)| as_of.elapsed() < LAG).map(|(_, it)| Arc::clone(it))
    }
}
