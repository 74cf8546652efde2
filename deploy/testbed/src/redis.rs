//! A Redis for one test.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// How long it may take until it listens; it starts in milliseconds.
const PATIENCE_ROUNDS: u32 = 1_500;

/// A Redis that answers at a socket of its own. It ends with this value, and with this process.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    dir: TempDir,
}

impl Redis {
    /// An empty one that keeps nothing on disk.
    pub fn start() -> Self {
        let beside = || super::on_path("redis-server").unwrap_or_else(|| "redis-server".into());
        let program: PathBuf = super::tool("redis_server", beside);
        let dir = tempfile::Builder::new().prefix("ciro-test-").tempdir().unwrap();
        let child = Command::new("setpriv")
            .arg("--pdeathsig=SIGKILL")
            .arg("--")
            .arg(program)
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(dir.path().join("redis.sock"))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let redis = Self { child, dir };
        for _ in 0..PATIENCE_ROUNDS {
            if redis.socket().exists() {
                return redis;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("Redis does not listen at {}", redis.socket().display());
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
