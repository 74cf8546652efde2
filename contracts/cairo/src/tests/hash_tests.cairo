//! Our hashes against the vectors, which none of our code computed.

use crate::hashes::commitment::{model_id, poseidon_commitment, sha256_commitment};
use crate::hashes::signature::is_valid_signature;
use crate::hashes::{attestation_batch, receipts, snip12};
use crate::types::attestation::{Attestation, AttestationBatch};
use crate::types::statement::Statement;
use starknet::ContractAddress;
use super::vectors;
use super::vectors::StructVector;

fn address(value: felt252) -> ContractAddress {
    value.try_into().unwrap()
}

fn u128_of(value: felt252) -> u128 {
    value.try_into().unwrap()
}

fn attestation_struct(f: Span<felt252>) -> felt252 {
    snip12::attestation_hash(
        Attestation {
            job: *f[0],
            epoch: u128_of(*f[1]),
            model: *f[2],
            input: *f[3],
            output: *f[4],
            contract: address(*f[5]),
            worker: address(*f[6]),
        }
    )
}

fn batch_struct(f: Span<felt252>) -> felt252 {
    snip12::attestation_batch_hash(
        AttestationBatch {
            root: *f[0], count: u128_of(*f[1]), contract: address(*f[2]), worker: address(*f[3]),
        }
    )
}

fn statement_struct(f: Span<felt252>) -> felt252 {
    let statement = Statement {
        sponsor: address(*f[0]),
        worker: address(*f[2]),
        seq: u128_of(*f[3]),
        count: u128_of(*f[4]),
        amount: u128_of(*f[5]),
        receipts: *f[6],
    };
    snip12::statement_hash(statement, address(*f[1]), address(*f[7]))
}

fn login_struct(f: Span<felt252>) -> felt252 {
    snip12::worker_login_hash(address(*f[0]), *f[1], address(*f[2]))
}

/// By position in `vectors::structs()`.
fn struct_hash(kind: usize, fields: Span<felt252>) -> felt252 {
    match kind {
        0 => attestation_struct(fields),
        1 => batch_struct(fields),
        2 => statement_struct(fields),
        _ => login_struct(fields),
    }
}

fn with_field(fields: Span<felt252>, position: usize, value: felt252) -> Span<felt252> {
    let mut changed = array![];
    changed.append_span(fields.slice(0, position));
    changed.append(value);
    changed.append_span(fields.slice(position + 1, fields.len() - position - 1));
    changed.span()
}

fn assert_fields_matter(kind: usize) {
    let vector: StructVector = *vectors::structs()[kind];
    assert_eq!(vector.variations.len(), vector.fields.len());
    for position in 0
        ..vector
            .fields
            .len() {
                let (value, expected) = *vector.variations[position];
                let hash = struct_hash(kind, with_field(vector.fields, position, value));
                assert_eq!(hash, expected);
                assert_ne!(hash, vector.struct_hash);
            };
}

#[test]
fn type_hashes_match_the_vectors() {
    let structs = vectors::structs();
    assert_eq!(snip12::DOMAIN_TYPE_HASH, vectors::DOMAIN_TYPE_HASH);
    assert_eq!(snip12::ATTESTATION_TYPE_HASH, *structs[0].type_hash);
    assert_eq!(snip12::ATTESTATION_BATCH_TYPE_HASH, *structs[1].type_hash);
    assert_eq!(snip12::STATEMENT_TYPE_HASH, *structs[2].type_hash);
    assert_eq!(snip12::WORKER_LOGIN_TYPE_HASH, *structs[3].type_hash);
}

#[test]
fn the_domain_is_bound_to_the_chain() {
    assert_eq!(snip12::domain_hash(vectors::CHAIN_ID), vectors::DOMAIN_HASH);
    assert_eq!(snip12::domain_hash(vectors::OTHER_CHAIN_ID), vectors::OTHER_DOMAIN_HASH);
}

#[test]
fn struct_and_message_hashes_match_the_vectors() {
    let mut kind = 0;
    for vector in vectors::structs() {
        let hash = struct_hash(kind, vector.fields);
        let signer = address(vector.signer);
        let other = vector.message_hash_on_other_chain;
        assert_eq!(hash, vector.struct_hash);
        assert_eq!(snip12::message_hash(vectors::DOMAIN_HASH, signer, hash), vector.message_hash);
        assert_eq!(snip12::message_hash(vectors::OTHER_DOMAIN_HASH, signer, hash), other);
        kind += 1;
    };
}

#[test]
fn every_field_of_an_attestation_changes_its_hash() {
    assert_fields_matter(0);
}

#[test]
fn every_field_of_an_attestation_batch_changes_its_hash() {
    assert_fields_matter(1);
}

#[test]
fn every_field_of_a_statement_changes_its_hash() {
    assert_fields_matter(2);
}

#[test]
fn every_field_of_a_worker_login_changes_its_hash() {
    assert_fields_matter(3);
}

#[test]
fn signatures_of_the_vectors_are_valid_for_their_message_only() {
    for vector in vectors::structs() {
        let StructVector { message_hash, message_hash_on_other_chain, r, s, .. } = vector;
        assert!(is_valid_signature(message_hash, vectors::PUBLIC_KEY, r, s));
        assert!(!is_valid_signature(message_hash_on_other_chain, vectors::PUBLIC_KEY, r, s));
    };
}

