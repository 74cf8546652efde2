//! What was measured on and with: a number without it means nothing.

use std::{fs, path::Path, process::Command};

use anyhow::Context;
use serde::Serialize;

use crate::fill;

/// The machine, the servers and the code.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// Of the directory that the servers keep their data in: on one without a disk, fsync costs nothing.
    pub(crate) data_filesystem: String,
    pub(crate) postgres: String,
    pub(crate) postgres_settings: String,
    pub(crate) redis: String,
    pub(crate) node: String,
    /// The commit, with `+changes` where the checkout had any.
    pub(crate) commit: String,
    /// Whether this program, and the gateway beside it, were built for speed.
    pub(crate) build: &'static str,
    /// Runnable processes when the run began: above a few tenths, somebody else was at work.
    pub(crate) load_average: f64,
}

impl Machine {
    /// The load before anything of ours runs.
    pub(crate) fn load_average() -> anyhow::Result<f64> {
        let text = fs::read_to_string("/proc/loadavg")?;
        Ok(text.split_whitespace().next().context("/proc/loadavg is empty")?.parse()?)
    }

    /// Everything, from servers that run and keep their data in `dir`.
    pub(crate) async fn of(
        postgres_url: &str,
        redis_url: &str,
        dir: &Path,
        load_average: f64,
    ) -> anyhow::Result<Self> {
        let client = fill::connect(postgres_url).await?;
        let setting = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings \
                       WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', \
                                      'shared_buffers', 'commit_delay', 'wal_sync_method')";
        let version: String = client.query_one("SHOW server_version", &[]).await?.try_get(0)?;
        let redis = redis::Client::open(redis_url)?;
        let mut redis = redis.get_multiplexed_async_connection().await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut redis).await?;
        let meminfo = fs::read_to_string("/proc/meminfo")?;
        let kib: u64 = field(&meminfo, "MemTotal")?.trim_end_matches("kB").trim().parse()?;
        Ok(Self {
            cpu: field(&fs::read_to_string("/proc/cpuinfo")?, "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: kib / 1_024 / 1_024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            data_filesystem: filesystem_of(dir)?,
            postgres: version,
            postgres_settings: client.query_one(setting, &[]).await?.try_get(0)?,
            redis: field(&info, "redis_version")?,
            node: output("node", &["--version"])?,
            commit: commit()?,
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            load_average,
        })
    }
}

/// What stands behind `name` and a colon.
fn field(text: &str, name: &str) -> anyhow::Result<String> {
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
    Ok(value.with_context(|| format!("no {name} there"))?.to_owned())
}

/// The type of the file system that holds `dir`: of all mounts above it, the deepest.
fn filesystem_of(dir: &Path) -> anyhow::Result<String> {
    let mounts = fs::read_to_string("/proc/mounts")?;
    let holds = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        dir.starts_with(point).then_some((point.len(), kind))
    });
    let (_, kind) = holds.max_by_key(|(length, _)| *length).context("nothing is mounted")?;
    Ok(kind.to_owned())
}

fn commit() -> anyhow::Result<String> {
    let root = crate::root()?;
    let root = root.to_str().context("the checkout has an odd name")?;
    let head = output("git", &["-C", root, "rev-parse", "HEAD"])?;
    let changes = output("git", &["-C", root, "status", "--porcelain"])?;
    Ok(if changes.is_empty() { head } else { format!("{head}+changes") })
}

fn output(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let ran = Command::new(program).args(arguments).output();
    let ran = ran.with_context(|| format!("running {program}"))?;
    anyhow::ensure!(ran.status.success(), "{program} {} failed", arguments.join(" "));
    Ok(String::from_utf8(ran.stdout)?.trim().to_owned())
}
