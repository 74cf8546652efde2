//! The data directory of the private `PostgreSQL`, made once.
//! Never changes one that is there: a half-made one has another name.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::stack::secret::Secret;
use crate::stack::service::{Service, ServiceSpec};
use crate::stack::{RunAs, StackError, state_dir};

/// Returns the data directory below `home`, which `initdb` makes the first time.
pub(super) async fn prepare(
    bin_dir: &Path,
    state_dir: &Path,
    home: &Path,
    secret: &Secret,
    run_as: Option<&RunAs>,
) -> Result<PathBuf, StackError> {
    let data_dir = home.join("data");
    if data_dir.exists() {
        return Ok(data_dir);
    }
    let fresh = home.join("data.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(StackError::file("remove the half-made", &fresh))?;
    }
    state_dir::make_private(home)?;
    let password_file = home.join("password");
    state_dir::write_private(&password_file, secret.reveal().as_bytes())?;
    if let Some(user) = run_as {
        user.give(home)?;
        user.give(&password_file)?;
    }
    let mut initdb = ServiceSpec::new(
        "initdb",
        bin_dir.join("initdb"),
        state_dir::log_path(state_dir, "initdb"),
    )
    .args([OsStr::new("-D"), fresh.as_os_str(), "--pwfile".as_ref(), password_file.as_os_str()])
    .args(["--username=ciro", "--auth=scram-sha-256"])
    // The same order of text on every machine.
    .args(["--encoding=UTF8", "--locale=C", "--no-instructions"]);
    initdb.run_as = run_as.cloned();
    Service::spawn(initdb).await?.wait_done().await?;
    fs::remove_file(&password_file).map_err(StackError::file("remove", &password_file))?;
    fs::rename(&fresh, &data_dir).map_err(StackError::file("name", &data_dir))?;
    Ok(data_dir)
}
