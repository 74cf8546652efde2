//! A server of an earlier run that is still on its way out: its parent died a moment ago.
//! Never signals it: it was told to end when its parent died.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::stack::StackError;

/// A fast shutdown writes a checkpoint; on a slow disk that takes a while.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// Returns when no server runs on `data_dir`, and removes the pid file that a killed one left.
pub(super) async fn wait_until_gone(data_dir: &Path) -> Result<(), StackError> {
    let pid_file = data_dir.join("postmaster.pid");
    let deadline = Instant::now() + PATIENCE;
    while let Some(pid) = pid_in(&pid_file) {
        if !runs_on(pid, data_dir) {
            // We hold the state directory's lock and the process is no server of this data: the number
            // is stale. By now it may be another program's, which would keep PostgreSQL from starting.
            let _ = fs::remove_file(&pid_file);
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(StackError::OldServer {
                pid,
                data_dir: data_dir.to_owned(),
                waited: PATIENCE,
            });
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

fn pid_in(pid_file: &Path) -> Option<u32> {
    fs::read_to_string(pid_file).ok()?.lines().next()?.trim().parse().ok()
}

/// Whether the process's command line names our data directory, as ours always does. A zombie has none.
fn runs_on(pid: u32, data_dir: &Path) -> bool {
    let wanted = data_dir.as_os_str().as_encoded_bytes();
    fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.split(|&byte| byte == 0).any(|arg| arg == wanted))
}
