//! A worker as the gateway sees one: logs in, leases, runs the SHA-256 model, signs a batch with its Stark key and
//! hands it in. Everything a real one does but its journal.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use ciro_api::{
    Address, ChainId, Felt, PoolName, PublicKey, Scheme,
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
        leases::{Lease, LeaseReply, LeaseRequest},
        results::{ResultItem, SubmitReply, SubmitResults},
        workers::{Challenge, ChallengeRequest, SessionRequest},
    },
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    connection::Connection,
    desk::{CHAIN_ID, JOB_MANAGER},
};

/// Who a worker is.
#[derive(Clone, Debug)]
pub(crate) struct WorkerKey {
    secret: Felt,
    address: Address,
}

impl WorkerKey {
    /// The same for each number: these keys guard nothing.
    pub(crate) fn of(number: usize) -> Self {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            secret: Felt::from(0x5ec_0001_u64.saturating_add(number)),
            address: Address(Felt::from(0xa0_u64.saturating_add(number))),
        }
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        sign::public_key(&self.secret)
    }

    /// As a key file holds it.
    pub(crate) fn text(&self) -> String {
        format!("{:#x}", self.secret)
    }

    /// Opens a session; returns its token.
    pub(crate) async fn log_in(&self, gateway: SocketAddr) -> anyhow::Result<String> {
        let mut connection = Connection::open(gateway, None).await?;
        let ask = ChallengeRequest { worker: self.address };
        let given: Challenge = connection.ask("/v1/workers/challenge", &ask).await?;
        let (worker, challenge) = (self.address, given.challenge);
        let login = WorkerLogin { worker, challenge, contract: given.contract };
        let hash = login.message_hash(given.chain_id, worker);
        let signature = sign::sign(&self.secret, &hash)?;
        let answer = SessionRequest { worker, challenge, signature };
        let token: Token = connection.ask("/v1/workers/session", &answer).await?;
        Ok(token.access_token)
    }
}

/// One line of a worker to the gateway. A worker may have many.
pub(crate) struct Worker {
    key: WorkerKey,
    connection: Connection,
    chain: ChainId,
}

impl Worker {
    /// A line of the worker that has `token`.
    pub(crate) async fn open(
        gateway: SocketAddr,
        key: &WorkerKey,
        token: &str,
    ) -> anyhow::Result<Self> {
        let connection = Connection::open(gateway, Some(token)).await?;
        Ok(Self { key: key.clone(), connection, chain: ChainId(parse_felt(CHAIN_ID)?) })
    }

    /// Leases up to `most` jobs; waits for the first.
    pub(crate) async fn lease(
        &mut self,
        pool: &PoolName,
        most: usize,
        wait_ms: u64,
    ) -> anyhow::Result<Vec<Lease>> {
        let ask = LeaseRequest {
            pools: vec![pool.clone()],
            max_jobs: u32::try_from(most)?,
            wait_ms,
            lease_request_id: Uuid::new_v4(),
        };
        let reply: LeaseReply = self.connection.ask("/v1/leases", &ask).await?;
        Ok(reply.leases)
    }

    /// Runs, signs and hands in; every result must be taken.
    pub(crate) async fn finish(&mut self, leases: &[Lease]) -> anyhow::Result<()> {
        let batch = self.sign_batch(leases)?;
        let reply: SubmitReply = self.connection.ask("/v1/results", &batch).await?;
        ensure!(reply.results.len() == leases.len(), "the gateway answered to other results");
        let refused = reply.results.into_iter().find(|told| !told.accepted);
        match refused {
            None => Ok(()),
            Some(told) => {
                let problem = told.problem.context("a result was refused without a reason")?;
                Err(problem).with_context(|| format!("the result of {} was refused", told.job))
            }
        }
    }

    fn sign_batch(&self, leases: &[Lease]) -> anyhow::Result<SubmitResults> {
        let (contract, worker) = (JOB_MANAGER, self.key.address);
        let mut results = Vec::with_capacity(leases.len());
        let mut hashes = Vec::with_capacity(leases.len());
        for Lease { fence, model, input, .. } in leases {
            let output = Base64(Sha256::digest(&input.0).to_vec());
            let item = ResultItem {
                fence: *fence,
                model: *model,
                input: commit(Scheme::Poseidon, &input.0),
                output,
            };
            let attestation = Attestation {
                job: fence.job.into(),
                epoch: fence.epoch,
                model: *model,
                input: item.input,
                output: commit(Scheme::Poseidon, &item.output.0),
                contract,
                worker,
            };
            hashes.push(attestation.struct_hash());
            results.push(item);
        }
        let root = BatchTree::build(&hashes)?.root();
        let count = u64::try_from(results.len())?;
        let batch = AttestationBatch { root, count, contract, worker };
        let signature = sign::sign(&self.key.secret, &batch.message_hash(self.chain, worker))?;
        Ok(SubmitResults { results, signature })
    }
}
