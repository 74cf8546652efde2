//! A registered model: what its results are worth and how strongly they are verified.

use starknet::ContractAddress;

/// The worker's signature and stake stand behind the result, nothing else.
pub const LEVEL_SIGNED: u8 = 0;
/// A contract can recompute the result.
pub const LEVEL_RE_EXECUTABLE: u8 = 1;

pub const SCHEME_POSEIDON: felt252 = 'poseidon';
pub const SCHEME_SHA256: felt252 = 'sha256';

/// Immutable once registered. A price of zero never occurs, so it marks an absent record.
#[derive(Drop, Debug, PartialEq, Serde, starknet::Store)]
pub struct Model {
    pub level: u8,
    /// Recomputes the model's output; zero for a level below re-executable.
    pub adjudicator: ContractAddress,
    /// How inputs and outputs are committed to.
    pub scheme: felt252,
    pub input_bytes_max: u32,
    /// In fri, for one result.
    pub min_price: u128,
    /// In fri: the least active stake of a worker that runs it.
    pub min_stake: u128,
    /// Where the bytes lie whose hash is the model id.
    pub manifest_uri: ByteArray,
}
