//! Real servers with our schema.

use tokio_postgres::Config;

pub(crate) use ciro_testbed::{Devnet, connect};

/// A database of its own, with our schema.
pub(crate) async fn fresh_database() -> Config {
    let config = ciro_testbed::empty_database().await;
    ciro_paymaster::migrate(&mut connect(&config).await).await.unwrap();
    config
}
