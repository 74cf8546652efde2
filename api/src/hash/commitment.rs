//! One felt for a byte string, by the scheme that the model's manifest names.

use sha2::{Digest, Sha256};
use starknet_rust_core::types::Felt;
use starknet_rust_crypto::poseidon_hash_many;

use crate::{felt::Commitment, state::Scheme};

/// Bytes per word: the most that always fit below the Stark prime.
const WORD_BYTES: usize = 31;

/// Commits to `bytes` under `scheme`.
pub fn commit(scheme: Scheme, bytes: &[u8]) -> Commitment {
    Commitment(match scheme {
        Scheme::Poseidon => poseidon_words(bytes),
        Scheme::Sha256 => {
            let [hi, lo] = sha256_halves(bytes);
            poseidon_hash_many(&[hi, lo])
        }
    })
}

fn poseidon_words(bytes: &[u8]) -> Felt {
    let words = bytes.chunks(WORD_BYTES).map(Felt::from_bytes_be_slice);
    let felts: Vec<Felt> = words.chain([Felt::from(bytes.len())]).collect();
    poseidon_hash_many(&felts)
}

/// The two 128-bit big-endian halves of SHA-256.
pub(crate) fn sha256_halves(bytes: &[u8]) -> [Felt; 2] {
    let digest = Sha256::digest(bytes);
    let (hi, lo) = digest.split_at(16);
    [Felt::from_bytes_be_slice(hi), Felt::from_bytes_be_slice(lo)]
}
