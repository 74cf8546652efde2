//! Sponsors' policies, ready to be asked. The newest revision is looked up each time; only what it says is remembered.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use ciro_api::SponsorId;
use lru::LruCache;
use tokio_postgres::{GenericClient, types::Type};

use crate::{
    policy::{self, Policy},
    snip29::Fault,
};

/// Policies that are remembered; the largest takes some megabytes.
const POLICIES_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

type Known = LruCache<SponsorId, (i32, Arc<Policy>)>;

#[derive(Debug)]
pub(super) struct Policies(Mutex<Known>);

impl Default for Policies {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(POLICIES_MAX)))
    }
}

impl Policies {
    /// The policy that holds now, with its revision.
    pub(super) async fn of(
        &self,
        client: &impl GenericClient,
        sponsor: SponsorId,
    ) -> Result<(i32, Arc<Policy>), Fault> {
        let none = || {
            Fault::denied("no_policy", None, "the sponsor has no policy, so it pays for nothing")
        };
        let newest = newest(client, sponsor).await?.ok_or_else(none)?;
        if let Some((revision, policy)) = self.lock(|known| known.get(&sponsor).cloned())
            && revision == newest
        {
            return Ok((revision, policy));
        }
        let (revision, document) = policy::current(client, sponsor).await?.ok_or_else(none)?;
        let policy = Arc::new(Policy::new(document));
        self.lock(|known| known.put(sponsor, (revision, Arc::clone(&policy))));
        Ok((revision, policy))
    }

    fn lock<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The number of the newest revision, if there is one.
pub(super) async fn newest(
    client: &impl GenericClient,
    sponsor: SponsorId,
) -> Result<Option<i32>, tokio_postgres::Error> {
    let rows =
        client.query_typed(include_str!("revision.sql"), &[(&sponsor.0, Type::UUID)]).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?.flatten())
}
