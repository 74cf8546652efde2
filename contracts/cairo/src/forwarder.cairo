//! The Forwarder relays what accounts have signed, many outside executions in one transaction of a
//! relayer, who pays the gas. One that fails is undone alone.
//!
//! It holds nothing but the fees that accounts have paid. Its owner chooses the relayers, and that
//! is all it can do; an account is bound by its own signature alone.

#[starknet::contract]
pub mod Forwarder {
    use core::num::traits::Zero;
    use crate::components::ownership::OwnershipComponent::InternalTrait as OwnershipInternal;
    use crate::components::ownership::OwnershipComponent;
    use crate::components::relayers::RelayersComponent::InternalTrait as RelayersInternal;
    use crate::components::relayers::RelayersComponent;
    use crate::interfaces::erc20::{IErc20Dispatcher, IErc20DispatcherTrait};
    use crate::interfaces::forwarder::{ICharged, IFees, IForwarder};
    use crate::types::operation::{
        Charge, Deployment, Operation, OutsideVersion, OutsideVersionTrait
    };
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::syscalls::{call_contract_syscall, deploy_syscall};
    use starknet::{
        ContractAddress, SyscallResult, SyscallResultTrait, get_caller_address, get_contract_address
    };

    component!(path: OwnershipComponent, storage: ownership, event: OwnershipEvent);
    component!(path: RelayersComponent, storage: relayers, event: RelayersEvent);

    #[abi(embed_v0)]
    impl OwnershipImpl = OwnershipComponent::Ownership<ContractState>;
    #[abi(embed_v0)]
    impl RelayersImpl = RelayersComponent::Relayers<ContractState>;

    /// The smallest operation, a transfer by an account with one Stark key, has 19 felts: 200 of
    /// them fit the 4,000 that a gateway takes.
    pub const OPERATIONS_MAX: u32 = 200;

