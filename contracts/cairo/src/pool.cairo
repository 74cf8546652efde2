//! CdcPool holds all the money. It pays only what its JobManager asks for, and that JobManager is
//! the one it deployed itself: the pair cannot be rebound, and neither has an owner.

#[starknet::contract]
pub mod CdcPool {
    use core::num::traits::Zero;
    use crate::components::pending_pay::PendingPayComponent::InternalTrait as PendingPayInternal;
    use crate::components::pending_pay::PendingPayComponent;
    use crate::components::sponsors::SponsorsComponent::InternalTrait as SponsorsInternal;
    use crate::components::sponsors::SponsorsComponent;
    use crate::components::stakes::StakesComponent::InternalTrait as StakesInternal;
    use crate::components::stakes::StakesComponent;
    use crate::components::vault::VaultComponent::InternalTrait as VaultInternal;
    use crate::components::vault::VaultComponent;
    use crate::interfaces::pool::IPool;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::syscalls::deploy_syscall;
    use starknet::{
        ClassHash, ContractAddress, SyscallResultTrait, get_caller_address, get_contract_address
    };

    component!(path: VaultComponent, storage: vault, event: VaultEvent);
    component!(path: SponsorsComponent, storage: sponsors, event: SponsorsEvent);
    component!(path: StakesComponent, storage: stakes, event: StakesEvent);
    component!(path: PendingPayComponent, storage: pending_pay, event: PendingPayEvent);

    #[abi(embed_v0)]
    impl VaultImpl = VaultComponent::Vault<ContractState>;
    #[abi(embed_v0)]
    impl SponsorsImpl = SponsorsComponent::Sponsors<ContractState>;
    #[abi(embed_v0)]
    impl StakesImpl = StakesComponent::Stakes<ContractState>;
    #[abi(embed_v0)]
    impl PendingPayImpl = PendingPayComponent::PendingPay<ContractState>;

    /// One year. No duration is longer, so that adding one to a timestamp cannot overflow and a
    /// slip in the deployment's units cannot lock money for good.
    pub const DURATION_MAX_S: u64 = 365 * 24 * 60 * 60;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        vault: VaultComponent::Storage,
        #[substorage(v0)]
        sponsors: SponsorsComponent::Storage,
        #[substorage(v0)]
        stakes: StakesComponent::Storage,
        #[substorage(v0)]
        pending_pay: PendingPayComponent::Storage,
        job_manager: ContractAddress,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        VaultEvent: VaultComponent::Event,
        #[flat]
        SponsorsEvent: SponsorsComponent::Event,
        #[flat]
        StakesEvent: StakesComponent::Event,
        #[flat]
        PendingPayEvent: PendingPayComponent::Event,
    }

    pub mod Errors {
        pub const CLASS_IS_ZERO: felt252 = 'job manager class is zero';
        pub const WINDOW_IS_ZERO: felt252 = 'challenge window is zero';
        pub const NOTICE_TOO_SHORT: felt252 = 'withdrawal notice too short';
        pub const UNBONDING_TOO_SHORT: felt252 = 'unbonding too short';
        pub const DURATION_TOO_LONG: felt252 = 'duration over one year';
        pub const ONLY_JOB_MANAGER: felt252 = 'only the job manager pays';
    }

    /// Fixes every parameter and deploys the JobManager that this pool obeys.
    ///
    /// Pay stays challengeable for up to two windows (see `PendingPayComponent`). Neither side may
    /// be gone sooner: a sponsor that announces a withdrawal leaves workers that long to settle
    /// what it already owes, and a worker that announces an unstake stays answerable with its stake
    /// for as long as the last pay it earned can be challenged. Debts cannot be outrun.
    ///
    /// *Requirements*
    /// - `token` and `job_manager_class` are not zero.
    /// - `challenge_window_s` is not zero, and no duration is over one year.
    /// - `withdrawal_notice_s` and `unbonding_s` are at least two challenge windows.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        token: ContractAddress,
        job_manager_class: ClassHash,
        registrar: ContractAddress,
        min_worker_stake: u128,
        challenge_window_s: u64,
        withdrawal_notice_s: u64,
        unbonding_s: u64
    ) {
        assert(job_manager_class.is_non_zero(), Errors::CLASS_IS_ZERO);
        assert(challenge_window_s != 0, Errors::WINDOW_IS_ZERO);
        assert(challenge_window_s <= DURATION_MAX_S, Errors::DURATION_TOO_LONG);
        assert(withdrawal_notice_s <= DURATION_MAX_S, Errors::DURATION_TOO_LONG);
        assert(unbonding_s <= DURATION_MAX_S, Errors::DURATION_TOO_LONG);
        assert(withdrawal_notice_s >= 2 * challenge_window_s, Errors::NOTICE_TOO_SHORT);
        assert(unbonding_s >= 2 * challenge_window_s, Errors::UNBONDING_TOO_SHORT);
        self.vault.initialize(token);
        self.sponsors.initialize(withdrawal_notice_s);
        self.stakes.initialize(unbonding_s);
        self.pending_pay.initialize(challenge_window_s);
        self.job_manager.write(deploy_job_manager(job_manager_class, registrar, min_worker_stake));
    }

    #[abi(embed_v0)]
    impl PoolImpl of IPool<ContractState> {
        /// Moves `amount` from the sponsor's deposit, within the operator's allowance, to the
        /// worker's pending pay. Returns zero, or why it moved nothing: `insufficient_allowance`
        /// or `insufficient_deposit`. It does not revert, so that one statement without cover
        /// doesn't sink the others of its transaction.
        ///
        /// *Requirements*
        /// - The caller is the JobManager that this pool deployed.
        fn try_pay(
            ref self: ContractState,
            sponsor: ContractAddress,
            operator: ContractAddress,
            worker: ContractAddress,
            amount: u128
        ) -> felt252 {
            assert(get_caller_address() == self.job_manager.read(), Errors::ONLY_JOB_MANAGER);
            match self.sponsors.try_debit(sponsor, operator, amount) {
                Result::Ok(()) => {
                    self.pending_pay.lock(worker, amount);
                    0
                },
                Result::Err(refusal) => refusal,
            }
        }

        /// The contract that this pool deployed and obeys.
        fn job_manager(self: @ContractState) -> ContractAddress {
            self.job_manager.read()
        }
    }

    /// The address follows from the pool's own (`deploy_from_zero` is false), so the salt is free.
    fn deploy_job_manager(
        class: ClassHash, registrar: ContractAddress, min_worker_stake: u128
    ) -> ContractAddress {
        let mut calldata = array![];
        get_contract_address().serialize(ref calldata);
        registrar.serialize(ref calldata);
        min_worker_stake.serialize(ref calldata);
        let (address, _) = deploy_syscall(class, 0, calldata.span(), false).unwrap_syscall();
        address
    }
}
