//! A directory of its own for each test, and questions about processes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use uuid::Uuid;

/// A fresh directory that goes when the test is over.
pub(crate) struct Room(PathBuf);

impl Room {
    pub(crate) fn new() -> Self {
        // Not by our process id: those come again, and a failed test leaves its room behind.
        let dir = env::temp_dir().join(format!("ciro-it-{}", Uuid::new_v4().simple()));
        fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if thread::panicking() {
            return; // the logs in it say why
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a process does anything any more; one that only waits to be collected does not.
pub(crate) fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

/// Every process that works in `dir` or names it: the servers, what they started, and ours. Redis overwrites its
/// command line and environment with a title, but it works in the directory.
pub(crate) fn processes_on(dir: &Path) -> Vec<u32> {
    let name = dir.to_str().unwrap();
    let names_it = |pid: &u32, file: &str| {
        fs::read(format!("/proc/{pid}/{file}"))
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(name))
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let works_in_it =
                fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
            works_in_it || names_it(pid, "cmdline") || names_it(pid, "environ")
        })
        .collect()
}

/// Looks again until it is so; the test fails when it is not so in time.
pub(crate) fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
