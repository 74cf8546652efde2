//! SNIP-12 revision 1 for our one domain. Source: SNIP-12; checked against starknet.js by vectors.

use std::sync::LazyLock;

use starknet_rust_core::{types::Felt, utils::starknet_keccak};
use starknet_rust_crypto::poseidon_hash_many;

use super::short_string;
use crate::felt::{Address, ChainId};

pub(super) const PREFIX: &str = "StarkNet Message";
const NAME: &str = "CIRO";

pub(super) static DOMAIN_TYPE: LazyLock<Felt> = LazyLock::new(|| {
    type_hash(concat!(
        r#""StarknetDomain"("name":"shortstring","version":"shortstring","#,
        r#""chainId":"shortstring","revision":"shortstring")"#
    ))
});

/// A struct of ours that can be signed.
pub trait TypedStruct {
    /// SNIP-12's encoding of the type, dependencies included.
    const TYPE: &'static str;

    /// The fields in the order of [`Self::TYPE`], each as one felt.
    fn fields(&self) -> Vec<Felt>;

    /// Poseidon over the type hash and the fields.
    fn struct_hash(&self) -> Felt {
        let mut felts = vec![type_hash(Self::TYPE)];
        felts.extend(self.fields());
        poseidon_hash_many(&felts)
    }

    /// What `signer` signs on `chain`.
    fn message_hash(&self, chain: ChainId, signer: Address) -> Felt {
        poseidon_hash_many(&[
            short_string(PREFIX),
            domain_hash(chain),
            signer.0,
            self.struct_hash(),
        ])
    }
}

/// The hash of a field of type `string`: Poseidon over Cairo's `ByteArray`, which is how many whole words of 31 bytes there
/// are, those words, the bytes behind them and how many those are.
pub(super) fn string_hash(text: &str) -> Felt {
    let words = text.as_bytes().chunks_exact(31);
    let rest = words.remainder();
    let mut felts = vec![Felt::from(words.len())];
    felts.extend(words.map(Felt::from_bytes_be_slice));
    felts.extend([Felt::from_bytes_be_slice(rest), Felt::from(rest.len())]);
    poseidon_hash_many(&felts)
}

/// The hash of a type string.
pub fn type_hash(encoded: &str) -> Felt {
    starknet_keccak(encoded.as_bytes())
}

/// The hash of the domain `CIRO`, version 1, revision 1, on `chain`.
pub fn domain_hash(chain: ChainId) -> Felt {
    poseidon_hash_many(&[*DOMAIN_TYPE, short_string(NAME), Felt::ONE, chain.0, Felt::ONE])
}
