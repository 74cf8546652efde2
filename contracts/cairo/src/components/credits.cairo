//! CIRO credits: what a worker gets beside its pay. They are a claim on nothing.
//!
//! Credits are due on pay that was claimed, which is pay that no fraud was shown against within the
//! challenge window: settling costs no gas more for them, and a liar's frozen pay earns none.
//!
//! The schedule halves. While no credits are minted, 10^18 fri of claimed pay give 10^18 units of
//! credit. Each time half of what was then left of the cap has been minted, the rate halves.

#[starknet::component]
pub mod CreditsComponent {
    use core::num::traits::Zero;
    use crate::components::binding::BindingComponent;
    use crate::components::binding::BindingComponent::InternalTrait as BindingInternal;
    use crate::interfaces::credits::{IMintableDispatcher, IMintableDispatcherTrait};
    use crate::interfaces::job_manager::ICredits;
    use crate::interfaces::pool::{IPendingPayDispatcher, IPendingPayDispatcherTrait};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::syscalls::deploy_syscall;
    use starknet::{ClassHash, ContractAddress, SyscallResultTrait, get_contract_address};

    #[storage]
    pub struct Storage {
        credits: ContractAddress,
        credits_cap: u128,
        credits_minted: u128,
        /// By worker: the claimed pay that credits were minted for.
        credited: Map<ContractAddress, u128>,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        CreditsMinted: CreditsMinted,
    }

    /// `amount` credits for `pay` fri that the worker claimed.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct CreditsMinted {
        #[key]
        pub worker: ContractAddress,
        pub pay: u128,
        pub amount: u128,
    }

    pub mod Errors {
        pub const CLASS_IS_ZERO: felt252 = 'credits class is zero';
        pub const NOTHING_DUE: felt252 = 'no credits are due';
    }

    #[embeddable_as(Credits)]
    pub impl CreditsImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Binding: BindingComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of ICredits<ComponentState<TContractState>> {
        /// Mints what is due to `worker`, to the worker, whoever calls.
        ///
        /// *Requirements*
        /// - Something is due.
        ///
        /// *Emits* `CreditsMinted`.
        fn mint_credits(ref self: ComponentState<TContractState>, worker: ContractAddress) {
            let pay = self.uncredited_pay_of(worker);
            let minted = self.credits_minted.read();
            let amount = due(pay, minted, self.credits_cap.read());
            assert(amount != 0, Errors::NOTHING_DUE);
            self.credited.write(worker, self.credited.read(worker) + pay);
            self.credits_minted.write(minted + amount);
            self.emit(CreditsMinted { worker, pay, amount });
            let token = IMintableDispatcher { contract_address: self.credits.read() };
            token.permissioned_mint(worker, amount.into());
        }

        /// What `mint_credits` would mint now.
        fn credits_due(self: @ComponentState<TContractState>, worker: ContractAddress) -> u128 {
            let pay = self.uncredited_pay_of(worker);
            due(pay, self.credits_minted.read(), self.credits_cap.read())
        }

        /// All credits that exist.
        fn credits_minted(self: @ComponentState<TContractState>) -> u128 {
            self.credits_minted.read()
        }

        /// The most credits that will ever exist.
        fn credits_cap(self: @ComponentState<TContractState>) -> u128 {
            self.credits_cap.read()
        }

        /// The token contract, which only this contract can mint.
        fn credits(self: @ComponentState<TContractState>) -> ContractAddress {
            self.credits.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Binding: BindingComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of InternalTrait<TContractState> {
        /// Deploys the token from a declared class with the constructor of StarkGate's ERC-20. This
        /// contract is its minter and its governor, and has no function that governs: nobody can
        /// change the minter or upgrade the token.
        ///
        /// *Requirements*
        /// - `class` is not zero and is declared.
        fn initialize(ref self: ComponentState<TContractState>, class: ClassHash, cap: u128) {
            assert(class.is_non_zero(), Errors::CLASS_IS_ZERO);
            let here = get_contract_address();
            let mut calldata = array![];
            let name: ByteArray = "CIRO credits";
            let symbol: ByteArray = "CIRO";
            name.serialize(ref calldata);
            symbol.serialize(ref calldata);
            // Decimals, initial supply, its recipient, minter, governor, days until an upgrade.
            (18_u8, 0_u256, here, here, here, 0_u64).serialize(ref calldata);
            let (token, _) = deploy_syscall(class, 0, calldata.span(), false).unwrap_syscall();
            self.credits.write(token);
            self.credits_cap.write(cap);
        }

        fn uncredited_pay_of(
            self: @ComponentState<TContractState>, worker: ContractAddress
        ) -> u128 {
            let pool = get_dep_component!(self, Binding).money().contract_address;
            let earned = IPendingPayDispatcher { contract_address: pool }.earned_of(worker);
            earned - self.credited.read(worker)
        }
    }

    /// The credits for `pay` when `minted` of `cap` exist.
    ///
    /// Era `k` mints half of what eras before it left, at a rate of one credit for `2^k` fri. A
    /// payment that ends an era is split there. Rounds down, so the cap is never passed.
    pub fn due(pay: u128, minted: u128, cap: u128) -> u128 {
        let mut pay = pay;
        let mut amount = 0;
        let mut era_start = 0;
        let mut fri_per_credit = 0;
        loop {
            let era_length = (cap - era_start) / 2;
            if era_length == 0 {
                break amount;
            }
            // Doubled here and not after the era, since 2^128 would follow the last one of the
            // largest cap.
            fri_per_credit = if fri_per_credit == 0 {
                1
            } else {
                fri_per_credit * 2
            };
            let era_end = era_start + era_length;
            if minted + amount < era_end {
                let left = era_end - minted - amount;
                let whole = pay / fri_per_credit;
                if whole < left {
                    break amount + whole;
                }
                amount += left;
                pay -= left * fri_per_credit;
            }
            era_start = era_end;
        }
    }
}