    /// Opens the data of a panic with a message longer than a felt.
    const BYTE_ARRAY_MAGIC: felt252 =
        0x46a6158a16a947e5916b2a2ca68501a45e93d7110e81aa2d6438b1c57c879a3;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        ownership: OwnershipComponent::Storage,
        #[substorage(v0)]
        relayers: RelayersComponent::Storage,
        fee_recipient: ContractAddress,
        /// Set while a relayer's request runs: what an account calls cannot start another, nor take
        /// the balance that a charge is measured by.
        running: bool,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        OwnershipEvent: OwnershipComponent::Event,
        #[flat]
        RelayersEvent: RelayersComponent::Event,
        OperationSucceeded: OperationSucceeded,
        OperationFailed: OperationFailed,
        AccountDeployed: AccountDeployed,
        FeesCollected: FeesCollected,
    }

    /// The account has done what it signed, and has paid its charge.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct OperationSucceeded {
        pub id: felt252,
        pub account: ContractAddress,
    }

    /// Nothing of it has happened. `reason` is the first felt of the error, or the first 31 bytes
    /// of a longer message.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct OperationFailed {
        pub id: felt252,
        pub account: ContractAddress,
        pub reason: felt252,
    }

    /// The account exists from now on.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct AccountDeployed {
        pub id: felt252,
        pub account: ContractAddress,
    }

    /// `amount` of what accounts have paid went to the fee recipient.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct FeesCollected {
        #[key]
        pub token: ContractAddress,
        pub amount: u256,
    }

    pub mod Errors {
        pub const RECIPIENT_IS_ZERO: felt252 = 'fee recipient is zero';
        pub const NO_OPERATIONS: felt252 = 'no operations';
        pub const TOO_MANY_OPERATIONS: felt252 = 'too many operations';
        pub const REENTRANT_CALL: felt252 = 'reentrant call';
        pub const ONLY_FORWARDER: felt252 = 'only the forwarder itself';
        pub const OTHER_ADDRESS: felt252 = 'deployed at another address';
        pub const OTHER_ACCOUNT: felt252 = 'operation of another account';
        pub const NOTHING_TO_COLLECT: felt252 = 'nothing to collect';
        pub const COLLECTION_REFUSED: felt252 = 'token refused the collection';
    }

    /// Why an operation failed, beside what the account and the contracts that it calls say.
    pub mod Refusals {
        pub const ACCOUNT_IS_FORWARDER: felt252 = 'account is the forwarder';
        pub const UNDERPAID: felt252 = 'charge not paid';
        pub const REFUND_REFUSED: felt252 = 'token refused the refund';
    }

    /// Fixes the fee recipient and the notice, and names the first owner and relayers.
    ///
    /// *Requirements*
    /// - `owner` and `fee_recipient` are not zero; no relayer is, and none is named twice.
    /// - `notice_s` is not zero and at most a year.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        fee_recipient: ContractAddress,
        notice_s: u64,
        relayers: Span<ContractAddress>
    ) {
        assert(fee_recipient.is_non_zero(), Errors::RECIPIENT_IS_ZERO);
        self.ownership.initialize(owner, notice_s);
        self.relayers.initialize(relayers);
        self.fee_recipient.write(fee_recipient);
    }

    #[abi(embed_v0)]
    impl ForwarderImpl of IForwarder<ContractState> {
        /// Runs each operation. One that fails, or that does not pay its charge, is undone alone.
        ///
        /// *Requirements*
        /// - The caller is a relayer, and no request of a relayer runs.
        /// - There are 1 to `OPERATIONS_MAX` operations.
        ///
        /// *Emits* `OperationSucceeded` or `OperationFailed` for each, in order.
        fn execute_batch(ref self: ContractState, operations: Span<Operation>) {
            self.enter();
            assert(!operations.is_empty(), Errors::NO_OPERATIONS);
            assert(operations.len() <= OPERATIONS_MAX, Errors::TOO_MANY_OPERATIONS);
            let here = get_contract_address();
            let mut purse = Option::None;
            for operation in operations {
                let Operation { id, account, .. } = *operation;
                match attempt(here, *operation, ref purse) {
                    Result::Ok(()) => self.emit(OperationSucceeded { id, account }),
                    Result::Err(error) => {
                        let reason = reason_of(error.span());
                        self.emit(OperationFailed { id, account, reason });
                    }
                }
            };
            self.running.write(false);
        }

        /// Deploys an account, at the address that it would have if it had deployed itself. A
        /// deployment that fails takes its transaction down, so it never shares one.
        ///
        /// *Requirements*
        /// - The caller is a relayer, and no request of a relayer runs.
        /// - The account comes to be at the address that was named.
        ///
        /// *Emits* `AccountDeployed`.
        fn deploy_account(ref self: ContractState, deployment: Deployment) {
            self.enter();
            self.deploy(deployment);
            self.running.write(false);
        }

        /// Deploys an account and runs its first operation. If either fails, neither happens: an
        /// account that does not pay is not deployed for nothing.
        ///
        /// *Requirements*
        /// - Those of `deploy_account`.
        /// - The operation is of the account that is deployed, and succeeds.
        ///
        /// *Emits* `AccountDeployed` and `OperationSucceeded`.
        fn deploy_and_execute(
            ref self: ContractState, deployment: Deployment, operation: Operation
        ) {
            self.enter();
            let Operation { id, account, .. } = operation;
            assert(account == deployment.account, Errors::OTHER_ACCOUNT);
            self.deploy(deployment);
            let mut purse = Option::None;
            attempt(get_contract_address(), operation, ref purse).unwrap_syscall();
            self.emit(OperationSucceeded { id, account });
            self.running.write(false);
        }
    }

    #[abi(embed_v0)]
    impl ChargedImpl of ICharged<ContractState> {
        /// Runs one operation and keeps `charge` of what it sent here; the rest goes back to the
        /// account. What was here before is not touched: `balance`, or what the token says where
        /// nobody knows it yet. Returns the balance after.
        ///
        /// *Requirements*
        /// - The caller is this contract: a panic here undoes this operation and no other.
        /// - The operation succeeds, and raises the balance by at least the charge.
        /// - The token answers true to the refund.
        fn execute_charged(
            ref self: ContractState,
            account: ContractAddress,
            version: OutsideVersion,
            charge: Charge,
            balance: Option<u256>,
            calldata: Span<felt252>
        ) -> u256 {
            let here = get_contract_address();
            assert(get_caller_address() == here, Errors::ONLY_FORWARDER);
            let token = IErc20Dispatcher { contract_address: charge.token };
            let before = match balance {
                Option::Some(balance) => balance,
                Option::None => token.balance_of(here),
            };
            let owed = before + charge.amount.into();
            call_contract_syscall(account, version.selector(), calldata).unwrap_syscall();
            let balance = token.balance_of(here);
            assert(balance >= owed, Refusals::UNDERPAID);
            if balance != owed {
                assert(token.transfer(account, balance - owed), Refusals::REFUND_REFUSED);
            }
            owed
        }
    }

    #[abi(embed_v0)]
    impl FeesImpl of IFees<ContractState> {
        /// Sends all that this contract holds of `token` to the fee recipient.
        ///
        /// *Requirements*
        /// - No request of a relayer runs.
        /// - There is something, and the token answers true.
        ///
        /// *Emits* `FeesCollected`.
        fn collect(ref self: ContractState, token: ContractAddress) {
            assert(!self.running.read(), Errors::REENTRANT_CALL);
            let erc20 = IErc20Dispatcher { contract_address: token };
            let amount = erc20.balance_of(get_contract_address());
            assert(amount.is_non_zero(), Errors::NOTHING_TO_COLLECT);
            let sent = erc20.transfer(self.fee_recipient.read(), amount);
            assert(sent, Errors::COLLECTION_REFUSED);
            self.emit(FeesCollected { token, amount });
        }

        /// Where all fees go, fixed at deployment.
        fn fee_recipient(self: @ContractState) -> ContractAddress {
            self.fee_recipient.read()
        }
    }

    #[generate_trait]
    impl InternalImpl of InternalTrait {
        fn enter(ref self: ContractState) {
            self.relayers.assert_relayer();
            assert(!self.running.read(), Errors::REENTRANT_CALL);
            self.running.write(true);
        }

        fn deploy(ref self: ContractState, deployment: Deployment) {
            let Deployment { id, account, class, salt, constructor_calldata } = deployment;
            let (address, _) = deploy_syscall(class, salt, constructor_calldata, true)
                .unwrap_syscall();
            assert(address == account, Errors::OTHER_ADDRESS);
            self.emit(AccountDeployed { id, account });
        }
    }

    /// What this contract holds of a token, known from the last operation that succeeded, where
    /// that one paid in it. Nobody acts between two operations, so the token need not be asked
    /// again. What any other operation has sent here is not known, and must not seem to be the
    /// next one's: then the token is asked.
    #[derive(Copy, Drop)]
    struct Purse {
        token: ContractAddress,
        balance: u256,
    }

    /// Runs an operation without letting its failure through.
    fn attempt(
        here: ContractAddress, operation: Operation, ref purse: Option<Purse>
    ) -> SyscallResult<()> {
        let Operation { account, version, charge, calldata, .. } = operation;
        if account == here {
            return Result::Err(array![Refusals::ACCOUNT_IS_FORWARDER]);
        }
        match charge {
            Option::None => {
                call_contract_syscall(account, version.selector(), calldata)?;
                purse = Option::None;
            },
            Option::Some(charge) => {
                let known = known_balance(purse, charge.token);
                let mut arguments = array![];
                (account, version, charge, known, calldata).serialize(ref arguments);
                let selector = selector!("execute_charged");
                let mut returned = call_contract_syscall(here, selector, arguments.span())?;
                let balance = Serde::deserialize(ref returned).unwrap();
                purse = Option::Some(Purse { token: charge.token, balance });
            },
        };
        Result::Ok(())
    }

    fn known_balance(purse: Option<Purse>, token: ContractAddress) -> Option<u256> {
        match purse {
            Option::Some(purse) => if purse.token == token {
                Option::Some(purse.balance)
            } else {
                Option::None
            },
            Option::None => Option::None,
        }
    }

    fn reason_of(error: Span<felt252>) -> felt252 {
        match error.get(0) {
            Option::None => 0,
            Option::Some(first) => {
                let first = *first.unbox();
                // A long message: the magic word, how many full words there are, then the words.
                if first == BYTE_ARRAY_MAGIC && error.len() > 2 {
                    *error[2]
                } else {
                    first
                }
            }
        }
    }
}
