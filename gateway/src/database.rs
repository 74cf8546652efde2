//! The database: pool, migrations and what its faults mean.

use std::str::FromStr;

use ciro_api::Fri;
use deadpool_postgres::{
    GenericClient, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use tokio_postgres::{Client, NoTls, Row, error::SqlState, types::ToSql};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Any number that nobody else uses for an advisory lock: `cirogate` in ASCII.
const MIGRATION_LOCK: i64 = 0x6369_726f_6761_7465;

/// A statement or a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A statement failed.
    #[error("a database statement failed")]
    Statement(#[from] tokio_postgres::Error),
    /// No connection could be had.
    #[error("no database connection could be had")]
    Pool(#[from] PoolError),
    /// The URL is not one.
    #[error("the database URL cannot be read")]
    Url(#[source] tokio_postgres::Error),
    /// The pool cannot be built.
    #[error("the database pool cannot be built")]
    Build(#[from] deadpool_postgres::BuildError),
    /// A migration failed.
    #[error("migrating the database failed")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored value is not what we once wrote.
    #[error("column `{column}` holds `{value}`, which cannot be read")]
    Corrupt {
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
}

impl DatabaseError {
    /// Whether the database is away, as opposed to refusing what we asked.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Pool(PoolError::Backend(error)) | Self::Statement(error) => is_away(error),
            Self::Pool(_) => true,
            _ => false,
        }
    }
}

pub(crate) fn is_away(error: &tokio_postgres::Error) -> bool {
    let shutting_down = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::DISK_FULL,
    ];
    match error.code() {
        Some(code) => shutting_down.contains(code),
        // No SQL state: the connection itself broke.
        None => true,
    }
}

/// A pool of connections to `url`.
pub fn pool(url: &str, connections_max: usize) -> Result<Pool, DatabaseError> {
    let mut config = tokio_postgres::Config::from_str(url).map_err(DatabaseError::Url)?;
    ciro_paymaster::end_standstills(&mut config);
    // `Fast` resets nothing, which is right: no statement of ours leaves session state behind.
    let recycle = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config, NoTls, recycle);
    let wait = std::time::Duration::from_secs(5);
    Ok(Pool::builder(manager)
        .max_size(connections_max)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(wait))
        .create_timeout(Some(wait))
        .recycle_timeout(Some(wait))
        .build()?)
}

/// Brings the schema up to date: the paymaster's tables first, since ours refer to its sponsors by id.
pub async fn migrate(client: &mut Client) -> Result<(), DatabaseError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| DatabaseError::Migrate(error);
    ciro_paymaster::migrate(client).await.map_err(|e| failed(Box::new(e)))?;
    // The runner itself does not keep two migrators apart.
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name("gateway_migrations");
    let migrated = runner.run_async(client).await.map_err(|e| failed(Box::new(e)));
    client.execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK]).await?;
    migrated.map(drop)
}

/// The same for whoever has only a URL.
pub async fn migrate_at(url: &str) -> Result<(), DatabaseError> {
    let config = tokio_postgres::Config::from_str(url).map_err(DatabaseError::Url)?;
    let (mut client, connection) = config.connect(NoTls).await?;
    // Ends with its client; a fault on it fails the migration, which says so.
    tokio::spawn(connection);
    migrate(&mut client).await
}

/// Reads a text column into one of our types.
pub(crate) fn read<T: FromStr>(row: &Row, column: &'static str) -> Result<T, DatabaseError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| DatabaseError::Corrupt { column, value: text })
}

/// Reads a `numeric` column that the query casts to text.
pub(crate) fn read_fri(row: &Row, column: &'static str) -> Result<Fri, DatabaseError> {
    read(row, column)
}

/// Runs a statement that this connection keeps prepared: parsing and planning are paid once.
pub(crate) async fn query(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, DatabaseError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

/// The same for at most one row.
pub(crate) async fn query_opt(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Option<Row>, DatabaseError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, values).await?)
}

/// The same for exactly one row.
pub(crate) async fn query_one(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Row, DatabaseError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_one(&statement, values).await?)
}

/// The same for no rows; tells how many were touched.
pub(crate) async fn execute(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<u64, DatabaseError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, values).await?)
}
