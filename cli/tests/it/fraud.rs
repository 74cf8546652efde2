//! What a requester can do about a lie, with nothing but what it was given.

use std::time::Duration;

use ciro_api::{ErrorCode, Fri, JobStatus, felt::parse_felt, rest::jobs::Job};
use ciro_contracts::{Chain, Evidence, JobManager, KeyedAccount, Pool, PrivateKey};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    net::{HandWorker, Net, refused},
    stack::accounts,
};

const INPUT: &[u8] = b"what is the digest of this?";
const PATIENCE: Duration = Duration::from_secs(30);

async fn chain(net: &Net) -> Chain {
    let url = net.dev.network.rpc_url.parse().unwrap();
    Chain::connect(url, Duration::from_secs(10)).await.unwrap()
}

/// An account that has no part in the network: the last that devnet gives out.
async fn anyone(net: &Net, chain: &Chain) -> KeyedAccount {
    let accounts = accounts(&net.dev.stack).await;
    let last = accounts.as_array().unwrap().last().unwrap();
    let key = parse_felt(last["private_key"].as_str().unwrap()).unwrap();
    let address = last["address"].as_str().unwrap().parse().unwrap();
    KeyedAccount::new(chain.clone(), address, &PrivateKey::new(key))
}

/// The hand worker answers this, signs it, and the requester has its evidence.
async fn answered(net: &Net, worker: &HandWorker, output: Option<Vec<u8>>) -> Job {
    let job = net.submit(INPUT).await;
    let leases = worker.lease(net, 1, 10_000).await;
    let result = match output {
        Some(output) => HandWorker::result_of(&leases[0], output),
        None => HandWorker::result(&leases[0]),
    };
    assert!(worker.submit(net, vec![result]).await.results[0].accepted);
    let job = net.gateway.job(&net.device, job.id).await.unwrap();
    assert_eq!(job.status, JobStatus::Succeeded);
    job
}

#[tokio::test]
async fn a_wrong_digest_costs_its_worker_the_stake_by_the_evidence_that_came_with_it() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = answered(&net, &worker, Some(vec![7; 32])).await;
    let chain = chain(&net).await;
    let pool = Pool { address: net.dev.network.contracts.pool };
    let manager = JobManager { address: net.dev.network.contracts.job_manager };
    let stake = pool.stake_of(&chain, worker.address).await.unwrap();
    assert!(stake > Fri::ZERO);

    let evidence = Evidence::of(job.id, job.evidence.as_ref().unwrap());
    let call = manager.adjudicate(&evidence, INPUT, &[]);
    anyone(&net, &chain).await.execute(vec![call]).await.unwrap();
    assert_eq!(pool.stake_of(&chain, worker.address).await.unwrap(), Fri::ZERO);

    let deadline = Instant::now() + PATIENCE;
    let challenge = || {
        let path = net.gateway.post("/v1/workers/challenge");
        path.json(&json!({ "worker": worker.address }))
    };
    while challenge().send().await.unwrap().status().is_success() {
        assert!(Instant::now() < deadline, "the gateway never learnt of the slashing");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(refused(challenge()).await, ErrorCode::WorkerNotStaked);
    assert_eq!(net.held_fri().await, 0, "nothing is held for a result that is never paid");
    net.stop().await;
}

#[tokio::test]
async fn the_right_digest_costs_its_worker_nothing_whoever_complains() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = answered(&net, &worker, None).await;
    let chain = chain(&net).await;
    let pool = Pool { address: net.dev.network.contracts.pool };
    let manager = JobManager { address: net.dev.network.contracts.job_manager };
    let stake = pool.stake_of(&chain, worker.address).await.unwrap();
    let evidence = Evidence::of(job.id, job.evidence.as_ref().unwrap());
    let call = manager.adjudicate(&evidence, INPUT, &[]);
    let error = anyone(&net, &chain).await.execute(vec![call]).await.unwrap_err();
    assert!(format!("{error:?}").contains("the output is right"), "{error:?}");
    assert_eq!(pool.stake_of(&chain, worker.address).await.unwrap(), stake);
    net.stop().await;
}
