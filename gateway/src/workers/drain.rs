//! Tells workers to take no more work, or to go. An operator says so in the database; every gateway obeys within a second, and a
//! worker hears of it with its next heartbeat or within ten seconds.

use std::collections::HashMap;

use ciro_api::{Address, Drain};
use tokio_postgres::GenericClient;

use crate::{
    app::App,
    database::{self, DatabaseError, read},
    problem::ApiError,
    recent::Recent,
};

/// Which workers drain, as far as this gateway knows.
pub(crate) type Drains = Recent<HashMap<Address, Drain>>;

/// What the worker is told.
pub(crate) async fn of(app: &App, worker: Address) -> Result<Drain, ApiError> {
    let drains = app.drains.get(load(app)).await?;
    Ok(drains.get(&worker).copied().unwrap_or(Drain::None))
}

async fn load(app: &App) -> Result<HashMap<Address, Drain>, ApiError> {
    let client = app.pg.get().await?;
    let rows = database::query(&client, include_str!("drains.sql"), &[]).await?;
    let read_one = |row| Ok((read(row, "worker")?, read(row, "mode")?));
    Ok(rows.iter().map(read_one).collect::<Result<_, DatabaseError>>()?)
}

/// Sets what the worker is told from now on.
pub async fn set(
    client: &impl GenericClient,
    worker: Address,
    drain: Drain,
) -> Result<(), DatabaseError> {
    let worker = worker.to_string();
    match drain {
        Drain::None => {
            client.execute("DELETE FROM worker_drain WHERE worker = $1", &[&worker]).await?
        }
        mode => client.execute(include_str!("set_drain.sql"), &[&worker, &mode.as_str()]).await?,
    };
    Ok(())
}
