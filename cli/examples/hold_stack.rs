//! Holds a development stack until it is killed: the process that the tests kill to see what stays.
//! Never ends by itself. Usage: `hold_stack STATE_DIR`; prints the servers' process ids once they answer.

use std::io::Write as _;

use anyhow::Context as _;
use ciro::stack::{Stack, StackConfig, ToolPaths};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let state_dir = std::env::args_os().nth(1).context("usage: hold_stack STATE_DIR")?;
    let mut stack = Stack::start(StackConfig::new(state_dir, ToolPaths::find()?)).await?;
    let pids = [
        stack.postgres_mut().service_mut().pid(),
        stack.redis_mut().service_mut().pid(),
        stack.devnet_mut().service_mut().pid(),
    ];
    writeln!(std::io::stdout(), "{}", serde_json::json!(pids))?;
    std::future::pending().await
}
