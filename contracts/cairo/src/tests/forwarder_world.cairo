//! A Forwarder, two accounts and a token, and short words for what tests do to them.

use crate::forwarder::Forwarder::{Event, OperationFailed, OperationSucceeded};
use crate::forwarder::Forwarder;
use crate::interfaces::erc20::{IErc20Dispatcher, IErc20DispatcherTrait};
use crate::interfaces::forwarder::{
    IFeesDispatcher, IForwarderDispatcher, IForwarderSafeDispatcher, IForwarderSafeDispatcherTrait,
    IOwnershipDispatcher, IRelayersDispatcher
};
use crate::types::operation::{Charge, Operation, OutsideVersion};
use starknet::syscalls::deploy_syscall;
use starknet::testing::{pop_log, pop_log_raw, set_block_timestamp};
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::test_account::{ITestAccountDispatcher, Step, TestAccount};
use super::test_token::{ITestTokenDispatcher, TestToken};
use super::world::{NOTICE, START, act_as};

pub fn owner() -> ContractAddress {
    contract_address_const::<'owner'>()
}

pub fn relayer() -> ContractAddress {
    contract_address_const::<'relayer'>()
}

pub fn fee_recipient() -> ContractAddress {
    contract_address_const::<'fee recipient'>()
}

#[derive(Copy, Drop)]
pub struct ForwarderWorld {
    pub address: ContractAddress,
    pub forwarder: IForwarderDispatcher,
    pub fees: IFeesDispatcher,
    pub relayers: IRelayersDispatcher,
    pub ownership: IOwnershipDispatcher,
    pub token: ITestTokenDispatcher,
    pub first: ITestAccountDispatcher,
    pub second: ITestAccountDispatcher,
}

pub fn deploy_forwarder(
    owner: ContractAddress,
    fee_recipient: ContractAddress,
    notice_s: u64,
    relayers: Span<ContractAddress>
) -> SyscallResult<(ContractAddress, Span<felt252>)> {
    let mut calldata = array![];
    (owner, fee_recipient, notice_s, relayers).serialize(ref calldata);
    deploy_syscall(Forwarder::TEST_CLASS_HASH.try_into().unwrap(), 0, calldata.span(), false)
}

pub fn deploy_token(salt: felt252) -> ITestTokenDispatcher {
    let class = TestToken::TEST_CLASS_HASH.try_into().unwrap();
    let (contract_address, _) = deploy_syscall(class, salt, [].span(), false).unwrap();
    ITestTokenDispatcher { contract_address }
}

fn deploy_account(salt: felt252) -> ITestAccountDispatcher {
    let class = TestAccount::TEST_CLASS_HASH.try_into().unwrap();
    let (contract_address, _) = deploy_syscall(class, salt, ['owner'].span(), false).unwrap();
    ITestAccountDispatcher { contract_address }
}

/// At `START`, with one relayer, who is the caller of what follows.
pub fn forwarder_world() -> ForwarderWorld {
    set_block_timestamp(START);
    let (address, _) = deploy_forwarder(owner(), fee_recipient(), NOTICE, [relayer()].span())
        .unwrap();
    let world = ForwarderWorld {
        address,
        forwarder: IForwarderDispatcher { contract_address: address },
        fees: IFeesDispatcher { contract_address: address },
        relayers: IRelayersDispatcher { contract_address: address },
        ownership: IOwnershipDispatcher { contract_address: address },
        token: deploy_token(0),
        first: deploy_account(1),
        second: deploy_account(2),
    };
    world.forget_events();
    act_as(relayer());
    world
}

/// What the account is to do, as its functions take it.
pub fn doing(steps: Array<Step>, words: Array<felt252>) -> Span<felt252> {
    let mut calldata = array![];
    (steps, words).serialize(ref calldata);
    calldata.span()
}

/// Does nothing and succeeds.
pub fn idle(id: felt252, account: ITestAccountDispatcher) -> Operation {
    let calldata = doing(array![], array![]);
    Operation {
        id,
        account: account.contract_address,
        version: OutsideVersion::V2,
        charge: Option::None,
        calldata
    }
}

/// Does nothing and panics.
pub fn panicking(id: felt252, account: ITestAccountDispatcher, words: Array<felt252>) -> Operation {
    Operation { calldata: doing(array![], words), ..idle(id, account) }
}

pub fn succeeded(operation: Operation) -> Event {
    let Operation { id, account, .. } = operation;
    Event::OperationSucceeded(OperationSucceeded { id, account })
}

pub fn failed(operation: Operation, reason: felt252) -> Event {
    let Operation { id, account, .. } = operation;
    Event::OperationFailed(OperationFailed { id, account, reason })
}

#[generate_trait]
pub impl ForwarderWorldImpl of ForwarderWorldTrait {
    fn balance_of(self: @ForwarderWorld, account: ContractAddress) -> u256 {
        IErc20Dispatcher { contract_address: (*self.token).contract_address }.balance_of(account)
    }

    /// A transfer to the Forwarder.
    fn payment(self: @ForwarderWorld, amount: u256) -> Step {
        let mut calldata = array![];
        (*self.address, amount).serialize(ref calldata);
        let token = *self.token;
        Step {
            to: token.contract_address, selector: selector!("transfer"), calldata: calldata.span()
        }
    }

    /// Sends `amount` to the Forwarder and owes `charge` of it.
    fn paying(
        self: @ForwarderWorld,
        id: felt252,
        account: ITestAccountDispatcher,
        amount: u256,
        charge: u128
    ) -> Operation {
        let calldata = doing(array![self.payment(amount)], array![]);
        let token = (*self.token).contract_address;
        let charge = Option::Some(Charge { token, amount: charge });
        Operation { charge, calldata, ..idle(id, account) }
    }

    #[feature("safe_dispatcher")]
    fn try_batch(self: @ForwarderWorld, operations: Span<Operation>) -> SyscallResult<()> {
        IForwarderSafeDispatcher { contract_address: *self.address }.execute_batch(operations)
    }

    /// Asserts that the next event of the Forwarder is this one.
    fn expect(self: @ForwarderWorld, event: Event) {
        assert_eq!(pop_log(*self.address), Option::Some(event));
    }

    fn expect_silence(self: @ForwarderWorld) {
        assert!(pop_log_raw(*self.address).is_none(), "the Forwarder emitted something");
    }

    fn forget_events(self: @ForwarderWorld) {
        while pop_log_raw(*self.address).is_some() {};
    }
}
