//! Devices that post jobs and do not give up: each job under a key of its own, as often as it takes to hear of it,
//! and sometimes once more.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, bail};
use ciro::demo::{client::Gateway, device::Device};
use ciro_api::{
    JobId, Priority, Problem,
    rest::{
        Base64,
        jobs::{CreateJob, Job, JobInput},
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::{Client, StatusCode};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    settings::Settings,
    world::{ISSUER, World},
};

const DEVICES: usize = 10;
/// A reply that takes longer is lost to us.
const REPLY_MAX: Duration = Duration::from_secs(10);
/// Nothing in a run takes this long to come back.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two waves of jobs.
const WAVE_S: u64 = 2;
/// One in so many jobs is posted again although it was acknowledged.
const ASKED_AGAIN: u32 = 8;

/// Which ids every key was answered with.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    answers: BTreeMap<String, BTreeSet<JobId>>,
}

impl Seen {
    /// Every id that was ever acknowledged.
    pub(crate) fn ids(&self) -> BTreeSet<JobId> {
        self.answers.values().flatten().copied().collect()
    }

    /// Keys that made more than one job.
    pub(crate) fn keys_with_two_jobs(&self) -> usize {
        self.answers.values().filter(|ids| ids.len() > 1).count()
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.answers.extend(more.answers);
    }

    pub(crate) fn note(&mut self, key: &str, id: JobId) {
        self.answers.entry(key.to_owned()).or_default().insert(id);
    }
}

/// All devices.
pub(crate) struct Clients {
    posters: Vec<Poster>,
}

impl Clients {
    pub(crate) async fn enrol(world: &World, settings: &Settings) -> anyhow::Result<Self> {
        let mut posters = Vec::new();
        for number in 0..DEVICES {
            let claim_token = &world.claim_tokens[number % world.claim_tokens.len()];
            posters.push(Poster::enrol(world, claim_token, number, settings).await?);
        }
        Ok(Self { posters })
    }

    /// Returns when every job was acknowledged.
    pub(crate) async fn run(self) -> anyhow::Result<Seen> {
        let mut all = JoinSet::new();
        for poster in self.posters {
            all.spawn(poster.post_all());
        }
        let mut seen = Seen::default();
        while let Some(one) = all.join_next().await {
            seen.answers.extend(one??.answers);
        }
        Ok(seen)
    }
}

/// A device that does not give up.
pub(crate) struct Poster {
    http: Client,
    url: String,
    device: Device,
    number: usize,
    settings: Settings,
}

impl Poster {
    pub(crate) async fn enrol(
        world: &World,
        claim_token: &str,
        number: usize,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let gateway = Gateway::new(&world.street.url())?;
        let device = Device::claim(&gateway, ISSUER, claim_token).await;
        Ok(Self {
            // A connection for each request: a replica that came back is used at once.
            http: Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .timeout(REPLY_MAX)
                .build()?,
            url: format!("{}/v1/jobs", world.street.url()),
            device: device.context("enrolling a device")?,
            number,
            settings: *settings,
        })
    }

    /// Every `DEVICES`-th job, over the time of the faults. They come in waves, so that there is a queue.
    async fn post_all(self) -> anyhow::Result<Seen> {
        let start = Instant::now();
        let place = u64::try_from(self.number)?;
        let mut random = StdRng::seed_from_u64(self.settings.seed ^ (place + 1));
        let mut seen = Seen::default();
        for job in (self.number..self.settings.jobs).step_by(DEVICES) {
            sleep_until(start + self.wave_of(job)?).await;
            let (key, body) = (format!("job-{job}"), self.job(job, Priority::Normal));
            seen.note(&key, self.until_acknowledged(&key, &body, &mut random).await?);
            if random.random_ratio(1, ASKED_AGAIN) {
                seen.note(&key, self.until_acknowledged(&key, &body, &mut random).await?);
            }
        }
        Ok(seen)
    }

    fn wave_of(&self, job: usize) -> anyhow::Result<Duration> {
        let waves = u32::try_from(self.settings.faults_for.as_secs() / WAVE_S)?.max(1);
        let wave = job * usize::try_from(waves)? / self.settings.jobs;
        Ok(Duration::from_secs(WAVE_S) * u32::try_from(wave)?)
    }

    pub(crate) fn job(&self, job: usize, priority: Priority) -> CreateJob {
        CreateJob {
            model: "ciro/sha256@1".to_owned(),
            input: JobInput::Data(Base64(format!("{} {job}", self.settings.seed).into_bytes())),
            start_within_ms: None,
            run_within_ms: None,
            delay_ms: None,
            priority: Some(priority),
            webhook: None,
        }
    }

    pub(crate) async fn until_acknowledged(
        &self,
        key: &str,
        body: &CreateJob,
        random: &mut StdRng,
    ) -> anyhow::Result<JobId> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let last = match self.post(key, body).await? {
                Ok(id) => return Ok(id),
                Err(why) => why,
            };
            if Instant::now() >= deadline {
                bail!(
                    "{key} was not acknowledged in {} s; the last try: {last}",
                    PATIENCE.as_secs()
                );
            }
            sleep(Duration::from_millis(random.random_range(50..300))).await;
        }
    }

    /// The job's id, or why it is not known yet. Fails on an answer that trying again cannot change.
    async fn post(&self, key: &str, body: &CreateJob) -> anyhow::Result<Result<JobId, String>> {
        let request = self.http.post(&self.url).bearer_auth(&self.device.token);
        let reply = match request.header("idempotency-key", key).json(body).send().await {
            Ok(reply) => reply,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let status = reply.status();
        let text = match reply.text().await {
            Ok(text) => text,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if status.is_success() {
            let job: Job =
                serde_json::from_str(&text).with_context(|| format!("{status}: {text}"))?;
            return Ok(Ok(job.id));
        }
        let problem: Problem =
            serde_json::from_str(&text).with_context(|| format!("{status}: {text}"))?;
        if problem.retryable || status == StatusCode::REQUEST_TIMEOUT {
            return Ok(Err(problem.to_string()));
        }
        bail!("{key} was refused: {problem}")
    }
}
