//! Workers' stakes. Stake that is announced to leave no longer backs new work at once; an address
//! that was slashed is finished for good.

#[starknet::component]
pub mod StakesComponent {
    use crate::components::vault::VaultComponent;
    use crate::components::vault::VaultComponent::InternalTrait as VaultInternal;
    use crate::interfaces::pool::IStakes;
    use crate::types::notice::{Notice, NoticeTrait};
    use crate::types::stake::Stake;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};

    #[storage]
    pub struct Storage {
        stakes: Map<ContractAddress, Stake>,
        unstakes: Map<ContractAddress, Notice>,
        unbonding_s: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        Staked: Staked,
        UnstakeAnnounced: UnstakeAnnounced,
        Unstaked: Unstaked,
        Slashed: Slashed,
    }

    /// The worker's stake has grown by `amount`.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Staked {
        #[key]
        pub worker: ContractAddress,
        pub amount: u128,
    }

    /// `amount` may leave from `ready_at` on; both are zero when an announcement was cancelled.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct UnstakeAnnounced {
        #[key]
        pub worker: ContractAddress,
        pub amount: u128,
        pub ready_at: u64,
    }

    /// The worker's stake has shrunk by `amount`, and its announcement is used up.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Unstaked {
        #[key]
        pub worker: ContractAddress,
        pub amount: u128,
    }

    /// Fraud was shown: the whole stake is gone, `reward` of `amount` to the reporter and the rest
    /// to the treasury.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Slashed {
        #[key]
        pub worker: ContractAddress,
        #[key]
        pub reporter: ContractAddress,
        pub amount: u128,
        pub reward: u128,
    }

    pub mod Errors {
        pub const ZERO_AMOUNT: felt252 = 'amount is zero';
        pub const NOT_ANNOUNCED: felt252 = 'no unstake announced';
        pub const UNBONDING: felt252 = 'stake is still unbonding';
        pub const NOTHING_LEFT: felt252 = 'nothing to unstake';
        pub const SLASHED: felt252 = 'worker was slashed';
    }

    /// Why a payment was refused. Returned, not thrown: see `try_back`.
    pub mod Refusals {
        pub const WORKER_SLASHED: felt252 = 'worker_slashed';
        pub const STAKE_TOO_LOW: felt252 = 'stake_too_low';
    }

    #[embeddable_as(Stakes)]
    pub impl StakesImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Vault: VaultComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IStakes<ComponentState<TContractState>> {
        /// Adds `amount` to the caller's stake. The caller has approved it to this contract.
        ///
        /// *Requirements*
        /// - `amount` is not zero.
        /// - The caller was never slashed.
        /// - The token moves exactly `amount`.
        ///
        /// *Emits* `Staked`.
        fn stake(ref self: ComponentState<TContractState>, amount: u128) {
            assert(amount != 0, Errors::ZERO_AMOUNT);
            let worker = get_caller_address();
            let stake = self.stakes.read(worker);
            assert(stake.slashed_at == 0, Errors::SLASHED);
            self.stakes.write(worker, Stake { amount: stake.amount + amount, ..stake });
            self.emit(Staked { worker, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.pull(worker, amount);
        }

        /// Announces that the caller will take `amount` out once it is unbonded. That part stops
        /// being active at once.
        ///
        /// It replaces an earlier announcement and restarts the unbonding; zero cancels. The amount
        /// may exceed the stake: the maximum means everything.
        ///
        /// *Emits* `UnstakeAnnounced`.
        fn announce_unstake(ref self: ComponentState<TContractState>, amount: u128) {
            let worker = get_caller_address();
            let unbonding_s = self.unbonding_s.read();
            let notice = NoticeTrait::announce(amount, get_block_timestamp(), unbonding_s);
            self.unstakes.write(worker, notice);
            self.emit(UnstakeAnnounced { worker, amount, ready_at: notice.ready_at });
        }

        /// Pays the caller what it announced, or the whole stake where that is less.
        ///
        /// *Requirements*
        /// - An unstake is announced and its unbonding is over.
        /// - Something is left of the stake.
        ///
        /// *Emits* `Unstaked`.
        fn unstake(ref self: ComponentState<TContractState>) {
            let worker = get_caller_address();
            let notice = self.unstakes.read(worker);
            assert(notice.amount != 0, Errors::NOT_ANNOUNCED);
            assert(get_block_timestamp() >= notice.ready_at, Errors::UNBONDING);
            let stake = self.stakes.read(worker);
            let amount = notice.covers(stake.amount);
            assert(amount != 0, Errors::NOTHING_LEFT);
            self.unstakes.write(worker, NoticeTrait::none());
            self.stakes.write(worker, Stake { amount: stake.amount - amount, ..stake });
            self.emit(Unstaked { worker, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.push(worker, amount);
        }

        /// The worker's money in this contract as stake, announced parts included.
        fn stake_of(self: @ComponentState<TContractState>, worker: ContractAddress) -> u128 {
            self.stakes.read(worker).amount
        }

        /// The part of the stake that is not announced to leave: what backs new work.
        fn active_stake_of(self: @ComponentState<TContractState>, worker: ContractAddress) -> u128 {
            self.active_part(worker, self.stakes.read(worker).amount)
        }

        /// The announced amount and when it may leave; zeroes when nothing is announced.
        fn announced_unstake_of(
            self: @ComponentState<TContractState>, worker: ContractAddress
        ) -> (u128, u64) {
            let notice = self.unstakes.read(worker);
            (notice.amount, notice.ready_at)
        }

        /// When the last pay of this worker leaves the challenge window; zero when never paid.
        fn exposed_until(self: @ComponentState<TContractState>, worker: ContractAddress) -> u64 {
            self.stakes.read(worker).exposed_until
        }

        /// When the worker was slashed; zero when it was not.
        fn slashed_at(self: @ComponentState<TContractState>, worker: ContractAddress) -> u64 {
            self.stakes.read(worker).slashed_at
        }

        /// Seconds between announcing an unstake and taking it.
        fn unbonding_s(self: @ComponentState<TContractState>) -> u64 {
            self.unbonding_s.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Vault: VaultComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the unbonding time. Called once, by the constructor.
        fn initialize(ref self: ComponentState<TContractState>, unbonding_s: u64) {
            self.unbonding_s.write(unbonding_s);
        }

        /// Whether the worker may be paid: it returns its stake record, or why not.
        fn try_back(
            self: @ComponentState<TContractState>, worker: ContractAddress, min_stake: u128
        ) -> Result<Stake, felt252> {
            let stake = self.stakes.read(worker);
            if stake.slashed_at != 0 {
                return Result::Err(Refusals::WORKER_SLASHED);
            }
            if self.active_part(worker, stake.amount) < min_stake {
                return Result::Err(Refusals::STAKE_TOO_LOW);
            }
            Result::Ok(stake)
        }

        /// Notes that pay of this worker is locked until `unlocks_at`. The record changes only with
        /// the first payment in a bucket, so that the others write nothing.
        fn expose(
            ref self: ComponentState<TContractState>,
            worker: ContractAddress,
            stake: Stake,
            unlocks_at: u64
        ) {
            if stake.exposed_until < unlocks_at {
                self.stakes.write(worker, Stake { exposed_until: unlocks_at, ..stake });
            }
        }

        /// Takes the whole stake, announced parts included: half to the reporter, the rest, which
        /// is one fri more when the stake is odd, to the treasury. A worker that reports itself so
        /// loses half at least.
        ///
        /// *Requirements*
        /// - The worker was never slashed.
        ///
        /// *Emits* `Slashed`.
        fn slash(
            ref self: ComponentState<TContractState>,
            worker: ContractAddress,
            reporter: ContractAddress,
            treasury: ContractAddress
        ) {
            let stake = self.stakes.read(worker);
            assert(stake.slashed_at == 0, Errors::SLASHED);
            let Stake { amount, exposed_until, .. } = stake;
            let slashed_at = get_block_timestamp();
            self.stakes.write(worker, Stake { amount: 0, exposed_until, slashed_at });
            self.unstakes.write(worker, NoticeTrait::none());
            let reward = amount / 2;
            self.emit(Slashed { worker, reporter, amount, reward });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.push_unless_zero(reporter, reward);
            vault.push_unless_zero(treasury, amount - reward);
        }

        fn active_part(
            self: @ComponentState<TContractState>, worker: ContractAddress, stake: u128
        ) -> u128 {
            stake - self.unstakes.read(worker).covers(stake)
        }
    }
}
