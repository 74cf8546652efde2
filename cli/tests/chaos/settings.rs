//! How large a run is: from the environment, with the short form as default.

use std::{str::FromStr, time::Duration};

use anyhow::{Context, ensure};

/// Devices' tokens live for 15 minutes, and a device here never asks for another.
const SECONDS_MAX: u64 = 600;

/// The size of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Everything random about jobs and faults comes from it.
    pub(crate) seed: u64,
    pub(crate) jobs: usize,
    /// How long faults come and jobs are posted.
    pub(crate) faults_for: Duration,
    /// How long the last job may take to end once no more faults come.
    pub(crate) patience: Duration,
}

impl Settings {
    /// `CIRO_CHAOS_SEED`, `CIRO_CHAOS_JOBS`, `CIRO_CHAOS_SECONDS`.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        let seconds = read("CIRO_CHAOS_SECONDS")?.unwrap_or(25);
        ensure!(
            (5..=SECONDS_MAX).contains(&seconds),
            "CIRO_CHAOS_SECONDS is {seconds}; 5 to {SECONDS_MAX} are possible"
        );
        Ok(Self {
            seed: read("CIRO_CHAOS_SEED")?.unwrap_or_else(rand::random),
            jobs: read("CIRO_CHAOS_JOBS")?.unwrap_or(600),
            faults_for: Duration::from_secs(seconds),
            // Two leases that run out one after the other, and the work that is left.
            patience: Duration::from_secs(90 + seconds),
        })
    }
}

fn read<T: FromStr>(name: &str) -> anyhow::Result<Option<T>>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match std::env::var(name) {
        Ok(text) => {
            let value =
                text.parse().with_context(|| format!("{name} is `{text}`; write a number"))?;
            Ok(Some(value))
        }
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {name}")),
    }
}
