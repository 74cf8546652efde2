//! What a requester can check alone, with the hash functions and nothing else of ours; and that a changed bit shows.

use std::time::Duration;

use ciro::demo::device::Device;
use ciro_api::{
    ErrorCode, Felt, Fri, JobId, PublicKey,
    hash::{sign, snip12::TypedStruct},
    rest::{
        evidence::{JobAttestation, JobReceipt},
        jobs::Job,
    },
};
use reqwest::RequestBuilder;
use tokio::time::{Instant, sleep};

use crate::net::{HandWorker, Net, refused, succeed};

fn get(net: &Net, job: JobId, what: &str) -> RequestBuilder {
    net.gateway.get(&format!("/v1/jobs/{job}/{what}")).bearer_auth(&net.device.token)
}

/// Each as the good one but for one thing.
fn forgeries(good: &JobAttestation) -> Vec<JobAttestation> {
    let mut forged = Vec::new();
    let mut change = |with: fn(&mut JobAttestation)| {
        let mut other = good.clone();
        with(&mut other);
        assert_ne!(&other, good);
        forged.push(other);
    };
    change(|a| a.job = JobId(uuid::Uuid::from_u128(a.job.0.as_u128() ^ 1)));
    change(|a| a.chain_id.0 += Felt::ONE);
    change(|a| a.evidence.epoch ^= 1);
    change(|a| a.evidence.model.0 += Felt::ONE);
    change(|a| a.evidence.input.0 += Felt::ONE);
    change(|a| a.evidence.output.0 += Felt::ONE);
    change(|a| a.evidence.contract.0 += Felt::ONE);
    change(|a| a.evidence.worker.0 += Felt::ONE);
    change(|a| a.evidence.index ^= 1);
    change(|a| a.evidence.count += 1);
    change(|a| a.evidence.path[0].0 += Felt::ONE);
    change(|a| a.evidence.path.truncate(1));
    change(|a| a.evidence.signature.r.0 += Felt::ONE);
    change(|a| a.evidence.signature.s.0 += Felt::ONE);
    change(|a| a.evidence.public_key = PublicKey(a.evidence.public_key.0 + Felt::ONE));
    forged
}

#[tokio::test]
async fn attestation_and_receipt_are_checked_alone_and_a_changed_bit_shows() {
    let (net, worker) = Net::with_hand_worker().await;
    let mut jobs = Vec::new();
    for number in 0..3_u8 {
        jobs.push(net.submit(&[number]).await.id);
    }
    for what in ["attestation", "receipt"] {
        assert_eq!(
            refused(get(&net, jobs[0], what)).await,
            ErrorCode::NotFound,
            "there is none yet"
        );
    }
    let mut results = Vec::new();
    while results.len() < 3 {
        results.extend(worker.lease(&net, 3, 10_000).await.iter().map(HandWorker::result));
    }
    worker.submit(&net, results).await;
    let stranger = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    for what in ["attestation", "receipt"] {
        let path = format!("/v1/jobs/{}/{what}", jobs[0]);
        let theirs = net.gateway.get(&path).bearer_auth(&stranger.token);
        assert_eq!(refused(theirs).await, ErrorCode::NotFound);
    }
    for job in &jobs {
        let attestation: JobAttestation = succeed(get(&net, *job, "attestation")).await;
        assert!(attestation.is_signed());
        for forged in forgeries(&attestation) {
            assert!(!forged.is_signed(), "{forged:?}");
        }
        let path = format!("/v1/jobs/{job}");
        let shown: Job = succeed(net.gateway.get(&path).bearer_auth(&net.device.token)).await;
        assert_eq!(shown.evidence, Some(attestation.evidence));
    }
    // The network closes a statement within seconds; until then a receipt has no path.
    let deadline = Instant::now() + Duration::from_mins(1);
    for job in &jobs {
        let attestation: JobAttestation = succeed(get(&net, *job, "attestation")).await;
        let receipt = loop {
            let receipt: JobReceipt = succeed(get(&net, *job, "receipt")).await;
            assert_eq!(receipt.proof.is_some(), receipt.settlement.statement.is_some());
            assert_eq!(receipt.receipt.attestation.0, attestation.attestation().struct_hash());
            if receipt
                .proof
                .as_ref()
                .is_some_and(|proof| proof.statement.operator_signature.is_some())
            {
                break receipt;
            }
            assert!(Instant::now() < deadline, "the receipt never got into a statement");
            sleep(Duration::from_millis(100)).await;
        };
        check_receipt(&net, &receipt);
    }
    net.stop().await;
}

fn check_receipt(net: &Net, receipt: &JobReceipt) {
    assert!(receipt.is_in_its_statement());
    let forged = |with: fn(&mut JobReceipt)| {
        let mut other = receipt.clone();
        with(&mut other);
        assert!(!other.is_in_its_statement(), "{other:?}");
    };
    forged(|r| r.receipt.amount_fri = Fri(r.receipt.amount_fri.0 ^ 1));
    forged(|r| r.receipt.attestation.0 += Felt::ONE);
    forged(|r| r.receipt.job = JobId(uuid::Uuid::from_u128(r.receipt.job.0.as_u128() ^ 1)));
    forged(|r| r.proof.as_mut().unwrap().statement.root.0 += Felt::ONE);
    forged(|r| r.proof.as_mut().unwrap().statement.amount_fri.0 ^= 1);
    forged(|r| r.proof = None);
    let proof = receipt.proof.as_ref().unwrap();
    // Who settles it signed the very statement that the path leads to.
    let statement = proof.statement.statement();
    let message = statement.message_hash(receipt.chain_id, statement.operator);
    let key = std::fs::read_to_string(net.room.path().join("network/operator.key")).unwrap();
    let key = sign::public_key(&ciro_api::felt::parse_felt(key.trim()).unwrap());
    assert!(sign::verify(key, &message, &proof.statement.operator_signature.unwrap()));
}
