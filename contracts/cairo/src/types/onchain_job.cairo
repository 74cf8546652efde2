//! A job whose money and output are on chain.

use starknet::ContractAddress;

#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub enum OnchainJobState {
    /// No job has this number.
    #[default]
    Absent,
    /// Its price is in escrow; a worker may fulfil it until its deadline.
    Open,
    /// A worker was paid for it; its output waits to be handed to the poster.
    Fulfilled,
    /// Fulfilled, and the poster's callback has taken the output.
    Delivered,
    /// Its deadline passed and its price went back to the poster.
    Reclaimed,
}

#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub struct OnchainJob {
    pub poster: ContractAddress,
    pub model: felt252,
    /// The commitment of the input, by the model's scheme.
    pub input: felt252,
    /// The commitment of the output; zero until there is one.
    pub output: felt252,
    /// In fri, in escrow while the job is open.
    pub price: u128,
    /// Seconds since 1970. Fulfilling ends when it comes, and reclaiming begins.
    pub deadline: u64,
    pub state: OnchainJobState,
}
