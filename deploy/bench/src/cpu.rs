//! Who used the processors: what the kernel counted for each program, so that a rate says where its time went.

use std::{fs, time::Duration};

use anyhow::Context;
use serde::Serialize;

use crate::{desk::Desk, latency::round};

/// Linux counts processor time in hundredths of a second for everyone (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// Processors in use, on average: 1.0 is one core.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cores {
    pub(crate) gateway: f64,
    pub(crate) postgres: f64,
    pub(crate) redis: f64,
    /// This program: callers and workers.
    pub(crate) load: f64,
}

/// What had been used at one moment, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    gateway: u64,
    postgres: u64,
    redis: u64,
    load: u64,
}

impl Used {
    /// Now.
    pub(crate) fn now(desk: &mut Desk) -> anyhow::Result<Self> {
        let postgres = pid(desk.stores.postgres.service_mut().pid())?;
        Ok(Self {
            gateway: ticks(pid(desk.service.pid())?)?.0,
            postgres: with_children(postgres)?,
            redis: ticks(pid(desk.stores.redis.service_mut().pid())?)?.0,
            load: ticks(std::process::id())?.0,
        })
    }

    /// What was used since `earlier`.
    pub(crate) fn since(&self, earlier: &Self, took: Duration) -> Cores {
        let cores = |now: u64, then: u64| {
            let ticks = u32::try_from(now.saturating_sub(then)).unwrap_or(u32::MAX);
            round(f64::from(ticks) / TICKS_PER_SECOND / took.as_secs_f64())
        };
        Cores {
            gateway: cores(self.gateway, earlier.gateway),
            postgres: cores(self.postgres, earlier.postgres),
            redis: cores(self.redis, earlier.redis),
            load: cores(self.load, earlier.load),
        }
    }
}

fn pid(known: Option<u32>) -> anyhow::Result<u32> {
    known.context("a server has ended")
}

/// User and system time of one process and of its children that ended, and its parent.
fn ticks(pid: u32) -> anyhow::Result<(u64, u32)> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    // The second field is a name in parentheses and may hold anything.
    let (_, rest) = text.rsplit_once(')').with_context(|| format!("{path} is odd"))?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |place: usize| -> anyhow::Result<u64> {
        Ok(fields.get(place).with_context(|| format!("{path} is short"))?.parse()?)
    };
    let parent = u32::try_from(number(1)?)?;
    Ok((number(11)? + number(12)? + number(13)? + number(14)?, parent))
}

/// A server that forks one process for each connection.
fn with_children(parent: u32) -> anyhow::Result<u64> {
    let (mut sum, _) = ticks(parent)?;
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that ended meanwhile is counted with its parent the next time.
        if let Ok((used, of)) = ticks(pid)
            && of == parent
        {
            sum += used;
        }
    }
    Ok(sum)
}

/// Memory of a process in MiB, as it is resident now.
pub(crate) fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).context("no VmRSS there")?;
    Ok(round(kib.parse::<f64>()? / 1024.0))
}
