//! SNIP-12 revision 1 hashes of the structs that workers sign.
//!
//! A worker login is checked off chain only; its hash is here so that all three languages share it.

use core::poseidon::poseidon_hash_span;
use crate::types::attestation::{Attestation, AttestationBatch};
use crate::types::statement::Statement;
use starknet::ContractAddress;

pub const DOMAIN_TYPE_HASH: felt252 =
    selector!(
        "\"StarknetDomain\"(\"name\":\"shortstring\",\"version\":\"shortstring\",\"chainId\":\"shortstring\",\"revision\":\"shortstring\")"
    );

pub const ATTESTATION_TYPE_HASH: felt252 =
    selector!(
        "\"Attestation\"(\"Job\":\"felt\",\"Epoch\":\"u128\",\"Model\":\"felt\",\"Input\":\"felt\",\"Output\":\"felt\",\"Contract\":\"ContractAddress\",\"Worker\":\"ContractAddress\")"
    );

pub const ATTESTATION_BATCH_TYPE_HASH: felt252 =
    selector!(
        "\"AttestationBatch\"(\"Root\":\"felt\",\"Count\":\"u128\",\"Contract\":\"ContractAddress\",\"Worker\":\"ContractAddress\")"
    );

pub const STATEMENT_TYPE_HASH: felt252 =
    selector!(
        "\"Statement\"(\"Sponsor\":\"ContractAddress\",\"Operator\":\"ContractAddress\",\"Worker\":\"ContractAddress\",\"Seq\":\"u128\",\"Count\":\"u128\",\"Amount\":\"u128\",\"Receipts\":\"felt\",\"Contract\":\"ContractAddress\")"
    );

pub const WORKER_LOGIN_TYPE_HASH: felt252 =
    selector!(
        "\"WorkerLogin\"(\"Worker\":\"ContractAddress\",\"Challenge\":\"felt\",\"Contract\":\"ContractAddress\")"
    );

/// The domain: CIRO, version 1, on this chain. Version and revision are the integer 1.
pub fn domain_hash(chain_id: felt252) -> felt252 {
    poseidon_hash_span([DOMAIN_TYPE_HASH, 'CIRO', 1, chain_id, 1].span())
}

/// What `signer` signs: the struct, bound to the domain and to the signer's address.
pub fn message_hash(domain: felt252, signer: ContractAddress, struct_hash: felt252) -> felt252 {
    poseidon_hash_span(['StarkNet Message', domain, signer.into(), struct_hash].span())
}

/// The struct hash of an attestation: also the leaf's content in a batch.
pub fn attestation_hash(attestation: Attestation) -> felt252 {
    let Attestation { job, epoch, model, input, output, contract, worker } = attestation;
    poseidon_hash_span(
        [
            ATTESTATION_TYPE_HASH,
            job,
            epoch.into(),
            model,
            input,
            output,
            contract.into(),
            worker.into()
        ].span()
    )
}

/// The struct hash of a batch of attestations.
pub fn attestation_batch_hash(batch: AttestationBatch) -> felt252 {
    let AttestationBatch { root, count, contract, worker } = batch;
    poseidon_hash_span(
        [ATTESTATION_BATCH_TYPE_HASH, root, count.into(), contract.into(), worker.into()].span()
    )
}

/// The struct hash of a statement that the JobManager at `contract` settles for `operator`.
pub fn statement_hash(
    statement: Statement, operator: ContractAddress, contract: ContractAddress
) -> felt252 {
    let Statement { sponsor, worker, seq, count, amount, receipts } = statement;
    poseidon_hash_span(
        [
            STATEMENT_TYPE_HASH,
            sponsor.into(),
            operator.into(),
            worker.into(),
            seq.into(),
            count.into(),
            amount.into(),
            receipts,
            contract.into()
        ].span()
    )
}

/// The struct hash of a worker's answer to a login challenge.
pub fn worker_login_hash(
    worker: ContractAddress, challenge: felt252, contract: ContractAddress
) -> felt252 {
    poseidon_hash_span([WORKER_LOGIN_TYPE_HASH, worker.into(), challenge, contract.into()].span())
}
