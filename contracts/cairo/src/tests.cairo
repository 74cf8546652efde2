//! Every external function: what it does, what it refuses, what it emits.

mod hash_tests;
mod model_tests;
mod pending_pay_tests;
mod pool_tests;
mod settle_tests;
mod signer;
mod sponsor_tests;
mod stake_tests;
mod test_token;
mod token_fault_tests;
mod vectors;
mod worker_tests;
mod world;
