//! One felt that stands for a byte string.

use core::poseidon::poseidon_hash_span;
use core::sha256::compute_sha256_byte_array;
use crate::types::model::{SCHEME_POSEIDON, SCHEME_SHA256};

const TWO_POW_32: felt252 = 0x100000000;

/// The `poseidon` scheme: 31-byte big-endian words, then the length in bytes.
///
/// A `ByteArray` already is such words, so its serialization is taken apart: the number of full
/// words, the words, the shorter last word and that word's length.
pub fn poseidon_commitment(bytes: @ByteArray) -> felt252 {
    let mut serialized = array![];
    bytes.serialize(ref serialized);
    let full_words: u32 = (*serialized[0]).try_into().unwrap();
    let has_short_word = bytes.len() % 31 != 0;
    let word_count = if has_short_word {
        full_words + 1
    } else {
        full_words
    };
    let mut words: Array<felt252> = array![];
    words.append_span(serialized.span().slice(1, word_count));
    words.append(bytes.len().into());
    poseidon_hash_span(words.span())
}

/// The `sha256` scheme: Poseidon of the digest's two halves.
pub fn sha256_commitment(bytes: @ByteArray) -> felt252 {
    let (high, low) = sha256_halves(bytes);
    poseidon_hash_span([high, low].span())
}

/// The commitment by the scheme that a model's registration names.
///
/// *Requirements*
/// - `scheme` is one that a registration accepts.
pub fn commit(scheme: felt252, bytes: @ByteArray) -> felt252 {
    if scheme == SCHEME_POSEIDON {
        return poseidon_commitment(bytes);
    }
    assert(scheme == SCHEME_SHA256, 'scheme not known');
    sha256_commitment(bytes)
}

/// The content hash of a model's manifest.
pub fn model_id(manifest: @ByteArray) -> felt252 {
    let (high, low) = sha256_halves(manifest);
    poseidon_hash_span(['CIRO_MODEL', high, low].span())
}

fn sha256_halves(bytes: @ByteArray) -> (felt252, felt252) {
    let [a, b, c, d, e, f, g, h] = compute_sha256_byte_array(bytes);
    (join_words(a, b, c, d), join_words(e, f, g, h))
}

fn join_words(a: u32, b: u32, c: u32, d: u32) -> felt252 {
    ((a.into() * TWO_POW_32 + b.into()) * TWO_POW_32 + c.into()) * TWO_POW_32 + d.into()
}
