//! Workers' stakes. Stake that is announced to leave no longer backs new work at once.

#[starknet::component]
pub mod StakesComponent {
    use crate::components::vault::VaultComponent;
    use crate::components::vault::VaultComponent::InternalTrait as VaultInternal;
    use crate::interfaces::pool::IStakes;
    use crate::types::notice::{Notice, NoticeTrait};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};

    #[storage]
    pub struct Storage {
        stakes: Map<ContractAddress, u128>,
        unstakes: Map<ContractAddress, Notice>,
        unbonding_s: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        Staked: Staked,
        UnstakeAnnounced: UnstakeAnnounced,
        Unstaked: Unstaked,
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

    pub mod Errors {
        pub const ZERO_AMOUNT: felt252 = 'amount is zero';
        pub const NOT_ANNOUNCED: felt252 = 'no unstake announced';
        pub const UNBONDING: felt252 = 'stake is still unbonding';
        pub const NOTHING_LEFT: felt252 = 'nothing to unstake';
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
        /// - The token moves exactly `amount`.
        ///
        /// *Emits* `Staked`.
        fn stake(ref self: ComponentState<TContractState>, amount: u128) {
            assert(amount != 0, Errors::ZERO_AMOUNT);
            let worker = get_caller_address();
            self.stakes.write(worker, self.stakes.read(worker) + amount);
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
            let amount = notice.covers(stake);
            assert(amount != 0, Errors::NOTHING_LEFT);
            self.unstakes.write(worker, NoticeTrait::none());
            self.stakes.write(worker, stake - amount);
            self.emit(Unstaked { worker, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.push(worker, amount);
        }

        /// The worker's money in this contract as stake, announced parts included.
        fn stake_of(self: @ComponentState<TContractState>, worker: ContractAddress) -> u128 {
            self.stakes.read(worker)
        }

        /// The part of the stake that is not announced to leave: what backs new work.
        fn active_stake_of(self: @ComponentState<TContractState>, worker: ContractAddress) -> u128 {
            let stake = self.stakes.read(worker);
            stake - self.unstakes.read(worker).covers(stake)
        }

        /// The announced amount and when it may leave; zeroes when nothing is announced.
        fn announced_unstake_of(
            self: @ComponentState<TContractState>, worker: ContractAddress
        ) -> (u128, u64) {
            let notice = self.unstakes.read(worker);
            (notice.amount, notice.ready_at)
        }

        /// Seconds between announcing an unstake and taking it.
        fn unbonding_s(self: @ComponentState<TContractState>) -> u64 {
            self.unbonding_s.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the unbonding time. Called once, by the constructor.
        fn initialize(ref self: ComponentState<TContractState>, unbonding_s: u64) {
            self.unbonding_s.write(unbonding_s);
        }
    }
}
