//! How long one job takes on an idle stack, as the device's own clock sees it.

use anyhow::bail;
use ciro_api::{JobId, JobStatus};
use tokio::time::Instant;

use super::{client::Gateway, device::Device, inputs};

/// Timed jobs, after as many that warm connections and caches.
const TIMED: u32 = 40;
const WARM_UP: u32 = 5;

/// What was measured.
pub(super) struct Latency {
    pub(super) jobs: Vec<JobId>,
    pub(super) p50_ms: f64,
    pub(super) p90_ms: f64,
    pub(super) max_ms: f64,
}

/// Runs hash jobs one after another.
pub(super) async fn measure(gateway: &Gateway, device: &Device) -> anyhow::Result<Latency> {
    let mut jobs = Vec::new();
    let mut times_ms = Vec::new();
    for round in 0..WARM_UP + TIMED {
        let request = inputs::sha256("round", &round.to_be_bytes());
        let began = Instant::now();
        let job = gateway.run(device, &request.body).await?;
        if job.status != JobStatus::Succeeded {
            bail!("job {} is {}", job.id, job.status);
        }
        if round >= WARM_UP {
            times_ms.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        jobs.push(job.id);
    }
    times_ms.sort_by(f64::total_cmp);
    let last = times_ms.len() - 1;
    Ok(Latency {
        jobs,
        p50_ms: times_ms[last / 2],
        p90_ms: times_ms[last * 9 / 10],
        max_ms: times_ms[last],
    })
}
