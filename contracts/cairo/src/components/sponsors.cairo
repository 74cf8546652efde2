//! Sponsors' money: deposits, the notice before it leaves, and who may spend how much of it.

#[starknet::component]
pub mod SponsorsComponent {
    use crate::components::vault::VaultComponent;
    use crate::components::vault::VaultComponent::InternalTrait as VaultInternal;
    use crate::interfaces::pool::ISponsors;
    use crate::types::notice::{Notice, NoticeTrait};
    use crate::types::spent::{Spent, SpentTrait};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};

    #[storage]
    pub struct Storage {
        deposits: Map<ContractAddress, u128>,
        withdrawals: Map<ContractAddress, Notice>,
        /// By sponsor and operator: what it may spend in each epoch.
        allowances: Map<(ContractAddress, ContractAddress), u128>,
        /// By sponsor and operator.
        spent: Map<(ContractAddress, ContractAddress), Spent>,
        withdrawal_notice_s: u64,
        allowance_epoch_s: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        Deposited: Deposited,
        WithdrawalAnnounced: WithdrawalAnnounced,
        Withdrawn: Withdrawn,
        AllowanceSet: AllowanceSet,
    }

    /// The sponsor's deposit has grown by `amount`.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Deposited {
        #[key]
        pub sponsor: ContractAddress,
        pub amount: u128,
    }

    /// `amount` may leave from `ready_at` on; both are zero when an announcement was cancelled.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct WithdrawalAnnounced {
        #[key]
        pub sponsor: ContractAddress,
        pub amount: u128,
        pub ready_at: u64,
    }

    /// The sponsor's deposit has shrunk by `amount`, and its announcement is used up.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Withdrawn {
        #[key]
        pub sponsor: ContractAddress,
        pub amount: u128,
    }

    /// The operator may spend `per_epoch` of the sponsor's deposit in each epoch, this one
    /// included.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct AllowanceSet {
        #[key]
        pub sponsor: ContractAddress,
        #[key]
        pub operator: ContractAddress,
        pub per_epoch: u128,
    }

    pub mod Errors {
        pub const ZERO_AMOUNT: felt252 = 'amount is zero';
        pub const NOT_ANNOUNCED: felt252 = 'no withdrawal announced';
        pub const NOTICE_RUNNING: felt252 = 'notice is not over';
        pub const NOTHING_LEFT: felt252 = 'nothing to withdraw';
    }

    /// Why a payment was refused. Returned, not thrown: see `try_debit`.
    pub mod Refusals {
        pub const INSUFFICIENT_ALLOWANCE: felt252 = 'insufficient_allowance';
        pub const INSUFFICIENT_DEPOSIT: felt252 = 'insufficient_deposit';
    }

    #[embeddable_as(Sponsors)]
    pub impl SponsorsImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Vault: VaultComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of ISponsors<ComponentState<TContractState>> {
        /// Adds `amount` to the caller's deposit. The caller has approved it to this contract.
        ///
        /// *Requirements*
        /// - `amount` is not zero.
        /// - The token moves exactly `amount`.
        ///
        /// *Emits* `Deposited`.
        fn deposit(ref self: ComponentState<TContractState>, amount: u128) {
            assert(amount != 0, Errors::ZERO_AMOUNT);
            let sponsor = get_caller_address();
            self.deposits.write(sponsor, self.deposits.read(sponsor) + amount);
            self.emit(Deposited { sponsor, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.pull(sponsor, amount);
        }

        /// Announces that the caller will take `amount` out once the notice is over.
        ///
        /// It replaces an earlier announcement and restarts the notice; zero cancels. The amount
        /// may exceed the deposit, for statements keep lowering it meanwhile: the maximum means
        /// everything. Whoever works for this sponsor should count the announced part as gone.
        ///
        /// *Emits* `WithdrawalAnnounced`.
        fn announce_withdrawal(ref self: ComponentState<TContractState>, amount: u128) {
            let sponsor = get_caller_address();
            let notice_s = self.withdrawal_notice_s.read();
            let notice = NoticeTrait::announce(amount, get_block_timestamp(), notice_s);
            self.withdrawals.write(sponsor, notice);
            self.emit(WithdrawalAnnounced { sponsor, amount, ready_at: notice.ready_at });
        }

        /// Pays the caller what it announced, or the whole deposit where that has become less.
        ///
        /// *Requirements*
        /// - A withdrawal is announced and its notice is over.
        /// - Something is left of the deposit.
        ///
        /// *Emits* `Withdrawn`.
        fn withdraw(ref self: ComponentState<TContractState>) {
            let sponsor = get_caller_address();
            let notice = self.withdrawals.read(sponsor);
            assert(notice.amount != 0, Errors::NOT_ANNOUNCED);
            assert(get_block_timestamp() >= notice.ready_at, Errors::NOTICE_RUNNING);
            let deposit = self.deposits.read(sponsor);
            let amount = notice.covers(deposit);
            assert(amount != 0, Errors::NOTHING_LEFT);
            self.withdrawals.write(sponsor, NoticeTrait::none());
            self.deposits.write(sponsor, deposit - amount);
            self.emit(Withdrawn { sponsor, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.push(sponsor, amount);
        }

        /// Lets `operator` spend up to `per_epoch` of the caller's deposit in each epoch, whatever
        /// it could spend before. Zero revokes.
        ///
        /// What it has spent in the current epoch counts against the new limit too, so lowering a
        /// limit can't be raced by spending the old one first. Epochs begin at multiples of
        /// `allowance_epoch_s`, the same for everybody.
        ///
        /// *Emits* `AllowanceSet`.
        fn set_allowance(
            ref self: ComponentState<TContractState>, operator: ContractAddress, per_epoch: u128
        ) {
            let sponsor = get_caller_address();
            self.allowances.write((sponsor, operator), per_epoch);
            self.emit(AllowanceSet { sponsor, operator, per_epoch });
        }

        /// The sponsor's money in this contract, announced withdrawals included.
        fn deposit_of(self: @ComponentState<TContractState>, sponsor: ContractAddress) -> u128 {
            self.deposits.read(sponsor)
        }

        /// The announced amount and when it may leave; zeroes when nothing is announced.
        fn announced_withdrawal_of(
            self: @ComponentState<TContractState>, sponsor: ContractAddress
        ) -> (u128, u64) {
            let notice = self.withdrawals.read(sponsor);
            (notice.amount, notice.ready_at)
        }

        /// What the operator may still spend of the sponsor's deposit in the current epoch.
        fn allowance_of(
            self: @ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress
        ) -> u128 {
            let spent = self.spent.read((sponsor, operator)).within(self.current_epoch());
            left_of(self.allowances.read((sponsor, operator)), spent)
        }

        /// What the operator may spend of the sponsor's deposit in each epoch.
        fn allowance_per_epoch(
            self: @ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress
        ) -> u128 {
            self.allowances.read((sponsor, operator))
        }

        /// How long an epoch of allowances is, in seconds.
        fn allowance_epoch_s(self: @ComponentState<TContractState>) -> u64 {
            self.allowance_epoch_s.read()
        }

        /// Seconds between announcing a withdrawal and taking it.
        fn withdrawal_notice_s(self: @ComponentState<TContractState>) -> u64 {
            self.withdrawal_notice_s.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the durations. Called once, by the constructor.
        fn initialize(
            ref self: ComponentState<TContractState>,
            withdrawal_notice_s: u64,
            allowance_epoch_s: u64
        ) {
            self.withdrawal_notice_s.write(withdrawal_notice_s);
            self.allowance_epoch_s.write(allowance_epoch_s);
        }

        /// The number of the epoch of allowances that this block is in.
        fn current_epoch(self: @ComponentState<TContractState>) -> u64 {
            get_block_timestamp() / self.allowance_epoch_s.read()
        }

        /// Adds what was taken back from a slashed worker. It is already in this contract.
        fn credit(
            ref self: ComponentState<TContractState>, sponsor: ContractAddress, amount: u128
        ) {
            self.deposits.write(sponsor, self.deposits.read(sponsor) + amount);
        }

        /// Takes `amount` from the deposit and from the allowance of `epoch`, the current one, or
        /// returns why not and takes nothing.
        fn try_debit(
            ref self: ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress,
            epoch: u64,
            amount: u128
        ) -> Result<(), felt252> {
            let spent = self.spent.read((sponsor, operator)).within(epoch);
            if amount > left_of(self.allowances.read((sponsor, operator)), spent) {
                return Result::Err(Refusals::INSUFFICIENT_ALLOWANCE);
            }
            let deposit = self.deposits.read(sponsor);
            if amount > deposit {
                return Result::Err(Refusals::INSUFFICIENT_DEPOSIT);
            }
            self.spent.write((sponsor, operator), Spent { epoch, amount: spent + amount });
            self.deposits.write(sponsor, deposit - amount);
            Result::Ok(())
        }
    }

    /// A limit may have been lowered below what was spent under it.
    fn left_of(limit: u128, spent: u128) -> u128 {
        if limit > spent {
            limit - spent
        } else {
            0
        }
    }
}
