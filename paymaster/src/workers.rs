//! Workers as the chain has them. Read from the mirror, so that no request waits for a node.

use ciro_api::{Address, Fri, PublicKey};
use deadpool_postgres::GenericClient;

use crate::{StoreError, database::word};

/// A worker that has registered a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredWorker {
    /// The key that signs for it now.
    pub public_key: PublicKey,
    /// Its stake, without what was announced to leave.
    pub stake: Fri,
}

/// The worker with this account; nothing when it never registered a key.
pub async fn registered_worker(
    client: &impl GenericClient,
    worker: Address,
) -> Result<Option<RegisteredWorker>, StoreError> {
    let address = worker.to_string();
    let statement = client.prepare_cached(include_str!("workers/registered.sql")).await?;
    let found = client.query_opt(&statement, &[&address]).await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(RegisteredWorker {
        public_key: word(&row, "public_key")?,
        stake: word(&row, "stake")?,
    }))
}
