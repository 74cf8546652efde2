//! Real servers for tests. They end with the test's process, however it ends.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands, its helpers too")]

mod collector;
mod devnet;
mod postgres;
mod redis;

use std::{env, fs, path::PathBuf};

pub use collector::{Collector, ExportedSpan};
pub use devnet::Devnet;
pub use postgres::{connect, empty_database};
pub use redis::Redis;

/// Where a tool is: as `make tools` found it, else where `fallback` says.
fn tool(key: &str, fallback: impl FnOnce() -> PathBuf) -> PathBuf {
    let found = env::var("HOME").ok().and_then(|home| {
        let path = PathBuf::from(home).join(".cache/ciro-network/tools/tools.json");
        let tools: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
        Some(PathBuf::from(tools.get(key)?.as_str()?))
    });
    found.filter(|path| path.exists()).unwrap_or_else(fallback)
}

/// A program on PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}
