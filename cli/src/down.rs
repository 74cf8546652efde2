//! Ends the network that runs on a state directory, and waits until it is gone.

use std::{io::Write, path::Path, time::Duration};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::stack::lock;

/// `PostgreSQL` may have a checkpoint to write.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the holder of `state_dir` to end.
pub async fn run(state_dir: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let Some(pid) = lock::holder(state_dir)? else {
        writeln!(out, "nothing runs on {}", state_dir.display())?;
        return Ok(());
    };
    let target = Pid::from_raw(i32::try_from(pid).context("the lock names an impossible process")?);
    kill(target, Signal::SIGTERM).with_context(|| format!("signalling process {pid}"))?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while lock::holder(state_dir)? == Some(pid) {
        if tokio::time::Instant::now() > deadline {
            bail!(
                "process {pid} still holds {} after {} s",
                state_dir.display(),
                PATIENCE.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    writeln!(out, "ended process {pid}; the data stays in {}", state_dir.display())?;
    Ok(())
}
