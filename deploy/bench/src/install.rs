//! Installs the peers' packages, exactly as their lockfile pins them, when they are not there yet.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use tokio::process::Command;

/// Runs `npm ci` in `dir`, unless what is there was installed from this very lockfile.
pub(crate) async fn packages(dir: &Path) -> anyhow::Result<()> {
    let lockfile = dir.join("package-lock.json");
    let wanted = fs::read(&lockfile).with_context(|| format!("reading {}", lockfile.display()))?;
    // Written last, so a broken installation never looks whole.
    let mark = dir.join("node_modules/.installed-from");
    if fs::read(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let installed = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(dir)
        .output()
        .await
        .context("running npm; the peers need Node 20 or newer")?;
    ensure!(
        installed.status.success(),
        "npm ci in {} failed: {}",
        dir.display(),
        String::from_utf8_lossy(&installed.stderr)
    );
    fs::write(&mark, wanted).with_context(|| format!("writing {}", mark.display()))
}
