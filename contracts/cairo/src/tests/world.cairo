//! A deployed pair with a token, and short words for what tests do to it.

use crate::interfaces::erc20::{IErc20Dispatcher, IErc20DispatcherTrait};
use crate::adjudicators::sha256::Sha256Adjudicator;
use crate::interfaces::job_manager::{
    ICreditsDispatcher, IFraudDispatcher, IModelsDispatcher, IModelsDispatcherTrait,
    IOnchainJobsDispatcher, IOperatorsDispatcher, IPauseDispatcher, IRolesDispatcher,
    ISettlementDispatcher, ISettlementDispatcherTrait, IWorkersDispatcher, IWorkersDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcher, IPendingPayDispatcherTrait, IPoolDispatcher, IPoolDispatcherTrait,
    ISponsorsDispatcher, ISponsorsDispatcherTrait, IStakesDispatcher, IStakesDispatcherTrait
};
use crate::job_manager::JobManager;
use crate::pool::CdcPool;
use crate::types::parameters::{ManagerParameters, PoolParameters};
use crate::types::statement::{SignedStatement, Statement};
use starknet::syscalls::deploy_syscall;
use starknet::testing::{
    pop_log, pop_log_raw, set_block_timestamp, set_chain_id, set_contract_address
};
use starknet::{ClassHash, ContractAddress, SyscallResult, contract_address_const};
use super::signer::{public_key, sign};
use super::test_credits::TestCredits;
use super::test_token::{ITestTokenDispatcher, ITestTokenDispatcherTrait, TestToken};

pub const CHAIN_ID: felt252 = 'SN_SEPOLIA';
pub const WINDOW: u64 = 1_000;
pub const NOTICE: u64 = 2_000;
pub const UNBONDING: u64 = 5_000;
pub const ALLOWANCE_EPOCH: u64 = 10_000;
pub const CREDITS_CAP: u128 = 1_000_000;
/// The beginning of a bucket and of an epoch of allowances.
pub const START: u64 = 1_000_000;
pub const MIN_STAKE: u128 = 500;
pub const WORKER_SECRET: felt252 = 0x5eed;

pub fn sponsor() -> ContractAddress {
    contract_address_const::<'sponsor'>()
}

pub fn worker() -> ContractAddress {
    contract_address_const::<'worker'>()
}

pub fn operator() -> ContractAddress {
    contract_address_const::<'operator'>()
}

pub fn registrar() -> ContractAddress {
    contract_address_const::<'registrar'>()
}

pub fn guardian() -> ContractAddress {
    contract_address_const::<'guardian'>()
}

pub fn treasury() -> ContractAddress {
    contract_address_const::<'treasury'>()
}

pub fn stranger() -> ContractAddress {
    contract_address_const::<'stranger'>()
}

/// What a deployment needs; a test changes one field to see it refused.
#[derive(Copy, Drop)]
pub struct Parameters {
    pub pool: PoolParameters,
    pub class: ClassHash,
    pub manager: ManagerParameters,
}

#[derive(Copy, Drop)]
pub struct World {
    pub pool_address: ContractAddress,
    pub manager_address: ContractAddress,
    pub token: ITestTokenDispatcher,
    pub pool: IPoolDispatcher,
    pub sponsors: ISponsorsDispatcher,
    pub stakes: IStakesDispatcher,
    pub pay: IPendingPayDispatcher,
    pub settlement: ISettlementDispatcher,
    pub workers: IWorkersDispatcher,
    pub models: IModelsDispatcher,
    pub operators: IOperatorsDispatcher,
    pub jobs: IOnchainJobsDispatcher,
    pub fraud: IFraudDispatcher,
    pub credits: ICreditsDispatcher,
    pub roles: IRolesDispatcher,
    pub pause: IPauseDispatcher,
}

pub fn good_parameters() -> Parameters {
    let class = TestToken::TEST_CLASS_HASH.try_into().unwrap();
    let (token, _) = deploy_syscall(class, 0, [].span(), false).unwrap();
    let pool = PoolParameters {
        token,
        treasury: treasury(),
        challenge_window_s: WINDOW,
        withdrawal_notice_s: NOTICE,
        unbonding_s: UNBONDING,
        allowance_epoch_s: ALLOWANCE_EPOCH,
    };
    let manager = ManagerParameters {
        registrar: registrar(),
        guardian: guardian(),
        min_worker_stake: MIN_STAKE,
        credits_class: TestCredits::TEST_CLASS_HASH.try_into().unwrap(),
        credits_cap: CREDITS_CAP,
    };
    Parameters { pool, class: JobManager::TEST_CLASS_HASH.try_into().unwrap(), manager }
}

pub fn deploy(parameters: Parameters) -> SyscallResult<(ContractAddress, Span<felt252>)> {
    let Parameters { pool, class, manager } = parameters;
    let mut calldata = array![];
    (pool, class, manager).serialize(ref calldata);
    deploy_syscall(CdcPool::TEST_CLASS_HASH.try_into().unwrap(), 0, calldata.span(), false)
}

