//! A worker that a test moves by hand, for what a real one never does: it holds jobs without a word, hands results in
//! late and twice, gives jobs back and forgets others. It remembers which results it was told were taken.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use ciro::demo::client::answer;
use ciro_api::{
    ChainId, JobId, PoolName, Scheme, Signature,
    felt::parse_felt,
    hash::{
        attestation::Attestation,
        batch::{AttestationBatch, BatchTree},
        commitment::commit,
        sign,
        snip12::TypedStruct,
        worker_login::WorkerLogin,
    },
    rest::{
        Base64,
        devices::Token,
        leases::{FailRequest, HeartbeatRequest, Lease, LeaseRef, LeaseReply, LeaseRequest},
        pools::PoolList,
        results::{ResultItem, SubmitReply, SubmitResults},
        workers::{Challenge, ChallengeRequest, SessionRequest},
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::Client;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::{
    plan::PAST_LEASE_MS,
    settings::Settings,
    workers::{WORKERS, WorkerKey},
    world::{CHAIN_ID, JOB_MANAGER, World},
};

/// A reply that takes longer is lost to us.
const REPLY_MAX: Duration = Duration::from_secs(10);
/// Nothing in a run takes this long to come back.
const PATIENCE: Duration = Duration::from_secs(90);
const WAIT_MS: u64 = 1_000;

/// Jobs and epochs whose results it was told were taken.
pub(crate) type Fences = BTreeSet<(Uuid, u64)>;

/// What it does with the jobs of one grant.
#[derive(Clone, Copy, Debug)]
enum Mood {
    HandIn { after: Duration, beats: bool, twice: bool },
    GiveBack,
    Forget,
}

/// The worker with its session.
#[derive(Clone)]
pub(crate) struct Sloppy {
    http: Client,
    url: String,
    key: Arc<WorkerKey>,
    chain: ChainId,
    token: String,
    pool: PoolName,
    settings: Settings,
}

impl Sloppy {
    /// Who it is: the number after the real ones.
    pub(crate) fn key() -> WorkerKey {
        WorkerKey::of(WORKERS)
    }

    pub(crate) async fn log_in(world: &World, settings: &Settings) -> anyhow::Result<Self> {
        let http =
            Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(REPLY_MAX).build()?;
        let mut worker = Self {
            http,
            url: world.street.url(),
            key: Arc::new(Self::key()),
            chain: ChainId(parse_felt(CHAIN_ID)?),
            token: String::new(),
            pool: world.pool.clone(),
            settings: *settings,
        };
        let ask = ChallengeRequest { worker: worker.key.address() };
        let given: Challenge = worker.once("/v1/workers/challenge", &ask).await?;
        let login = WorkerLogin {
            worker: ask.worker,
            challenge: given.challenge,
            contract: given.contract,
        };
        let signature = worker.sign(&login)?;
        let session = SessionRequest { worker: ask.worker, challenge: given.challenge, signature };
        let token: Token = worker.once("/v1/workers/session", &session).await?;
        worker.token = token.access_token;
        Ok(worker)
    }

    /// Works as long as faults come; returns the fences of all results that it was told were taken.
    pub(crate) async fn run(self) -> anyhow::Result<Fences> {
        let mut random = StdRng::seed_from_u64(self.settings.seed ^ 0x5_1099);
        let start = Instant::now();
        let mut under_way = JoinSet::new();
        while start.elapsed() < self.settings.faults_for {
            let ask = LeaseRequest {
                pools: vec![self.pool.clone()],
                max_jobs: random.random_range(1..=6),
                wait_ms: WAIT_MS,
                lease_request_id: Uuid::from_u128(random.random()),
            };
            // The same request until it is answered: a grant whose reply was lost comes again.
            let granted: LeaseReply = self.until_answered("/v1/leases", &ask).await?;
            if !granted.leases.is_empty() {
                let mood = self.mood(&mut random, start.elapsed());
                under_way.spawn(self.clone().deal_with(granted.leases, mood));
            }
        }
        let mut taken = Fences::new();
        while let Some(done) = under_way.join_next().await {
            taken.extend(done??.into_iter().map(|fence| (fence.job.0, fence.epoch)));
        }
        Ok(taken)
    }

    /// Waits until so many jobs can be leased.
    pub(crate) async fn until_placed(&self, jobs: usize, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let request = self.http.get(format!("{}/v1/pools", self.url)).bearer_auth(&self.token);
            let list: PoolList = answer(request).await?;
            let queued =
                list.data.iter().find(|pool| pool.pool == self.pool).map(|pool| pool.queued);
            if queued == Some(u64::try_from(jobs)?) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{queued:?} of {jobs} jobs can be leased");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Leases up to `most` jobs and hands their results in at once; the jobs as they were given, and what was taken.
    pub(crate) async fn work_off(&self, most: u32) -> anyhow::Result<(Vec<JobId>, Fences)> {
        let ask = LeaseRequest {
            pools: vec![self.pool.clone()],
            max_jobs: most,
            wait_ms: WAIT_MS,
            lease_request_id: Uuid::new_v4(),
        };
        let granted: LeaseReply = self.until_answered("/v1/leases", &ask).await?;
        if granted.leases.is_empty() {
            return Ok((Vec::new(), Fences::new()));
        }
        let batch = self.batch(&granted.leases)?;
        let taken = self.hand_in(&granted.leases, &batch).await?;
        let jobs = granted.leases.iter().map(|lease| lease.fence.job).collect();
        Ok((jobs, taken.iter().map(|fence| (fence.job.0, fence.epoch)).collect()))
    }

    /// What makes others wait for a lease to run out is done only while faults come for longer than that.
    fn mood(&self, random: &mut StdRng, now: Duration) -> Mood {
        let past_lease = Duration::from_millis(random.random_range(PAST_LEASE_MS));
        let is_early = now < self.settings.faults_for.mul_f64(0.2)
            || now + past_lease < self.settings.faults_for;
        let after = Duration::from_millis(random.random_range(0..6_000));
        let twice = random.random_bool(0.5);
        match random.random_range(0..12) {
            0 if is_early => Mood::HandIn { after: past_lease, beats: false, twice },
            1 if is_early => Mood::Forget,
            2 => Mood::GiveBack,
            3..6 => Mood::HandIn { after, beats: true, twice },
            6..9 => Mood::HandIn { after, beats: false, twice },
            _ => Mood::HandIn { after: Duration::ZERO, beats: false, twice },
        }
    }

    async fn deal_with(self, leases: Vec<Lease>, mood: Mood) -> anyhow::Result<Vec<LeaseRef>> {
        let fences: Vec<LeaseRef> = leases.iter().map(|lease| lease.fence).collect();
        match mood {
            Mood::Forget => Ok(Vec::new()),
            Mood::GiveBack => {
                for fence in fences {
                    let ask =
                        FailRequest { fence, detail: "not today".to_owned(), retryable: true };
                    // Once: a reply that is lost, or a lease that is, makes no difference to what must hold.
                    let _told = self.once::<serde_json::Value>("/v1/leases/fail", &ask).await;
                }
                Ok(Vec::new())
            }
            Mood::HandIn { after, beats, twice } => {
                sleep(after / 2).await;
                if beats {
                    let ask = HeartbeatRequest { leases: fences };
                    let _told = self.once::<serde_json::Value>("/v1/leases/heartbeat", &ask).await;
                }
                sleep(after / 2).await;
                let batch = self.batch(&leases)?;
                let mut taken = self.hand_in(&leases, &batch).await?;
                if twice {
                    taken.extend(self.hand_in(&leases, &batch).await?);
                }
                Ok(taken)
            }
        }
    }

    async fn hand_in(
        &self,
        leases: &[Lease],
        batch: &SubmitResults,
    ) -> anyhow::Result<Vec<LeaseRef>> {
        let reply: SubmitReply = self.until_answered("/v1/results", batch).await?;
        let answers = leases.iter().zip(&reply.results);
        Ok(answers.filter(|(_, told)| told.accepted).map(|(lease, _)| lease.fence).collect())
    }

    fn batch(&self, leases: &[Lease]) -> anyhow::Result<SubmitResults> {
        let results = leases.iter().map(|lease| ResultItem {
            fence: lease.fence,
            model: lease.model,
            input: commit(Scheme::Poseidon, &lease.input.0),
            output: Base64(Sha256::digest(&lease.input.0).to_vec()),
        });
        let results: Vec<ResultItem> = results.collect();
        let (contract, worker) = (JOB_MANAGER, self.key.address());
        let hashes = results.iter().map(|item| {
            let attestation = Attestation {
                job: item.fence.job.into(),
                epoch: item.fence.epoch,
                model: item.model,
                input: item.input,
                output: commit(Scheme::Poseidon, &item.output.0),
                contract,
                worker,
            };
            attestation.struct_hash()
        });
        let root = BatchTree::build(&hashes.collect::<Vec<_>>())?.root();
        let count = u64::try_from(results.len())?;
        let signature = self.sign(&AttestationBatch { root, count, contract, worker })?;
        Ok(SubmitResults { results, signature })
    }

    fn sign(&self, message: &impl TypedStruct) -> anyhow::Result<Signature> {
        let hash = message.message_hash(self.chain, self.key.address());
        Ok(sign::sign(self.key.secret(), &hash)?)
    }

    async fn once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token);
        answer(request.json(body)).await
    }

    async fn until_answered<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.once(path, body).await {
                Ok(reply) => return Ok(reply),
                Err(error) if Instant::now() < deadline => {
                    let problem = error.downcast_ref::<ciro_api::Problem>();
                    if let Some(final_word) = problem.filter(|problem| !problem.retryable) {
                        bail!("{path} was refused: {final_word}");
                    }
                    sleep(Duration::from_millis(200)).await;
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("{path} was never answered"));
                }
            }
        }
    }
}
