//! Keeps and prints a report.

use std::{fmt::Display, fs, io::Write};

use anyhow::Context;
use serde::Serialize;

/// Keeps it as `docs/src/bench/<suite>.json`, if it is to be kept; prints the table for people and, as the last line, all of it in
/// JSON.
pub(crate) fn publish(
    suite: &str,
    is_kept: bool,
    report: &impl Serialize,
    table: impl Display,
) -> anyhow::Result<()> {
    if is_kept {
        let path = crate::root()?.join(format!("docs/src/bench/{suite}.json"));
        let text = serde_json::to_string_pretty(report)?;
        fs::write(&path, text + "\n").with_context(|| format!("writing {}", path.display()))?;
    }
    let mut out = std::io::stdout().lock();
    write!(out, "{table}")?;
    writeln!(out, "{}", serde_json::to_string(report)?)?;
    Ok(())
}