/// A fresh pair at `START`, with nobody in it.
pub fn empty_world() -> World {
    set_chain_id(CHAIN_ID);
    set_block_timestamp(START);
    let parameters = good_parameters();
    let (pool_address, _) = deploy(parameters).unwrap();
    let pool = IPoolDispatcher { contract_address: pool_address };
    let manager_address = pool.job_manager();
    World {
        pool_address,
        manager_address,
        token: ITestTokenDispatcher { contract_address: parameters.pool.token },
        pool,
        sponsors: ISponsorsDispatcher { contract_address: pool_address },
        stakes: IStakesDispatcher { contract_address: pool_address },
        pay: IPendingPayDispatcher { contract_address: pool_address },
        settlement: ISettlementDispatcher { contract_address: manager_address },
        workers: IWorkersDispatcher { contract_address: manager_address },
        models: IModelsDispatcher { contract_address: manager_address },
        operators: IOperatorsDispatcher { contract_address: manager_address },
        jobs: IOnchainJobsDispatcher { contract_address: manager_address },
        fraud: IFraudDispatcher { contract_address: manager_address },
        credits: ICreditsDispatcher { contract_address: manager_address },
        roles: IRolesDispatcher { contract_address: manager_address },
        pause: IPauseDispatcher { contract_address: manager_address },
    }
}

/// A pair with a registered worker (stake 500) and a sponsor (deposit 10,000, allowance 4,000 an
/// epoch).
pub fn busy_world() -> World {
    let world = empty_world();
    world.add_worker(worker(), 500, WORKER_SECRET);
    world.add_sponsor(sponsor(), 10_000, 4_000);
    world.forget_events();
    act_as(operator());
    world
}

pub fn act_as(caller: ContractAddress) {
    set_contract_address(caller);
}

pub fn at(timestamp: u64) {
    set_block_timestamp(timestamp);
}

/// The first statement of this sponsor and worker: 100 results for 1,000.
pub fn first_statement() -> Statement {
    Statement {
        sponsor: sponsor(), worker: worker(), seq: 1, count: 100, amount: 1_000, receipts: 'root'
    }
}

/// The reason that the callee gave, which comes first in the panic data.
pub fn assert_refused<T, +Drop<T>>(outcome: SyscallResult<T>, reason: felt252) {
    match outcome {
        Result::Ok(_) => panic!("it was not refused"),
        Result::Err(data) => assert_eq!(*data[0], reason),
    }
}

#[generate_trait]
pub impl WorldImpl of WorldTrait {
    fn fund(self: @World, account: ContractAddress, amount: u128) {
        (*self.token).mint(account, amount.into());
        act_as(account);
        (*self.token).approve(*self.pool_address, amount.into());
    }

    fn add_worker(self: @World, worker: ContractAddress, stake: u128, secret: felt252) {
        self.fund(worker, stake);
        (*self.stakes).stake(stake);
        (*self.workers).register_worker(public_key(secret));
    }

    fn add_sponsor(self: @World, sponsor: ContractAddress, deposit: u128, allowance: u128) {
        self.fund(sponsor, deposit);
        (*self.sponsors).deposit(operator(), deposit);
        (*self.sponsors).set_allowance(operator(), allowance);
    }

    fn balance_of(self: @World, account: ContractAddress) -> u256 {
        IErc20Dispatcher { contract_address: (*self.token).contract_address }.balance_of(account)
    }

    /// Signed by the worker of `busy_world`.
    fn sign(self: @World, statement: Statement) -> SignedStatement {
        self.sign_with(statement, WORKER_SECRET)
    }

    fn sign_with(self: @World, statement: Statement, secret: felt252) -> SignedStatement {
        self.sign_for(operator(), statement, secret)
    }

    fn sign_for(
        self: @World, operator: ContractAddress, statement: Statement, secret: felt252
    ) -> SignedStatement {
        let message = (*self.settlement)
            .statement_message_hash(statement, operator, statement.worker);
        let (signature_r, signature_s) = sign(message, secret);
        SignedStatement { statement, signature_r, signature_s }
    }

    /// The operator pays the worker `amount` by the statement with this number.
    fn pay(self: @World, seq: u128, amount: u128) {
        act_as(operator());
        let statement = Statement { seq, amount, ..first_statement() };
        (*self.settlement).settle(array![self.sign(statement)]);
    }

    /// What of the worker's pay from `sponsor()` is locked, and all that it can claim.
    fn pending_of(self: @World, worker: ContractAddress) -> (u128, u128) {
        let (locked, mature) = (*self.pay).pending_of(worker, sponsor());
        (locked, mature + (*self.pay).claimable_of(worker))
    }

    /// Claims the worker's pay from `sponsor()`.
    fn claim(self: @World, worker: ContractAddress) {
        (*self.pay).claim(worker, [sponsor()].span());
    }

    /// Registers 'hash', a re-executable model that the sha256 adjudicator recomputes: inputs up to
    /// 4,096 bytes, from 10 fri, for workers with a stake of 600.
    fn add_hash_model(self: @World) {
        let class = Sha256Adjudicator::TEST_CLASS_HASH.try_into().unwrap();
        let (adjudicator, _) = deploy_syscall(class, 0, [].span(), false).unwrap();
        act_as(registrar());
        (*self.models)
            .register_model('hash', 1, adjudicator, 'poseidon', 4_096, 10, 600, "ipfs://hash");
    }

    /// Asserts that the next event of the pool is this one.
    fn expect_of_pool(self: @World, event: CdcPool::Event) {
        assert_eq!(pop_log(*self.pool_address), Option::Some(event));
    }

    /// Asserts that the next event of the JobManager is this one.
    fn expect_of_manager(self: @World, event: JobManager::Event) {
        assert_eq!(pop_log(*self.manager_address), Option::Some(event));
    }

    fn forget_events(self: @World) {
        while pop_log_raw(*self.pool_address).is_some() {};
        while pop_log_raw(*self.manager_address).is_some() {};
    }
}
