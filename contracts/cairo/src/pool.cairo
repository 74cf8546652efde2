//! CdcPool holds all the money. It moves only what its JobManager asks for, and that JobManager is
//! the one it deployed itself: the pair cannot be rebound, and the pool has no owner.

#[starknet::contract]
pub mod CdcPool {
    use core::num::traits::Zero;
    use crate::components::escrow::EscrowComponent::InternalTrait as EscrowInternal;
    use crate::components::escrow::EscrowComponent;
    use crate::components::pending_pay::PendingPayComponent::InternalTrait as PendingPayInternal;
    use crate::components::pending_pay::PendingPayComponent;
    use crate::components::sponsors::SponsorsComponent::InternalTrait as SponsorsInternal;
    use crate::components::sponsors::SponsorsComponent;
    use crate::components::stakes::StakesComponent::InternalTrait as StakesInternal;
    use crate::components::stakes::StakesComponent;
    use crate::components::vault::VaultComponent::InternalTrait as VaultInternal;
    use crate::components::vault::VaultComponent;
    use crate::interfaces::pool::IPool;
    use crate::types::parameters::{ManagerParameters, PoolParameters};
    use crate::types::payment::Payment;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::syscalls::deploy_syscall;
    use starknet::{
        ClassHash, ContractAddress, SyscallResultTrait, get_block_timestamp, get_caller_address,
        get_contract_address
    };

