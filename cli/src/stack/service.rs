//! One supervised child: started, watched until it answers, signalled, stopped.
//! Never restarts anything, and never signals a process that it has already seen end.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::spawn::{self, Launch};
use super::{RunAs, StackError, log_tail};

/// Between two probes: short enough to be lost in a server's start, long enough to leave it the CPU.
const PROBE_PAUSE: Duration = Duration::from_millis(20);
/// One probe that hangs must not use up the whole patience.
const PROBE_MAX: Duration = Duration::from_secs(2);

/// What to start, and how it is to end.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    /// What errors call it.
    pub name: String,
    /// Its program, by absolute path: it runs in `/`.
    pub program: PathBuf,
    /// The program's arguments.
    pub args: Vec<OsString>,
    /// Its environment, beside `PATH`, `HOME` and a few more; nothing else of ours is handed down.
    pub env: Vec<(String, OsString)>,
    /// Where standard output and standard error are appended.
    pub log_path: PathBuf,
    /// What the kernel sends when this process dies.
    pub death_signal: Signal,
    /// What asks it to end in good order.
    pub stop_signal: Signal,
    /// How long it may take to end before it is killed.
    pub stop_patience: Duration,
    /// Another user to run as; `None` for this one.
    pub run_as: Option<RunAs>,
}

impl ServiceSpec {
    /// A program without arguments, ended by SIGTERM (SIGKILL after 10 s, or when we die).
    pub fn new(
        name: impl Into<String>,
        program: impl Into<PathBuf>,
        log_path: impl Into<PathBuf>,
    ) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            log_path: log_path.into(),
            death_signal: Signal::SIGKILL,
            stop_signal: Signal::SIGTERM,
            stop_patience: Duration::from_secs(10),
            run_as: None,
        }
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item: Into<OsString>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}

/// A running child. Dropping it asks it to end, without waiting; [`Service::stop`] waits.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    log_path: PathBuf,
    /// Where in the log this run begins.
    log_start: u64,
    stop_signal: Signal,
    stop_patience: Duration,
}

impl Service {
    /// Starts it. That it answers is for [`Service::wait_ready`] to find out.
    pub async fn spawn(spec: ServiceSpec) -> Result<Self, StackError> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&spec.log_path)
            .map_err(StackError::file("open", &spec.log_path))?;
        let log_start = log.metadata().map_or(0, |found| found.len());
        let launch = Launch {
            program: &spec.program,
            args: &spec.args,
            env: &spec.env,
            log,
            death_signal: spec.death_signal,
            run_as: spec.run_as.as_ref(),
        };
        let child = spawn::spawn(launch).await.map_err(|source| StackError::Spawn {
            name: spec.name.clone(),
            program: spec.program,
            source,
        })?;
        Ok(Self {
            name: spec.name,
            child,
            log_path: spec.log_path,
            log_start,
            stop_signal: spec.stop_signal,
            stop_patience: spec.stop_patience,
        })
    }

    /// Probes until one succeeds. Fails at once when the child ends, and after `patience` in any case.
    pub async fn wait_ready<P, F>(
        &mut self,
        patience: Duration,
        mut probe: P,
    ) -> Result<(), StackError>
    where
        P: FnMut() -> F,
        F: Future<Output = Result<(), String>>,
    {
        let deadline = Instant::now() + patience;
        loop {
            self.check()?;
            let last = match timeout(PROBE_MAX, probe()).await {
                // Somebody answers on the port; make sure that it can be our child.
                Ok(Ok(())) => return self.check(),
                Ok(Err(reason)) => reason,
                Err(_) => format!("no answer in {} s", PROBE_MAX.as_secs()),
            };
            if Instant::now() >= deadline {
                return Err(StackError::NotReady {
                    name: self.name.clone(),
                    waited: patience,
                    last,
                    log_path: self.log_path.clone(),
                    tail: log_tail::read(&self.log_path, self.log_start),
                });
            }
            sleep(PROBE_PAUSE).await;
        }
    }

    /// Waits for a child that is meant to end by itself; anything but success is an error.
    pub async fn wait_done(&mut self) -> Result<(), StackError> {
        let status = self.child.wait().await.map_err(self.control("wait for"))?;
        if status.success() { Ok(()) } else { Err(self.ended(status)) }
    }

    /// `Ok` while it runs; afterwards the error that says how it ended, with its last words.
    pub fn check(&mut self) -> Result<(), StackError> {
        self.exit_status()?.map_or(Ok(()), |status| Err(self.ended(status)))
    }

    /// How it ended; `None` while it runs.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>, StackError> {
        self.child.try_wait().map_err(self.control("look after"))
    }

    /// Its process id; `None` once it has ended and that was noticed.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What errors call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its log, for people.
    pub fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// Sends any signal, SIGKILL and SIGSTOP included; a child that has ended gets none.
    pub fn signal(&self, signal: Signal) -> Result<(), StackError> {
        let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()) else {
            return Ok(());
        };
        // Its id cannot have passed to a stranger: until we collect it, the kernel keeps it.
        kill(Pid::from_raw(pid), signal).map_err(|errno| self.control("signal")(errno.into()))
    }

    /// Asks it to end, waits, and kills it when its patience is over. Safe to call twice.
    pub async fn stop(&mut self) -> Result<ExitStatus, StackError> {
        if let Some(status) = self.exit_status()? {
            return Ok(status);
        }
        self.ask_to_end()?;
        if let Ok(status) = timeout(self.stop_patience, self.child.wait()).await {
            return status.map_err(self.control("wait for"));
        }
        self.signal(Signal::SIGKILL)?;
        self.child.wait().await.map_err(self.control("wait for"))
    }

    fn ask_to_end(&self) -> Result<(), StackError> {
        self.signal(self.stop_signal)?;
        // A stopped process hears nothing before it goes on.
        self.signal(Signal::SIGCONT)
    }

    fn ended(&self, status: ExitStatus) -> StackError {
        StackError::Ended {
            name: self.name.clone(),
            status,
            log_path: self.log_path.clone(),
            tail: log_tail::read(&self.log_path, self.log_start),
        }
    }

    fn control(&self, doing: &'static str) -> impl FnOnce(std::io::Error) -> StackError + use<> {
        let name = self.name.clone();
        move |source| StackError::Control { doing, name, source }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; if we die next, the death signal follows.
        if let Ok(None) = self.child.try_wait() {
            let _ = self.ask_to_end();
        }
    }
}
