//! Recomputes `ciro/sha256`: the output is the SHA-256 digest of the input.

#[starknet::contract]
pub mod Sha256Adjudicator {
    use core::sha256::compute_sha256_byte_array;
    use crate::interfaces::adjudicator::IAdjudicator;

    /// 8,192 bytes are 129 blocks of 7.2 M L2 gas each, within the 1.1e9 of one transaction.
    pub const INPUT_BYTES_MAX: u32 = 8_192;

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl AdjudicatorImpl of IAdjudicator<ContractState> {
        fn input_bytes_max(self: @ContractState) -> u32 {
            INPUT_BYTES_MAX
        }

        /// The 32 bytes of the digest, big-endian. The function has no parameters beside its input,
        /// so neither the model's id nor a witness plays a part.
        fn recompute(
            self: @ContractState, model: felt252, input: ByteArray, witness: Span<felt252>
        ) -> ByteArray {
            let mut digest = "";
            let words = compute_sha256_byte_array(@input);
            for word in words.span() {
                digest.append_word((*word).into(), 4);
            };
            digest
        }
    }
}