    component!(path: VaultComponent, storage: vault, event: VaultEvent);
    component!(path: SponsorsComponent, storage: sponsors, event: SponsorsEvent);
    component!(path: StakesComponent, storage: stakes, event: StakesEvent);
    component!(path: PendingPayComponent, storage: pending_pay, event: PendingPayEvent);
    component!(path: EscrowComponent, storage: escrow, event: EscrowEvent);

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
        #[substorage(v0)]
        escrow: EscrowComponent::Storage,
        job_manager: ContractAddress,
        treasury: ContractAddress,
        /// By sponsor, operator and worker: the replay guard, kept where the money is.
        last_seqs: Map<(ContractAddress, ContractAddress, ContractAddress), u128>,
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
        #[flat]
        EscrowEvent: EscrowComponent::Event,
    }

    pub mod Errors {
        pub const CLASS_IS_ZERO: felt252 = 'job manager class is zero';
        pub const TREASURY_IS_ZERO: felt252 = 'treasury is zero';
        pub const WINDOW_IS_ZERO: felt252 = 'challenge window is zero';
        pub const EPOCH_IS_ZERO: felt252 = 'allowance epoch is zero';
        pub const NOTICE_TOO_SHORT: felt252 = 'withdrawal notice too short';
        pub const UNBONDING_TOO_SHORT: felt252 = 'unbonding too short';
        pub const DURATION_TOO_LONG: felt252 = 'duration over one year';
        pub const ONLY_JOB_MANAGER: felt252 = 'only the job manager';
    }

    /// Why a payment was refused, beside the reasons of stakes and sponsors.
    pub mod Refusals {
        pub const WRONG_SEQ: felt252 = 'wrong_seq';
    }

    /// Fixes every parameter and deploys the JobManager that this pool obeys.
    ///
    /// Pay stays challengeable for up to two windows (see `PendingPayComponent`). Neither side may
    /// be gone sooner: a sponsor that announces a withdrawal or lowers an allowance leaves workers
    /// that long to settle what it already owes, and a worker that announces an unstake stays
    /// answerable with its stake for as long as the last pay it earned can be challenged. Debts
    /// cannot be outrun.
    ///
    /// *Requirements*
    /// - `token`, `treasury` and `job_manager_class` are not zero.
    /// - `challenge_window_s` and `allowance_epoch_s` are not zero; no duration is over one year.
    /// - `withdrawal_notice_s` and `unbonding_s` are at least two challenge windows.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        parameters: PoolParameters,
        job_manager_class: ClassHash,
        manager: ManagerParameters
    ) {
        let PoolParameters { token,
        treasury,
        challenge_window_s,
        withdrawal_notice_s,
        unbonding_s,
        allowance_epoch_s } =
            parameters;
        assert(job_manager_class.is_non_zero(), Errors::CLASS_IS_ZERO);
        assert(treasury.is_non_zero(), Errors::TREASURY_IS_ZERO);
        assert(challenge_window_s != 0, Errors::WINDOW_IS_ZERO);
        assert(allowance_epoch_s != 0, Errors::EPOCH_IS_ZERO);
        assert(challenge_window_s <= DURATION_MAX_S, Errors::DURATION_TOO_LONG);
        assert(withdrawal_notice_s <= DURATION_MAX_S, Errors::DURATION_TOO_LONG);
        assert(unbonding_s <= DURATION_MAX_S, Errors::DURATION_TOO_LONG);
        assert(allowance_epoch_s <= DURATION_MAX_S, Errors::DURATION_TOO_LONG);
        assert(withdrawal_notice_s >= 2 * challenge_window_s, Errors::NOTICE_TOO_SHORT);
        assert(unbonding_s >= 2 * challenge_window_s, Errors::UNBONDING_TOO_SHORT);
        self.vault.initialize(token);
        self.sponsors.initialize(withdrawal_notice_s, allowance_epoch_s);
        self.stakes.initialize(unbonding_s);
        self.pending_pay.initialize(challenge_window_s);
        self.treasury.write(treasury);
        let manager = deploy_job_manager(job_manager_class, manager, parameters);
        self.job_manager.write(manager);
    }

    #[abi(embed_v0)]
    impl PoolImpl of IPool<ContractState> {
        /// Moves each payment from its sponsor's deposit for the operator, within the operator's
        /// allowance, to its worker's pending pay. Returns for each, in order, zero or why it moved
        /// nothing:
        /// `worker_slashed`, `stake_too_low`, `wrong_seq`, `insufficient_allowance` or
        /// `insufficient_deposit`. It does not revert, so that one statement without cover doesn't
        /// sink the others of its transaction.
        ///
        /// *Requirements*
        /// - The caller is the JobManager that this pool deployed.
        fn pay(
            ref self: ContractState,
            operator: ContractAddress,
            min_stake: u128,
            payments: Span<Payment>
        ) -> Span<felt252> {
            self.assert_job_manager();
            let now = get_block_timestamp();
            let epoch = self.sponsors.current_epoch();
            let mut outcomes = array![];
            for payment in payments {
                let outcome = self.pay_one(operator, now, epoch, min_stake, *payment);
                outcomes
                    .append(
                        match outcome {
                            Result::Ok(()) => 0,
                            Result::Err(refusal) => refusal,
                        }
                    );
            };
            outcomes.span()
        }

        /// Takes `amount` from the poster's wallet for a job; the poster has approved it to this
        /// contract.
        ///
        /// *Requirements*
        /// - The caller is the JobManager that this pool deployed.
        /// - The token moves exactly `amount`.
        fn take_escrow(ref self: ContractState, poster: ContractAddress, amount: u128) {
            self.assert_job_manager();
            self.escrow.add(poster, amount);
            self.vault.pull(poster, amount);
        }

        /// Makes `amount` of the poster's escrow the worker's pending pay, as from a sponsor.
        ///
        /// *Requirements*
        /// - The caller is the JobManager that this pool deployed.
        /// - The worker was not slashed, and its active stake is at least `min_stake`.
        /// - The poster has that much in escrow.
        fn pay_escrow(
            ref self: ContractState,
            poster: ContractAddress,
            worker: ContractAddress,
            min_stake: u128,
            amount: u128
        ) {
            self.assert_job_manager();
            let stake = match self.stakes.try_back(worker, min_stake) {
                Result::Ok(stake) => stake,
                Result::Err(refusal) => core::panic_with_felt252(refusal),
            };
            self.escrow.remove(poster, amount);
            let unlocks_at = self.pending_pay.lock(worker, poster, amount);
            self.stakes.expose(worker, stake, unlocks_at);
        }

        /// Sends `amount` of the poster's escrow back to its wallet.
        ///
        /// *Requirements*
        /// - The caller is the JobManager that this pool deployed.
        /// - The poster has that much in escrow.
        fn return_escrow(ref self: ContractState, poster: ContractAddress, amount: u128) {
            self.assert_job_manager();
            self.escrow.remove(poster, amount);
            self.vault.push(poster, amount);
        }

        /// Takes the worker's whole stake and freezes its locked pay, which `return_pay` then gives
        /// back to its sponsors.
        ///
        /// *Requirements*
        /// - The caller is the JobManager that this pool deployed.
        /// - The worker was never slashed.
        ///
        /// *Emits* `Slashed`.
        fn slash(ref self: ContractState, worker: ContractAddress, reporter: ContractAddress) {
            self.assert_job_manager();
            self.stakes.slash(worker, reporter, self.treasury.read());
        }

        /// The contract that this pool deployed and obeys.
        fn job_manager(self: @ContractState) -> ContractAddress {
            self.job_manager.read()
        }

        /// The number of the last payment from this sponsor through this operator to this worker;
        /// the next one is one higher.
        fn last_seq(
            self: @ContractState,
            sponsor: ContractAddress,
            operator: ContractAddress,
            worker: ContractAddress
        ) -> u128 {
            self.last_seqs.read((sponsor, operator, worker))
        }

        /// What all open on-chain jobs of `poster` hold together.
        fn escrow_of(self: @ContractState, poster: ContractAddress) -> u128 {
            self.escrow.held_of(poster)
        }

        /// Gets the part of a slashed stake that its reporter does not.
        fn treasury(self: @ContractState) -> ContractAddress {
            self.treasury.read()
        }
    }

    #[generate_trait]
    impl InternalImpl of InternalTrait {
        fn assert_job_manager(self: @ContractState) {
            assert(get_caller_address() == self.job_manager.read(), Errors::ONLY_JOB_MANAGER);
        }

        /// Every check comes before the first write, so a refused payment leaves no trace.
        fn pay_one(
            ref self: ContractState,
            operator: ContractAddress,
            now: u64,
            epoch: u64,
            min_stake: u128,
            payment: Payment
        ) -> Result<(), felt252> {
            let Payment { sponsor, worker, seq, amount } = payment;
            let stake = self.stakes.try_back(worker, min_stake)?;
            // Subtracting from `seq` cannot overflow where adding to the stored number could.
            if seq == 0 || seq - 1 != self.last_seqs.read((sponsor, operator, worker)) {
                return Result::Err(Refusals::WRONG_SEQ);
            }
            self.sponsors.try_debit(sponsor, operator, now, epoch, amount)?;
            self.last_seqs.write((sponsor, operator, worker), seq);
            let unlocks_at = self.pending_pay.lock(worker, sponsor, amount);
            self.stakes.expose(worker, stake, unlocks_at);
            Result::Ok(())
        }
    }

    /// The address follows from the pool's own (`deploy_from_zero` is false), so the salt is free.
    fn deploy_job_manager(
        class: ClassHash, manager: ManagerParameters, parameters: PoolParameters
    ) -> ContractAddress {
        let mut calldata = array![];
        get_contract_address().serialize(ref calldata);
        manager.serialize(ref calldata);
        parameters.challenge_window_s.serialize(ref calldata);
        parameters.withdrawal_notice_s.serialize(ref calldata);
        let (address, _) = deploy_syscall(class, 0, calldata.span(), false).unwrap_syscall();
        address
    }
}
