//! Jobs whose money and output are on chain: escrow at posting, then exactly one of fulfilled and
//! reclaimed.
//!
//! Handing the output to the poster is a call of its own, `deliver`. A callback runs the poster's
//! code, and nothing on Starknet bounds the gas of an inner call: inside `fulfil`, a callback that
//! burns all of it would take the worker's pay with it.

#[starknet::component]
pub mod OnchainJobsComponent {
    use crate::components::binding::BindingComponent;
    use crate::components::binding::BindingComponent::InternalTrait as BindingInternal;
    use crate::components::binding::BindingComponent::domain;
    use crate::components::model_registry::ModelRegistryComponent;
    use crate::components::model_registry::ModelRegistryComponent::InternalTrait as ModelsInternal;
    use crate::components::pause::PauseComponent;
    use crate::components::pause::PauseComponent::InternalTrait as PauseInternal;
    use crate::components::worker_keys::WorkerKeysComponent;
    use crate::components::worker_keys::WorkerKeysComponent::Workers;
    use crate::hashes::commitment::commit;
    use crate::hashes::evidence::is_signed;
    use crate::interfaces::job_manager::{IOnchainJobs, IWorkers};
    use crate::interfaces::pool::IPoolDispatcherTrait;
    use crate::types::evidence::Evidence;
    use crate::types::model::SCHEME_POSEIDON;
    use crate::types::onchain_job::{OnchainJob, OnchainJobState};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::syscalls::call_contract_syscall;
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address, get_contract_address};

    /// The first on-chain job has this number plus one. Jobs of gateways are 128-bit numbers, so
    /// the two can never be confused.
    pub const NUMBER_BASE: felt252 = 0x100000000000000000000000000000000;

    /// The epoch of every on-chain job: they are not leased. Gateways' epochs begin at 1.
    pub const EPOCH: u128 = 0;

    /// An event carries at most 300 felts of data. 8,192 bytes are 265 words, which leaves room for
    /// the other fields, and 265 of the 5,000 felts of calldata.
    pub const INPUT_BYTES_MAX: u32 = 8_192;

    /// The output travels in `fulfil` and `deliver` and is hashed in both: 67 words at most.
    pub const OUTPUT_BYTES_MAX: u32 = 2_048;

    /// No deadline is farther away, so that a slip in units cannot lock an escrow for ages.
    pub const DEADLINE_MAX_S: u64 = 30 * 24 * 60 * 60;

    #[storage]
    pub struct Storage {
        onchain_jobs: Map<felt252, OnchainJob>,
        onchain_job_count: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        JobPosted: JobPosted,
        JobFulfilled: JobFulfilled,
        JobDelivered: JobDelivered,
        DeliveryFailed: DeliveryFailed,
        JobReclaimed: JobReclaimed,
    }

    /// `price` waits in escrow for whoever runs `model` on `input` before `deadline`.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct JobPosted {
        #[key]
        pub job: felt252,
        #[key]
        pub poster: ContractAddress,
        #[key]
        pub model: felt252,
        pub price: u128,
        pub deadline: u64,
        pub input: ByteArray,
    }

    /// `worker` signed `output`, and the price is its pending pay.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct JobFulfilled {
        #[key]
        pub job: felt252,
        #[key]
        pub worker: ContractAddress,
        pub output: ByteArray,
    }

    /// The poster's callback has taken the output.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct JobDelivered {
        #[key]
        pub job: felt252,
    }

    /// The poster's callback failed, with the first word of its reason; delivery may be tried
    /// again.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct DeliveryFailed {
        #[key]
        pub job: felt252,
        pub reason: felt252,
    }

    /// The deadline passed without a result, and the price is back in the poster's wallet.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct JobReclaimed {
        #[key]
        pub job: felt252,
    }

    pub mod Errors {
        pub const SCHEME_NOT_ON_CHAIN: felt252 = 'model is not poseidon';
        pub const PRICE_TOO_LOW: felt252 = 'price below the minimum';
        pub const DEADLINE_PASSED: felt252 = 'deadline has passed';
        pub const DEADLINE_TOO_FAR: felt252 = 'deadline too far away';
        pub const INPUT_TOO_LARGE: felt252 = 'input too large';
        pub const OUTPUT_TOO_LARGE: felt252 = 'output too large';
        pub const NOT_OPEN: felt252 = 'job is not open';
        pub const NOT_FULFILLED: felt252 = 'nothing to deliver';
        pub const DEADLINE_AHEAD: felt252 = 'deadline is still ahead';
        pub const OTHER_CONTRACT: felt252 = 'attested for another contract';
        pub const OTHER_EPOCH: felt252 = 'attested for another epoch';
        pub const OTHER_MODEL: felt252 = 'attested for another model';
        pub const OTHER_INPUT: felt252 = 'attested for another input';
        pub const OTHER_OUTPUT: felt252 = 'attested for another output';
        pub const WRONG_KEY: felt252 = 'not the current worker key';
        pub const BAD_SIGNATURE: felt252 = 'bad signature';
    }

    #[embeddable_as(OnchainJobs)]
    pub impl OnchainJobsImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Binding: BindingComponent::HasComponent<TContractState>,
        impl Models: ModelRegistryComponent::HasComponent<TContractState>,
        impl Keys: WorkerKeysComponent::HasComponent<TContractState>,
        impl Pause: PauseComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IOnchainJobs<ComponentState<TContractState>> {
        /// Posts a job for the caller and takes `price` from its wallet into escrow; the caller has
        /// approved it to the pool. Returns the job's number. Any worker with the model's stake may
        /// fulfil it; the first does, and may have copied the output from another's transaction.
        ///
        /// Where the worker is slashed before its pay is mature, `return_pay` sends the price back
        /// to the caller's address.
        ///
        /// *Requirements*
        /// - No pause is running.
        /// - The model is registered with the 'poseidon' scheme; `price` is at least its minimum.
        /// - `deadline` is ahead, by 30 days at most.
        /// - The input is within the model's limit and 8,192 bytes.
        /// - The token moves exactly `price`.
        ///
        /// *Emits* `JobPosted`.
        fn post_job(
            ref self: ComponentState<TContractState>,
            model: felt252,
            price: u128,
            deadline: u64,
            input: ByteArray
        ) -> felt252 {
            get_dep_component!(@self, Pause).assert_not_paused();
            let terms = get_dep_component!(@self, Models).registered(model);
            assert(terms.scheme == SCHEME_POSEIDON, Errors::SCHEME_NOT_ON_CHAIN);
            assert(price >= terms.min_price, Errors::PRICE_TOO_LOW);
            let now = get_block_timestamp();
            assert(deadline > now, Errors::DEADLINE_PASSED);
            assert(deadline - now <= DEADLINE_MAX_S, Errors::DEADLINE_TOO_FAR);
            let most = core::cmp::min(terms.input_bytes_max, INPUT_BYTES_MAX);
            assert(input.len() <= most, Errors::INPUT_TOO_LARGE);
            let count = self.onchain_job_count.read() + 1;
            self.onchain_job_count.write(count);
            let job = NUMBER_BASE + count.into();
            let poster = get_caller_address();
            let record = OnchainJob {
                poster,
                model,
                input: commit(terms.scheme, @input),
                output: 0,
                price,
                deadline,
                state: OnchainJobState::Open
            };
            self.onchain_jobs.write(job, record);
            self.emit(JobPosted { job, poster, model, price, deadline, input });
            get_dep_component!(@self, Binding).money().take_escrow(poster, price);
            job
        }

        /// Pays the worker that signed `output` for an open job, whoever calls. `deliver` in the
        /// same transaction hands the output to the poster.
        ///
        /// *Requirements*
        /// - No pause is running.
        /// - The job is open, and its deadline is ahead.
        /// - The attestation is for this job in epoch 0, its model and input, and this contract.
        /// - It attests the commitment of `output`, which has 2,048 bytes at most.
        /// - The worker's current key signed it.
        /// - The worker was not slashed, and its active stake is at least the larger of the model's
        ///   and the network's minimum.
        ///
        /// *Emits* `JobFulfilled`.
        fn fulfil(ref self: ComponentState<TContractState>, evidence: Evidence, output: ByteArray) {
            get_dep_component!(@self, Pause).assert_not_paused();
            let attestation = evidence.attestation;
            let job = attestation.job;
            let record = self.onchain_jobs.read(job);
            assert(record.state == OnchainJobState::Open, Errors::NOT_OPEN);
            assert(get_block_timestamp() < record.deadline, Errors::DEADLINE_PASSED);
            let terms = get_dep_component!(@self, Models).registered(record.model);
            assert(output.len() <= OUTPUT_BYTES_MAX, Errors::OUTPUT_TOO_LARGE);
            let commitment = commit(terms.scheme, @output);
            assert(attestation.contract == get_contract_address(), Errors::OTHER_CONTRACT);
            assert(attestation.epoch == EPOCH, Errors::OTHER_EPOCH);
            assert(attestation.model == record.model, Errors::OTHER_MODEL);
            assert(attestation.input == record.input, Errors::OTHER_INPUT);
            assert(attestation.output == commitment, Errors::OTHER_OUTPUT);
            let worker = attestation.worker;
            let keys = get_dep_component!(@self, Keys);
            let key = keys.worker_key(worker);
            assert(key != 0 && key == evidence.public_key, Errors::WRONG_KEY);
            assert(is_signed(evidence, domain()), Errors::BAD_SIGNATURE);
            let min_stake = core::cmp::max(keys.min_worker_stake(), terms.min_stake);
            let OnchainJob { poster, price, .. } = record;
            let fulfilled = OnchainJob {
                output: commitment, state: OnchainJobState::Fulfilled, ..record
            };
            self.onchain_jobs.write(job, fulfilled);
            self.emit(JobFulfilled { job, worker, output });
            let money = get_dep_component!(@self, Binding).money();
            money.pay_escrow(poster, worker, min_stake, price);
        }

        /// Hands the output of a fulfilled job to its poster's `on_job_fulfilled`, whoever calls. A
        /// callback that fails leaves the job as it was, and delivery may be tried again; nothing
        /// of the payment depends on it.
        ///
        /// *Requirements*
        /// - The job is fulfilled and not delivered.
        /// - `output` is what was attested.
        ///
        /// *Emits* `JobDelivered` or `DeliveryFailed`.
        fn deliver(ref self: ComponentState<TContractState>, job: felt252, output: ByteArray) {
            let record = self.onchain_jobs.read(job);
            assert(record.state == OnchainJobState::Fulfilled, Errors::NOT_FULFILLED);
            let terms = get_dep_component!(@self, Models).registered(record.model);
            assert(output.len() <= OUTPUT_BYTES_MAX, Errors::OUTPUT_TOO_LARGE);
            assert(commit(terms.scheme, @output) == record.output, Errors::OTHER_OUTPUT);
            // Before the call: a callback that calls `deliver` again finds nothing to deliver.
            let delivered = OnchainJob { state: OnchainJobState::Delivered, ..record };
            self.onchain_jobs.write(job, delivered);
            let mut calldata = array![job];
            output.serialize(ref calldata);
            let callback = selector!("on_job_fulfilled");
            match call_contract_syscall(record.poster, callback, calldata.span()) {
                Result::Ok(_) => self.emit(JobDelivered { job }),
                Result::Err(reasons) => {
                    self.onchain_jobs.write(job, record);
                    let reason = if reasons.is_empty() {
                        0
                    } else {
                        *reasons[0]
                    };
                    self.emit(DeliveryFailed { job, reason });
                },
            }
        }

        /// Sends the price of a job that nobody fulfilled back to its poster, whoever calls.
        ///
        /// *Requirements*
        /// - The job is open, and its deadline has come.
        ///
        /// *Emits* `JobReclaimed`.
        fn reclaim(ref self: ComponentState<TContractState>, job: felt252) {
            let record = self.onchain_jobs.read(job);
            assert(record.state == OnchainJobState::Open, Errors::NOT_OPEN);
            assert(get_block_timestamp() >= record.deadline, Errors::DEADLINE_AHEAD);
            let reclaimed = OnchainJob { state: OnchainJobState::Reclaimed, ..record };
            self.onchain_jobs.write(job, reclaimed);
            self.emit(JobReclaimed { job });
            let money = get_dep_component!(@self, Binding).money();
            money.return_escrow(record.poster, record.price);
        }

        /// The record of a job; its state is `Absent` when no job has this number.
        fn onchain_job(self: @ComponentState<TContractState>, job: felt252) -> OnchainJob {
            self.onchain_jobs.read(job)
        }
    }
}
