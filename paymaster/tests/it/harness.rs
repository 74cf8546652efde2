//! Real servers with our schema.

use deadpool_postgres::{Client, Manager, Pool};
use tokio_postgres::{Config, NoTls};

pub(crate) use ciro_testbed::Devnet;

/// A database of its own, with our schema.
pub(crate) async fn fresh_database() -> Config {
    let config = ciro_testbed::empty_database().await;
    ciro_paymaster::migrate(&mut ciro_testbed::connect(&config).await).await.unwrap();
    config
}

/// A connection that keeps its statements prepared, as the gateway's do. Made as soon as the server answers.
pub(crate) async fn connect(config: &Config) -> Client {
    drop(ciro_testbed::connect(config).await);
    let manager = Manager::new(config.clone(), NoTls);
    Pool::builder(manager).max_size(1).build().unwrap().get().await.unwrap()
}
