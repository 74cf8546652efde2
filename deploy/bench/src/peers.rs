//! Other queues on the same machine, one after the other, each on servers of its own that are fresh and set as the
//! desk's are: `PostgreSQL` with fsync, Redis with an append-only file, because their jobs live nowhere else.
//!
//! What they do is in `deploy/bench/peers/`, in their own language and with their own libraries.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use ciro::stack::{Stores, ToolPaths};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{process::Command, time::timeout};

use crate::{desk::fresh_dir, install, latency::Percentiles, profile::Profile};

/// A script that takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(3);

/// A library with one setting of its store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// What the report calls it.
    pub(crate) name: &'static str,
    script: &'static str,
    /// `appendfsync` of its Redis, where it uses that.
    appendfsync: Option<&'static str>,
}

/// All that are measured.
pub(crate) const PEERS: [Peer; 4] = [
    Peer { name: "bullmq_always", script: "bullmq.mjs", appendfsync: Some("always") },
    Peer { name: "bullmq_everysec", script: "bullmq.mjs", appendfsync: Some("everysec") },
    Peer { name: "graphile_worker", script: "graphile-worker.mjs", appendfsync: None },
    Peer { name: "pg_boss", script: "pg-boss.mjs", appendfsync: None },
];

/// What a script printed.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Figures {
    /// Of the library.
    pub(crate) version: String,
    /// What was set otherwise than by default.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) adds_per_s: f64,
    pub(crate) bulk_adds_per_s: f64,
    pub(crate) lives_per_s: f64,
    pub(crate) pickup_offered_per_s: f64,
    pub(crate) pickup_ms: Vec<f64>,
}

/// What is reported of a peer.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) version: String,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) adds_per_s: f64,
    pub(crate) bulk_adds_per_s: f64,
    pub(crate) lives_per_s: f64,
    pub(crate) pickup_offered_per_s: f64,
    /// From the moment the job was to be added until its handler began.
    pub(crate) pickup_ms: Percentiles,
}

/// Starts its servers, runs its script, ends them.
pub(crate) async fn measure(peer: Peer, profile: &Profile, seed: u64) -> anyhow::Result<Measured> {
    let scripts = crate::root()?.join("deploy/bench/peers");
    install::packages(&scripts).await?;
    let dir = fresh_dir(peer.name);
    let stores = Stores::start(&dir, &ToolPaths::find()?).await?;
    if let Some(appendfsync) = peer.appendfsync {
        persist(stores.redis.url(), appendfsync).await?;
    }
    let settings = json!({
        "database_url": stores.postgres.url(),
        "redis_url": stores.redis.url(),
        "callers": profile.callers,
        "warm_up_s": profile.warm_up_s,
        "measure_s": profile.measure_s,
        "pickup_s": profile.pickup_s,
        "batch_jobs": profile.batch_jobs,
        "outstanding_max": profile.outstanding_max,
        "seed": format!("{seed:016x}"),
    });
    let script = Command::new("node")
        .arg(scripts.join(peer.script))
        .env("CIRO_PEER_SETTINGS", settings.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = timeout(PATIENCE, script).await.context("the script hangs")?;
    let ran = ran.context("running node; the peers need Node 20 or newer")?;
    ensure!(ran.status.success(), "{}: {}", peer.script, String::from_utf8_lossy(&ran.stderr));
    stores.stop().await?;
    std::fs::remove_dir_all(&dir).with_context(|| format!("removing {}", dir.display()))?;
    let said = String::from_utf8(ran.stdout)?;
    let last = said.lines().last().with_context(|| format!("{} said nothing", peer.script))?;
    let figures: Figures =
        serde_json::from_str(last).with_context(|| format!("{} said {last}", peer.script))?;
    let samples = figures.pickup_ms.iter().map(|ms| Duration::try_from_secs_f64(ms / 1_000.0));
    Ok(Measured {
        version: figures.version,
        settings: figures.settings,
        adds_per_s: figures.adds_per_s,
        bulk_adds_per_s: figures.bulk_adds_per_s,
        lives_per_s: figures.lives_per_s,
        pickup_offered_per_s: figures.pickup_offered_per_s,
        pickup_ms: Percentiles::of(samples.collect::<Result<_, _>>()?)?,
    })
}

/// Our own index needs no file; a queue that lives in Redis does.
async fn persist(redis_url: &str, appendfsync: &str) -> anyhow::Result<()> {
    let client = redis::Client::open(redis_url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    for (name, value) in [("appendfsync", appendfsync), ("appendonly", "yes")] {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg(name).arg(value);
        set.query_async::<()>(&mut connection).await?;
    }
    Ok(())
}
