use std::iter::repeat_n;

use ciro_api::{
    Felt, JobId, LeaseId, Scheme,
    hash::{batch::root_of, commitment::commit, sign::verify},
};
use uuid::Uuid;

use super::*;

pub(crate) fn fence(job: u128, epoch: u64) -> LeaseRef {
    let lease = LeaseId(Uuid::from_u128(job * 1_000 + u128::from(epoch)));
    LeaseRef { job: JobId(Uuid::from_u128(job)), epoch, lease }
}

pub(crate) fn finished(job: u128, epoch: u64, output: &[u8]) -> Finished {
    Finished {
        fence: fence(job, epoch),
        model: ModelId(Felt::from(5_u8)),
        input: commit(Scheme::Poseidon, b"input"),
        output: output.to_vec(),
        output_commitment: commit(Scheme::Poseidon, output),
        amount_fri: Fri(1_000),
    }
}

pub(crate) fn open(dir: &tempfile::TempDir) -> Journal {
    Journal::open(dir.path(), Signer::of_test().identity()).unwrap()
}

/// The struct hashes as the gateway rebuilds them from what is submitted.
fn rebuilt(batch: &SignedBatch, signer: &Signer) -> Vec<Felt> {
    let Identity { contract, worker, .. } = signer.identity();
    let submitted = batch.to_submit();
    let attestation = |item: &ResultItem| Attestation {
        job: item.fence.job.into(),
        epoch: item.fence.epoch,
        model: item.model,
        input: item.input,
        output: commit(Scheme::Poseidon, &item.output.0),
        contract,
        worker,
    };
    submitted.results.iter().map(|item| attestation(item).struct_hash()).collect()
}

#[test]
fn one_signature_verifies_for_every_result_of_the_batch_by_its_path() {
    let (dir, signer) = (tempfile::tempdir().unwrap(), Signer::of_test());
    let mut journal = open(&dir);
    for count in [1_usize, 2, 3, 7, 256] {
        let jobs = (0..).map(|n| 10_000 * u128::try_from(count).unwrap() + n).take(count);
        let results: Vec<_> = jobs.map(|job| finished(job, 1, &job.to_be_bytes())).collect();
        let batch = attest(&mut journal, &signer, &results).unwrap().unwrap();
        let hashes = rebuilt(&batch, &signer);
        let tree = BatchTree::build(&hashes).unwrap();
        let Identity { contract, worker, chain_id } = signer.identity();
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(batch.results[index].attestation, Digest(*hash));
            let root = root_of(*hash, index, count, &tree.path(index).unwrap()).unwrap();
            let count = u64::try_from(count).unwrap();
            let whole = AttestationBatch { root, count, contract, worker };
            let message = whole.message_hash(chain_id, worker);
            assert!(verify(signer.public_key(), &message, &batch.signature));
        }
    }
}

#[test]
fn a_lease_is_attested_once_whatever_the_second_output_is() {
    let (dir, signer) = (tempfile::tempdir().unwrap(), Signer::of_test());
    let mut journal = open(&dir);
    attest(&mut journal, &signer, &[finished(1, 1, b"a")]).unwrap().unwrap();
    assert!(attest(&mut journal, &signer, &[finished(1, 1, b"b")]).unwrap().is_none());
    assert!(attest(&mut journal, &signer, &[finished(1, 1, b"a")]).unwrap().is_none());

    let mixed =
        [finished(1, 1, b"c"), finished(2, 1, b"x"), finished(2, 1, b"y"), finished(1, 2, b"d")];
    let batch = attest(&mut journal, &signer, &mixed).unwrap().unwrap();
    let outputs: Vec<_> = batch.results.iter().map(|result| result.item.output.0.clone()).collect();
    assert_eq!(outputs, [b"x".to_vec(), b"d".to_vec()]);
}

#[test]
fn a_lease_attested_before_a_restart_is_not_attested_after_it() {
    let (dir, signer) = (tempfile::tempdir().unwrap(), Signer::of_test());
    let batch = attest(&mut open(&dir), &signer, &[finished(1, 1, b"a")]).unwrap().unwrap();
    let mut journal = open(&dir);
    assert!(attest(&mut journal, &signer, &[finished(1, 1, b"b")]).unwrap().is_none());
    assert_eq!(journal.ledger().unanswered_batches(), [batch]);
}

#[test]
fn a_batch_is_cut_at_256_results_and_at_the_body_limit() {
    assert_eq!(batch_size(repeat_n(700, 1_000)), ATTESTATIONS_MAX);
    let large = finished(1, 1, &vec![0; 64 * 1_024]).body_bytes();
    let size = batch_size(repeat_n(large, 1_000));
    assert!(size * large <= RESULT_BODY_BYTES_MAX && (size + 1) * large > RESULT_BODY_BYTES_MAX);
    assert_eq!(batch_size([usize::MAX]), 1);
}

#[test]
fn the_body_estimate_is_not_below_the_real_body() {
    let (dir, signer) = (tempfile::tempdir().unwrap(), Signer::of_test());
    let mut results: Vec<_> =
        (0..256).map(|job| finished(u128::MAX / 1_001 - job, u64::MAX, &[7; 100])).collect();
    for result in &mut results {
        // The longest hex that a felt can have.
        result.model = ModelId(-Felt::ONE);
    }
    let batch = attest(&mut open(&dir), &signer, &results).unwrap().unwrap();
    let body = serde_json::to_vec(&batch.to_submit()).unwrap();
    let estimate: usize = results.iter().map(Finished::body_bytes).sum();
    assert!(body.len() <= estimate, "{} > {estimate}", body.len());
}

#[test]
fn what_the_disk_does_not_take_is_not_handed_out() {
    let (dir, signer) = (tempfile::tempdir().unwrap(), Signer::of_test());
    let mut journal = open(&dir);
    journal.fill_disk();
    let refused = attest(&mut journal, &signer, &[finished(1, 1, b"a")]);
    assert!(matches!(refused, Err(AttestError::Journal(_))));
    assert_eq!(
        journal.ledger().seen(fence(1, 1).into()),
        None,
        "it may be signed once there is room"
    );

    journal.free_disk();
    let batch = attest(&mut journal, &signer, &[finished(1, 1, b"a")]).unwrap().unwrap();
    drop(journal);
    assert_eq!(open(&dir).ledger().unanswered_batches(), [batch]);
}
