//! Every external function: what it does, what it refuses, what it emits.

mod adjudicator_tests;
mod allowance_tests;
mod credits_tests;
mod evidence;
mod fraud_tests;
mod hash_tests;
mod model_tests;
mod onchain_job_tests;
mod operator_tests;
mod pause_tests;
mod pending_pay_tests;
mod pool_tests;
mod role_tests;
mod settle_tests;
mod signer;
mod slashing_tests;
mod sponsor_tests;
mod stake_tests;
mod test_credits;
mod test_poster;
mod test_token;
mod token_fault_tests;
mod vectors;
mod worker_tests;
mod world;