#[test]
fn edge_scalars_are_no_signature_and_never_panic() {
    let vector: StructVector = *vectors::structs()[2];
    let order = core::ec::stark_curve::ORDER;
    let edges = array![0, 1, order - 1, order, order + 1, -1];
    for edge in edges
        .span() {
            let message = vector.message_hash;
            assert!(!is_valid_signature(message, vectors::PUBLIC_KEY, *edge, vector.s));
            assert!(!is_valid_signature(message, vectors::PUBLIC_KEY, vector.r, *edge));
            assert!(!is_valid_signature(message, *edge, vector.r, vector.s));
            assert!(!is_valid_signature(message, vectors::PUBLIC_KEY, *edge, *edge));
        };
}

#[test]
fn commitments_match_the_vectors() {
    for (
        bytes, poseidon, sha256
    ) in vectors::commitments() {
        assert_eq!(poseidon_commitment(@bytes), poseidon);
        assert_eq!(sha256_commitment(@bytes), sha256);
    };
}

#[test]
fn model_ids_match_the_vectors() {
    for (manifest, id) in vectors::model_ids() {
        assert_eq!(model_id(@manifest), id);
    };
}

#[test]
fn batch_paths_lead_to_the_root() {
    for place in vectors::batch_paths() {
        let root = attestation_batch::root(place.struct_hash, place.index, place.count, place.path);
        assert_eq!(attestation_batch::leaf(place.struct_hash, place.index), place.leaf);
        assert_eq!(root, Option::Some(place.root));
    };
}

#[test]
fn a_batch_path_of_another_place_leads_elsewhere_or_nowhere() {
    for place in vectors::batch_paths() {
        let vectors::BatchPath { count, root, index, struct_hash, path, .. } = place;
        assert_ne!(
            attestation_batch::root(struct_hash + 1, index, count, path), Option::Some(root)
        );
        assert_ne!(
            attestation_batch::root(struct_hash, index + 1, count, path), Option::Some(root)
        );
        assert_eq!(attestation_batch::root(struct_hash, count, count, path), Option::None);
        let mut longer = array![];
        longer.append_span(path);
        longer.append(0);
        assert_eq!(attestation_batch::root(struct_hash, index, count, longer.span()), Option::None);
        if path.len() != 0 {
            let shorter = path.slice(0, path.len() - 1);
            assert_eq!(attestation_batch::root(struct_hash, index, count, shorter), Option::None);
        }
    };
}

#[test]
fn a_batch_of_none_or_more_than_256_has_no_root() {
    let path = array![0, 0, 0, 0, 0, 0, 0, 0, 0].span();
    assert_eq!(attestation_batch::root(1, 0, 257, path), Option::None);
    assert_eq!(attestation_batch::root(1, 0, 0, [].span()), Option::None);
}

#[test]
fn the_evidence_of_the_vectors_holds_from_attestation_to_signature() {
    let evidence = vectors::evidence();
    let leaf = attestation_struct(evidence.fields);
    let root = attestation_batch::root(leaf, evidence.index, evidence.count, evidence.path);
    assert_eq!(root, Option::Some(evidence.root));
    let batch = array![
        evidence.root, evidence.count.into(), *evidence.fields[5], *evidence.fields[6]
    ];
    let worker = address(*evidence.fields[6]);
    let message = snip12::message_hash(vectors::DOMAIN_HASH, worker, batch_struct(batch.span()));
    assert!(is_valid_signature(message, vectors::PUBLIC_KEY, evidence.r, evidence.s));
}

#[test]
fn receipt_paths_lead_to_the_root_and_the_sum() {
    for place in vectors::receipt_paths() {
        let root = receipts::root(place.receipt, place.index, place.count, place.path);
        assert_eq!(receipts::leaf(place.receipt), place.leaf);
        assert_eq!(root, Option::Some(place.root));
    };
}

#[test]
fn every_field_of_a_receipt_changes_the_root() {
    let place: vectors::ReceiptPath = *vectors::receipt_paths()[5];
    let receipt = place.receipt;
    let changed = array![
        receipts::Receipt { job: receipt.job + 1, ..receipt },
        receipts::Receipt { attestation: receipt.attestation + 1, ..receipt },
        receipts::Receipt { amount: receipt.amount + 1, ..receipt },
    ];
    for other in changed {
        let root = receipts::root(other, place.index, place.count, place.path).unwrap();
        assert_ne!(root.hash, place.root.hash);
    };
}

#[test]
fn a_receipt_path_of_another_length_or_place_is_refused() {
    for place in vectors::receipt_paths() {
        let vectors::ReceiptPath { count, index, receipt, path, .. } = place;
        assert_eq!(receipts::root(receipt, count, count, path), Option::None);
        let mut longer = array![];
        longer.append_span(path);
        longer.append(receipts::SumNode { hash: 0, sum: 0 });
        assert_eq!(receipts::root(receipt, index, count, longer.span()), Option::None);
    };
}

#[test]
fn a_sum_over_128_bits_has_no_root() {
    let receipt = receipts::Receipt { job: 1, attestation: 2, amount: 1 };
    let sibling = receipts::SumNode { hash: 3, sum: 0xffffffffffffffffffffffffffffffff };
    assert_eq!(receipts::root(receipt, 0, 2, [sibling].span()), Option::None);
}

#[test]
fn a_statement_of_none_or_more_than_1000_receipts_has_no_root() {
    let receipt = receipts::Receipt { job: 1, attestation: 2, amount: 1 };
    let empty = receipts::SumNode { hash: 0, sum: 0 };
    let path = [empty, empty, empty, empty, empty, empty, empty, empty, empty, empty].span();
    assert!(receipts::root(receipt, 0, 1_000, path).is_some());
    assert_eq!(receipts::root(receipt, 0, 1_001, path), Option::None);
    assert_eq!(receipts::root(receipt, 0, 0, [].span()), Option::None);
}
