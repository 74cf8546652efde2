//! Sponsors' money: deposits, the notice before it leaves, and how fast it may be spent.
//!
//! A deposit is for one operator. Workers work on what that operator can pay them with, so nothing
//! may take it away sooner than the notice: neither a withdrawal, nor a lowered allowance, nor
//! another operator that a sponsor brings in.

#[starknet::component]
pub mod SponsorsComponent {
    use core::num::traits::Zero;
    use crate::components::vault::VaultComponent;
    use crate::components::vault::VaultComponent::InternalTrait as VaultInternal;
    use crate::interfaces::pool::ISponsors;
    use crate::types::limit::Limit;
    use crate::types::notice::{Notice, NoticeTrait};
    use crate::types::spent::{Spent, SpentTrait};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};

    #[storage]
    pub struct Storage {
        /// By sponsor and operator, as all that follows.
        deposits: Map<(ContractAddress, ContractAddress), u128>,
        withdrawals: Map<(ContractAddress, ContractAddress), Notice>,
        allowances: Map<(ContractAddress, ContractAddress), Limit>,
        /// What the operator may spend in each epoch until the limit in `allowances` counts.
        allowances_before: Map<(ContractAddress, ContractAddress), u128>,
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

    /// The sponsor's deposit for `operator` has grown by `amount`.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Deposited {
        #[key]
        pub sponsor: ContractAddress,
        #[key]
        pub operator: ContractAddress,
        pub amount: u128,
    }

    /// `amount` may leave from `ready_at` on; both are zero when an announcement was cancelled.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct WithdrawalAnnounced {
        #[key]
        pub sponsor: ContractAddress,
        #[key]
        pub operator: ContractAddress,
        pub amount: u128,
        pub ready_at: u64,
    }

    /// The sponsor's deposit has shrunk by `amount`, and its announcement is used up.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Withdrawn {
        #[key]
        pub sponsor: ContractAddress,
        #[key]
        pub operator: ContractAddress,
        pub amount: u128,
    }

    /// From `counts_from` on, at once or after the notice, the operator may spend `per_epoch` of
    /// the deposit in each epoch, the current one included; until then it may spend `before`.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct AllowanceSet {
        #[key]
        pub sponsor: ContractAddress,
        #[key]
        pub operator: ContractAddress,
        pub per_epoch: u128,
        pub counts_from: u64,
        pub before: u128,
    }

    pub mod Errors {
        pub const ZERO_AMOUNT: felt252 = 'amount is zero';
        pub const OPERATOR_IS_ZERO: felt252 = 'operator is zero';
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
        /// Adds `amount` to what the caller has deposited for `operator`. The caller has approved
        /// it to this contract.
        ///
        /// *Requirements*
        /// - `operator` and `amount` are not zero.
        /// - The token moves exactly `amount`.
        ///
        /// *Emits* `Deposited`.
        fn deposit(
            ref self: ComponentState<TContractState>, operator: ContractAddress, amount: u128
        ) {
            assert(operator.is_non_zero(), Errors::OPERATOR_IS_ZERO);
            assert(amount != 0, Errors::ZERO_AMOUNT);
            let sponsor = get_caller_address();
            let deposit = self.deposits.read((sponsor, operator));
            self.deposits.write((sponsor, operator), deposit + amount);
            self.emit(Deposited { sponsor, operator, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.pull(sponsor, amount);
        }

        /// Announces that the caller will take `amount` of its deposit for `operator` out once the
        /// notice is over.
        ///
        /// It replaces an earlier announcement and restarts the notice; zero cancels. The amount
        /// may exceed the deposit, for statements keep lowering it meanwhile: the maximum means
        /// everything. Whoever works for this sponsor should count the announced part as gone.
        ///
        /// *Emits* `WithdrawalAnnounced`.
        fn announce_withdrawal(
            ref self: ComponentState<TContractState>, operator: ContractAddress, amount: u128
        ) {
            let sponsor = get_caller_address();
            let notice_s = self.withdrawal_notice_s.read();
            let notice = NoticeTrait::announce(amount, get_block_timestamp(), notice_s);
            self.withdrawals.write((sponsor, operator), notice);
            let ready_at = notice.ready_at;
            self.emit(WithdrawalAnnounced { sponsor, operator, amount, ready_at });
        }

        /// Pays the caller what it announced, or the whole deposit for `operator` where that has
        /// become less.
        ///
        /// *Requirements*
        /// - A withdrawal is announced and its notice is over.
        /// - Something is left of the deposit.
        ///
        /// *Emits* `Withdrawn`.
        fn withdraw(ref self: ComponentState<TContractState>, operator: ContractAddress) {
            let sponsor = get_caller_address();
            let notice = self.withdrawals.read((sponsor, operator));
            assert(notice.amount != 0, Errors::NOT_ANNOUNCED);
            assert(get_block_timestamp() >= notice.ready_at, Errors::NOTICE_RUNNING);
            let deposit = self.deposits.read((sponsor, operator));
            let amount = notice.covers(deposit);
            assert(amount != 0, Errors::NOTHING_LEFT);
            self.withdrawals.write((sponsor, operator), NoticeTrait::none());
            self.deposits.write((sponsor, operator), deposit - amount);
            self.emit(Withdrawn { sponsor, operator, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.push(sponsor, amount);
        }

        /// Lets `operator` spend up to `per_epoch` of the caller's deposit for it in each epoch.
        ///
        /// A limit that is not lower than the present one counts at once. A lower one, zero to
        /// revoke among them, counts when the withdrawal notice has passed, so that what workers
        /// have done under the old one can still be settled; whoever works for this sponsor should
        /// count it at once. It replaces a limit that does not count yet.
        ///
        /// What the operator has spent in the current epoch counts against the new limit too.
        /// Epochs begin at multiples of `allowance_epoch_s`, the same for everybody.
        ///
        /// *Emits* `AllowanceSet`.
        fn set_allowance(
            ref self: ComponentState<TContractState>, operator: ContractAddress, per_epoch: u128
        ) {
            let sponsor = get_caller_address();
            let now = get_block_timestamp();
            let before = self.limit_at(sponsor, operator, now);
            let counts_from = if per_epoch < before {
                self.allowances_before.write((sponsor, operator), before);
                now + self.withdrawal_notice_s.read()
            } else {
                now
            };
            self.allowances.write((sponsor, operator), Limit { counts_from, per_epoch });
            self.emit(AllowanceSet { sponsor, operator, per_epoch, counts_from, before });
        }

        /// The sponsor's money for this operator, announced withdrawals included.
        fn deposit_of(
            self: @ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress
        ) -> u128 {
            self.deposits.read((sponsor, operator))
        }

        /// The announced amount and when it may leave; zeroes when nothing is announced.
        fn announced_withdrawal_of(
            self: @ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress
        ) -> (u128, u64) {
            let notice = self.withdrawals.read((sponsor, operator));
            (notice.amount, notice.ready_at)
        }

        /// What the operator may still spend of the sponsor's deposit in the current epoch.
        fn allowance_of(
            self: @ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress
        ) -> u128 {
            let spent = self.spent.read((sponsor, operator)).within(self.current_epoch());
            left_of(self.limit_at(sponsor, operator, get_block_timestamp()), spent)
        }

        /// What the operator may spend of the sponsor's deposit in each epoch, at present.
        fn allowance_per_epoch(
            self: @ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress
        ) -> u128 {
            self.limit_at(sponsor, operator, get_block_timestamp())
        }

        /// The limit that was set last and from when on it counts: a moment ahead where it is lower
        /// than the present one.
        fn last_allowance_set(
            self: @ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress
        ) -> (u128, u64) {
            let Limit { counts_from, per_epoch } = self.allowances.read((sponsor, operator));
            (per_epoch, counts_from)
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

        /// What the operator may spend in each epoch, at the moment `now`.
        fn limit_at(
            self: @ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress,
            now: u64
        ) -> u128 {
            let limit = self.allowances.read((sponsor, operator));
            if now >= limit.counts_from {
                limit.per_epoch
            } else {
                self.allowances_before.read((sponsor, operator))
            }
        }

        /// Takes `amount` from the deposit and from the allowance of `epoch`, the one that `now` is
        /// in, or returns why not and takes nothing.
        fn try_debit(
            ref self: ComponentState<TContractState>,
            sponsor: ContractAddress,
            operator: ContractAddress,
            now: u64,
            epoch: u64,
            amount: u128
        ) -> Result<(), felt252> {
            let spent = self.spent.read((sponsor, operator)).within(epoch);
            if amount > left_of(self.limit_at(sponsor, operator, now), spent) {
                return Result::Err(Refusals::INSUFFICIENT_ALLOWANCE);
            }
            let deposit = self.deposits.read((sponsor, operator));
            if amount > deposit {
                return Result::Err(Refusals::INSUFFICIENT_DEPOSIT);
            }
            self.spent.write((sponsor, operator), Spent { epoch, amount: spent + amount });
            self.deposits.write((sponsor, operator), deposit - amount);
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
