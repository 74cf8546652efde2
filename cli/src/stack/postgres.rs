//! The private `PostgreSQL`: the only truth of a development stack, so it syncs to disk like the real one.
//! Never listens beyond loopback, and never lets anyone in without the password.

mod cluster;
mod old_server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio_postgres::{Client, Config, NoTls};

use super::port::PortBook;
use super::secret::Secret;
use super::service::{Service, ServiceSpec};
use super::{RunAs, StackError, on_port, state_dir};

const NAME: &str = "postgres";
/// The one role and the one database, both ours alone.
const CIRO: &str = "ciro";
/// After a crash it replays its log before it answers.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database server that answers, with a database `ciro`.
#[derive(Debug)]
pub struct Postgres {
    service: Service,
    spec: Box<ServiceSpec>,
    data_dir: PathBuf,
    url: String,
}

impl Postgres {
    /// Makes the data directory the first time, starts the server, waits until a query is answered and
    /// makes the database when it is missing.
    pub(super) async fn start(
        bin_dir: &Path,
        state_dir: &Path,
        secret: &Secret,
        ports: &PortBook,
    ) -> Result<Self, StackError> {
        let home = state_dir.join(NAME);
        let run_as = RunAs::instead_of_root("postgres")?;
        let data_dir = cluster::prepare(bin_dir, state_dir, &home, secret, run_as.as_ref()).await?;
        old_server::wait_until_gone(&data_dir).await?;
        let spec = |port: u16| {
            let mut spec = ServiceSpec::new(
                NAME,
                bin_dir.join("postgres"),
                state_dir::log_path(state_dir, NAME),
            )
            .args(["-D".as_ref(), data_dir.as_os_str()])
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "fsync=on"])
            .args(["-c", "max_connections=200"]);
            // The fast shutdown: sessions are cut, what was committed is checkpointed, within a second.
            // SIGTERM would wait for every client to leave, SIGKILL would leave shared memory behind.
            spec.stop_signal = Signal::SIGINT;
            spec.death_signal = Signal::SIGINT;
            spec.stop_patience = Duration::from_secs(30);
            spec.run_as.clone_from(&run_as);
            spec
        };
        let answers = |port| async move {
            let client = connect(port, secret, "postgres").await.map_err(|err| say(&err))?;
            client.simple_query("SELECT 1").await.map_err(|err| say(&err))?;
            Ok(())
        };
        let (service, spec, port) = on_port::start(ports, NAME, PATIENCE, spec, answers).await?;
        make_database(port, secret).await?;
        let url = format!("postgres://{CIRO}:{}@127.0.0.1:{port}/{CIRO}", secret.reveal());
        Ok(Self { service, spec: Box::new(spec), data_dir, url })
    }

    /// Ends it as `pg_ctl stop -m immediate` does: sessions are cut, nothing is written down in good order.
    pub async fn crash(&mut self) -> Result<(), StackError> {
        self.service.signal(Signal::SIGQUIT)?;
        self.service.stop().await.map(drop)
    }

    /// Starts it again on the same port after it ended, and returns when it has recovered and answers.
    pub async fn start_again(&mut self) -> Result<(), StackError> {
        old_server::wait_until_gone(&self.data_dir).await?;
        self.service = Service::spawn(ServiceSpec::clone(&self.spec)).await?;
        let url = &self.url;
        let answers = || async move {
            let (client, connection) =
                tokio_postgres::connect(url, NoTls).await.map_err(|err| say(&err))?;
            // It ends when the client is dropped; what went wrong, the client's call says.
            tokio::spawn(connection);
            client.simple_query("SELECT 1").await.map(drop).map_err(|err| say(&err))
        };
        self.service.wait_ready(PATIENCE, answers).await
    }

    /// The database `ciro`, with its password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process (the postmaster; its sessions are children of that).
    pub fn service_mut(&mut self) -> &mut Service {
        &mut self.service
    }
}

async fn connect(port: u16, secret: &Secret, db: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = Config::new()
        .host("127.0.0.1")
        .port(port)
        .user(CIRO)
        .password(secret.reveal())
        .dbname(db)
        .connect(NoTls)
        .await?;
    // It ends when the client is dropped; what went wrong, the client's call says.
    tokio::spawn(connection);
    Ok(client)
}

async fn make_database(port: u16, secret: &Secret) -> Result<(), StackError> {
    let failed = |source| StackError::Database { doing: "create the database", source };
    let client = connect(port, secret, "postgres").await.map_err(failed)?;
    let there = client
        .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&CIRO])
        .await
        .map_err(failed)?;
    if there.is_none() {
        client.batch_execute(&format!("CREATE DATABASE {CIRO}")).await.map_err(failed)?;
    }
    Ok(())
}

/// The server's own words where there are some: `db error` alone helps nobody.
fn say(err: &tokio_postgres::Error) -> String {
    std::error::Error::source(err).map_or_else(|| err.to_string(), ToString::to_string)
}
