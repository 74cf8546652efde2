//! The sha256 adjudicator against digests that another implementation computed.

use core::poseidon::poseidon_hash_span;
use crate::adjudicators::sha256::Sha256Adjudicator;
use crate::hashes::commitment::poseidon_commitment;
use crate::interfaces::adjudicator::{IAdjudicatorDispatcher, IAdjudicatorDispatcherTrait};
use starknet::syscalls::deploy_syscall;

const DIGEST_OF_NOTHING: u256 = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;
const DIGEST_OF_ABC: u256 = 0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad;
const DIGEST_OF_55: u256 = 0x595615dbe4f0f407ae397d08b4c2cb870cb9b0e11937416f950c5160acf9c005;
const DIGEST_OF_56: u256 = 0x784f623b787495078e93ff28a25b581df0584055a7e71d8cd90c454716b92f51;
const DIGEST_OF_64: u256 = 0x2fcd5a0d60e4c941381fcc4e00a4bf8be422c3ddfafb93c809e8d1e2bfffae8e;
const DIGEST_OF_119: u256 = 0xfaef67da856d6fd9c8d12f9ed0a4fefd3cf0ce085ab43e2907418d457e3c354b;
const DIGEST_OF_DVZG: u256 = 0x000055fbb1b8809dbbda80ed23218467502379a8891f0aa7c6cea4edadfcf3d6;
const DIGEST_OF_8192: u256 = 0x8514b5328ecfaaa720e70d408f293c38b57ee19955f442329373222fab93eeff;

fn adjudicator() -> IAdjudicatorDispatcher {
    let class = Sha256Adjudicator::TEST_CLASS_HASH.try_into().unwrap();
    let (contract_address, _) = deploy_syscall(class, 0, [].span(), false).unwrap();
    IAdjudicatorDispatcher { contract_address }
}

/// The lowercase alphabet over and over, `length` letters in all.
fn letters(length: u32) -> ByteArray {
    let mut text = "";
    for index in 0..length {
        text.append_byte('a' + (index % 26).try_into().unwrap());
    };
    text
}

fn as_number(bytes: @ByteArray) -> u256 {
    let mut number = 0;
    for index in 0..bytes.len() {
        number = number * 256 + bytes[index].into();
    };
    number
}

fn assert_digest(adjudicator: IAdjudicatorDispatcher, input: ByteArray, digest: u256) {
    let output = adjudicator.recompute('hash', input, [].span());
    assert_eq!(output.len(), 32);
    assert_eq!(as_number(@output), digest);
}

#[test]
fn the_digest_of_nothing_is_right() {
    assert_digest(adjudicator(), "", DIGEST_OF_NOTHING);
}

#[test]
fn the_digest_of_abc_is_right() {
    assert_digest(adjudicator(), "abc", DIGEST_OF_ABC);
}

#[test]
fn the_digest_is_right_where_the_padding_just_fits_a_block() {
    let adjudicator = adjudicator();
    assert_digest(adjudicator, letters(55), DIGEST_OF_55);
    assert_digest(adjudicator, letters(119), DIGEST_OF_119);
}

#[test]
fn the_digest_is_right_where_the_padding_needs_another_block() {
    assert_digest(adjudicator(), letters(56), DIGEST_OF_56);
}

#[test]
fn the_digest_of_a_full_block_is_right() {
    assert_digest(adjudicator(), letters(64), DIGEST_OF_64);
}

#[test]
fn the_largest_input_has_8192_bytes_and_is_recomputed() {
    let adjudicator = adjudicator();
    let largest = adjudicator.input_bytes_max();
    assert_eq!(largest, 8_192);
    assert_digest(adjudicator, letters(largest), DIGEST_OF_8192);
}

#[test]
fn neither_the_model_nor_a_witness_changes_the_output() {
    let adjudicator = adjudicator();
    let output = adjudicator.recompute('hash', "abc", [].span());
    assert_eq!(adjudicator.recompute('other', "abc", [].span()), output);
    assert_eq!(adjudicator.recompute(0, "abc", [1, 2, 3].span()), output);
}

#[test]
fn the_output_commits_as_31_bytes_then_one_then_the_length() {
    let word = (DIGEST_OF_ABC / 256).try_into().unwrap();
    let last_byte = (DIGEST_OF_ABC % 256).try_into().unwrap();
    let words = [word, last_byte, 32];
    let output = adjudicator().recompute('hash', "abc", [].span());
    assert_eq!(poseidon_commitment(@output), poseidon_hash_span(words.span()));
}

#[test]
fn a_digest_that_begins_with_zero_bytes_keeps_its_32_bytes() {
    assert_digest(adjudicator(), "dvzg", DIGEST_OF_DVZG);
}
