//! Starts `ciro dev` as a process of its own, so that it can outlive the demo when it shall, and never when it shall not.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::dev::network::Network;

/// A cold start declares two classes on a chain that may share the processor with a compiler.
const PATIENCE: Duration = Duration::from_mins(3);

/// A network that this demo started.
pub(super) struct Launched {
    pub(super) network: Network,
    pub(super) demo_dir: PathBuf,
    child: Child,
}

/// Starts a network on `state_dir` and waits until it is ready.
pub(super) async fn start(state_dir: &Path, keep: bool) -> anyhow::Result<Launched> {
    fs::create_dir_all(state_dir.join("demo"))
        .with_context(|| format!("making {}", state_dir.display()))?;
    let state_dir = state_dir.canonicalize()?;
    let log = state_dir.join("demo/dev.log");
    let errors = fs::File::create(&log).with_context(|| format!("writing {}", log.display()))?;
    let mut child = command(keep)?
        .arg("--state-dir")
        .arg(&state_dir)
        .args(["dev", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        // Ctrl-C in the terminal reaches the demo alone, which then ends the network in order.
        .process_group(0)
        .spawn()
        .context("starting `ciro dev`")?;
    let stdout = child.stdout.take().context("`ciro dev` has no output")?;
    let mut line = String::new();
    let read = timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await;
    let told = read.with_context(|| {
        format!("not ready after {} s; see {}", PATIENCE.as_secs(), log.display())
    })??;
    if told == 0 {
        bail!("`ciro dev` ended before it was ready:\n{}", fs::read_to_string(&log)?);
    }
    let network = serde_json::from_str(&line).context("reading what `ciro dev` printed")?;
    Ok(Launched { network, demo_dir: state_dir.join("demo"), child })
}

/// A network that is not to be kept dies with us, even if we are killed. The kernel ties it to our thread, and the
/// program has only one.
fn command(keep: bool) -> anyhow::Result<Command> {
    let program = std::env::current_exe()?;
    if keep {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    Ok(command)
}

impl Launched {
    /// Ends the network and waits until it is gone.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id() {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(pid)?);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        }
        let status = self.child.wait().await?;
        if status.success() {
            Ok(())
        } else {
            bail!("`ciro dev` ended with {status}; see {}", self.demo_dir.display())
        }
    }

    /// Lets the network run on without us.
    pub(super) fn leave(self) {
        drop(self.child);
    }
}
