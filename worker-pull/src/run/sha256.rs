//! The built-in model: SHA-256 of the input, 32 raw bytes.

use sha2::{Digest, Sha256};

pub(super) fn run(input: &[u8]) -> Vec<u8> {
    Sha256::digest(input).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_is_the_raw_digest() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(run(b"abc")), expected);
        assert_eq!(run(b"").len(), 32);
    }
}
