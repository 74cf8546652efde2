//! What can go wrong with a stack, each with what to do next.
//! Never repeats its cause: that is the error's source.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a stack, or one of its services, did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// Nobody ran the installer, or it ran somewhere else.
    #[error("{} does not say where {tool} is; run `make tools`, or set {variable}", index.display())]
    ToolUnknown {
        /// The missing tool.
        tool: &'static str,
        /// The environment variable that would name it.
        variable: &'static str,
        /// The `tools.json` that was read, or looked for.
        index: PathBuf,
    },
    /// `tools.json` is there but is not ours.
    #[error("{} is not the file that `make tools` writes; run `make tools` again", index.display())]
    ToolIndexUnreadable {
        /// The file.
        index: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// A tool was there when it was looked for and is not any more.
    #[error("{tool} is not at {} any more; run `make tools`", path.display())]
    ToolGone {
        /// The tool.
        tool: &'static str,
        /// Where it was.
        path: PathBuf,
    },
    /// Two stacks on one directory would destroy each other's data.
    #[error(
        "{} is in use by process {}; end it first (`ciro down`) or use another state directory",
        state_dir.display(), pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string())
    )]
    Locked {
        /// The directory.
        state_dir: PathBuf,
        /// Who holds it; `None` if it had not yet said so.
        pid: Option<u32>,
    },
    /// A file or directory of the stack could not be read, made or changed.
    #[error("could not {doing} {}", path.display())]
    File {
        /// The verb, as in "could not create".
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The program could not be started at all.
    #[error("could not start {name} ({})", program.display())]
    Spawn {
        /// The service.
        name: String,
        /// Its program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The program ended although it should run.
    #[error("{name} ended with {status}; the end of {}:\n{tail}", log_path.display())]
    Ended {
        /// The service.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log_path: PathBuf,
        /// The last lines that it logged in this run.
        tail: String,
    },
    /// The program runs but does not answer.
    #[error(
        "{name} did not answer within {} s (last try: {last}); the end of {}:\n{tail}",
        waited.as_secs(), log_path.display()
    )]
    NotReady {
        /// The service.
        name: String,
        /// How long it was tried.
        waited: Duration,
        /// What the last probe said.
        last: String,
        /// Its log.
        log_path: PathBuf,
        /// The last lines that it logged in this run.
        tail: String,
    },
    /// The system refused to signal, or to wait for, a child.
    #[error("could not {doing} {name}")]
    Control {
        /// The verb, as in "could not signal".
        doing: &'static str,
        /// The service.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `PostgreSQL` refuses to run as root, and there is nobody else to run it as.
    #[error(
        "this is root, as whom PostgreSQL refuses to run, and there is no user `{user}`; \
         run as another user, or make that one (Debian's postgresql package does)"
    )]
    NoSuchUser {
        /// The user that was looked for.
        user: String,
    },
    /// An older server of ours still runs on the same data.
    #[error(
        "process {pid} still runs PostgreSQL on {}; it was told to end and did not within {} s: \
         end it (kill -QUIT {pid}) and start again",
        data_dir.display(), waited.as_secs()
    )]
    OldServer {
        /// Its process id.
        pid: u32,
        /// The data.
        data_dir: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The devnet refuses its own past.
    #[error(
        "the devnet could not execute the {events} requests in {} again; \
         to go on with a new chain and a new database: `make clean-dev`",
        chain.display()
    )]
    ChainRefused {
        /// The file of requests.
        chain: PathBuf,
        /// How many it holds.
        events: u32,
        /// How the devnet ended.
        #[source]
        source: Box<StackError>,
    },
    /// The database server answers but would not make our database.
    #[error("could not {doing} in the private PostgreSQL")]
    Database {
        /// The verb, as in "could not create the database".
        doing: &'static str,
        /// What the server said.
        #[source]
        source: tokio_postgres::Error,
    },
}

impl StackError {
    /// For `map_err` on file operations.
    pub(super) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
