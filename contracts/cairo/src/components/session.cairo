//! What devices may do: post jobs to one JobManager, up to a price each and a sum a day.

#[starknet::component]
pub mod SessionComponent {
    use core::num::traits::Zero;
    use crate::components::owner_key::OwnerKeyComponent::assert_self;
    use crate::interfaces::fleet_account::ISession;
    use crate::types::session_policy::{SessionPolicy, SpendingPolicy, SpendingPolicyTrait};
    use crate::types::spent::{Spent, SpentTrait};
    use starknet::account::Call;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp, get_contract_address};

    pub const DAY_S: u64 = 24 * 60 * 60;

    /// Jobs of one operation. Posting one takes 5 to 12 M L2 gas, so that an operation stays within
    /// a tenth of a transaction's 1,100 M, and others fit beside it in a relayer's batch.
    pub const CALLS_MAX: u32 = 8;

    #[storage]
    pub struct Storage {
        job_manager: ContractAddress,
        spending: SpendingPolicy,
        models: Map<felt252, bool>,
        /// Its epochs are days.
        spent: Spent,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        PolicySet: PolicySet,
        ModelAllowed: ModelAllowed,
        ModelDisallowed: ModelDisallowed,
    }

    /// This is what devices may do from now on.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct PolicySet {
        pub policy: SessionPolicy,
    }

    /// Devices may ask this model.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct ModelAllowed {
        #[key]
        pub model: felt252,
    }

    /// Devices may not ask this model, unless they may ask any.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct ModelDisallowed {
        #[key]
        pub model: felt252,
    }

    pub mod Errors {
        pub const JOB_MANAGER_IS_ACCOUNT: felt252 = 'job manager is the account';
        pub const AMOUNT_TOO_LARGE: felt252 = 'amount is 2^120 or more';
        pub const ALREADY_ALLOWED: felt252 = 'model is allowed already';
        pub const NOT_ALLOWED: felt252 = 'model was not allowed';
    }

    /// Why a device may not do what it has signed.
    pub mod Refusals {
        pub const SESSION_CLOSED: felt252 = 'devices may do nothing';
        pub const TOO_MANY_CALLS: felt252 = 'too many calls of a device';
        pub const OTHER_CONTRACT: felt252 = 'device calls other contract';
        pub const OTHER_FUNCTION: felt252 = 'device calls other function';
        pub const MALFORMED_JOB: felt252 = 'malformed job';
        pub const OTHER_MODEL: felt252 = 'model not for devices';
        pub const PRICE_TOO_HIGH: felt252 = 'price above the limit';
        pub const DAY_SPENT: felt252 = 'limit of the day is spent';
    }

    #[embeddable_as(Session)]
    pub impl SessionImpl<
        TContractState, +HasComponent<TContractState>
    > of ISession<ComponentState<TContractState>> {
        /// Sets what devices may do; a JobManager of zero ends it at once. What they have spent
        /// today stays spent, and the list of models stays as it is.
        ///
        /// *Requirements*
        /// - The caller is the account itself.
        /// - The JobManager is not the account, and both amounts are below 2^120.
        ///
        /// *Emits* `PolicySet`.
        fn set_policy(ref self: ComponentState<TContractState>, policy: SessionPolicy) {
            assert_self();
            self.write_policy(policy);
        }

        /// *Requirements*
        /// - The caller is the account itself.
        /// - `model` is not allowed yet.
        ///
        /// *Emits* `ModelAllowed`.
        fn allow_model(ref self: ComponentState<TContractState>, model: felt252) {
            assert_self();
            self.add_model(model);
        }

        /// *Requirements*
        /// - The caller is the account itself.
        /// - `model` is allowed by name.
        ///
        /// *Emits* `ModelDisallowed`.
        fn disallow_model(ref self: ComponentState<TContractState>, model: felt252) {
            assert_self();
            assert(self.models.read(model), Errors::NOT_ALLOWED);
            self.models.write(model, false);
            self.emit(ModelDisallowed { model });
        }

        /// What devices may do.
        fn policy(self: @ComponentState<TContractState>) -> SessionPolicy {
            let job_manager = self.job_manager.read();
            SessionPolicy { job_manager, spending: self.spending.read() }
        }

        /// Whether devices may ask `model`, by name or because they may ask any.
        fn is_model_allowed(self: @ComponentState<TContractState>, model: felt252) -> bool {
            self.spending.read().any_model || self.models.read(model)
        }

        /// In fri: the prices of all jobs that devices have posted on this day.
        fn spent_today(self: @ComponentState<TContractState>) -> u128 {
            self.spent.read().within(get_block_timestamp() / DAY_S)
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// The first policy. Called once, by the constructor.
        ///
        /// *Requirements*
        /// - Those of `set_policy`, and no model is named twice.
        fn initialize(
            ref self: ComponentState<TContractState>, policy: SessionPolicy, models: Span<felt252>
        ) {
            self.write_policy(policy);
            for model in models {
                self.add_model(*model);
            };
        }

        fn write_policy(ref self: ComponentState<TContractState>, policy: SessionPolicy) {
            let SessionPolicy { job_manager, spending } = policy;
            assert(job_manager != get_contract_address(), Errors::JOB_MANAGER_IS_ACCOUNT);
            assert(spending.is_storable(), Errors::AMOUNT_TOO_LARGE);
            self.job_manager.write(job_manager);
            self.spending.write(spending);
            self.emit(PolicySet { policy });
        }

        fn add_model(ref self: ComponentState<TContractState>, model: felt252) {
            assert(!self.models.read(model), Errors::ALREADY_ALLOWED);
            self.models.write(model, true);
            self.emit(ModelAllowed { model });
        }

        /// Counts what these calls of a device spend, before they are made.
        ///
        /// *Requirements*
        /// - Devices may do something, and there are `CALLS_MAX` calls at most.
        /// - Each posts a job to the JobManager, for a model and at a price that is allowed.
        /// - All devices together stay within the day's limit.
        fn spend(ref self: ComponentState<TContractState>, calls: Span<Call>, now: u64) {
            let job_manager = self.job_manager.read();
            assert(job_manager.is_non_zero(), Refusals::SESSION_CLOSED);
            assert(calls.len() <= CALLS_MAX, Refusals::TOO_MANY_CALLS);
            if calls.is_empty() {
                return;
            }
            let spending = self.spending.read();
            let mut cost = 0;
            for call in calls {
                assert(*call.to == job_manager, Refusals::OTHER_CONTRACT);
                assert(*call.selector == selector!("post_job"), Refusals::OTHER_FUNCTION);
                // At most `CALLS_MAX` prices below 2^120: no overflow.
                cost += self.price_of(*call.calldata, spending);
            };
            let day = now / DAY_S;
            let amount = self.spent.read().within(day) + cost;
            assert(amount <= spending.per_day_max, Refusals::DAY_SPENT);
            self.spent.write(Spent { epoch: day, amount });
        }

        /// The price of an allowed job. Its model and price are the first two felts, whatever the
        /// rest is; the JobManager reads the same felts, and refuses what does not fit it.
        fn price_of(
            self: @ComponentState<TContractState>, job: Span<felt252>, spending: SpendingPolicy
        ) -> u128 {
            let mut rest = job;
            let (model, price): (felt252, u128) = Serde::deserialize(ref rest)
                .expect(Refusals::MALFORMED_JOB);
            let allowed = spending.any_model || self.models.read(model);
            assert(allowed, Refusals::OTHER_MODEL);
            assert(price <= spending.price_max, Refusals::PRICE_TOO_HIGH);
            price
        }
    }
}
