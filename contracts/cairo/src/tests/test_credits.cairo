//! A mintable ERC-20 with the constructor of StarkGate's, for tests: only its minter mints.

#[starknet::interface]
pub trait ITestCredits<TState> {
    fn permissioned_mint(ref self: TState, account: starknet::ContractAddress, amount: u256);
    fn balance_of(self: @TState, account: starknet::ContractAddress) -> u256;
    fn governor(self: @TState) -> starknet::ContractAddress;
}

#[starknet::contract]
pub mod TestCredits {
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_caller_address};

    #[storage]
    struct Storage {
        balances: Map<ContractAddress, u256>,
        minter: ContractAddress,
        governor: ContractAddress,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        name: ByteArray,
        symbol: ByteArray,
        decimals: u8,
        initial_supply: u256,
        initial_recipient: ContractAddress,
        permitted_minter: ContractAddress,
        provisional_governance_admin: ContractAddress,
        upgrade_delay: u64
    ) {
        assert(decimals == 18 && initial_supply == 0, 'test credits: constructor');
        self.minter.write(permitted_minter);
        self.governor.write(provisional_governance_admin);
    }

    #[abi(embed_v0)]
    impl CreditsImpl of super::ITestCredits<ContractState> {
        fn permissioned_mint(ref self: ContractState, account: ContractAddress, amount: u256) {
            assert(get_caller_address() == self.minter.read(), 'test credits: not the minter');
            self.balances.write(account, self.balances.read(account) + amount);
        }

        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.balances.read(account)
        }

        fn governor(self: @ContractState) -> ContractAddress {
            self.governor.read()
        }
    }
}
