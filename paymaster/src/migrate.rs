//! Brings the schema up to date. Safe when several processes start at once.

use tokio_postgres::Client;

/// Any number that nobody else uses for an advisory lock: `ciro pm` in ASCII.
const LOCK: i64 = 0x6369_726f_706d;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// A schema that could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The lock was not to be had.
    #[error("could not lock the paymaster's schema")]
    Lock(#[source] tokio_postgres::Error),
    /// A migration failed.
    #[error("could not migrate the paymaster's schema")]
    Migrate(#[source] Box<refinery::Error>),
}

/// Applies the migrations that are missing.
pub async fn migrate(client: &mut Client) -> Result<(), MigrateError> {
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await.map_err(MigrateError::Lock)?;
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name("paymaster_migrations");
    let done = runner.run_async(client).await;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await.map_err(MigrateError::Lock)?;
    done.map(drop).map_err(|error| MigrateError::Migrate(Box::new(error)))
}
