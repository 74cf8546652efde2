//! SNIP-9: calls that an account has signed and somebody else sends.

use starknet::ContractAddress;
use starknet::account::Call;

/// As version 2 has it.
#[derive(Copy, Drop, Debug, Serde)]
pub struct OutsideExecution {
    /// Who alone may send it; 'ANY_CALLER' for everybody.
    pub caller: ContractAddress,
    /// Used once, in no order.
    pub nonce: felt252,
    /// It may be executed later than this, in seconds since 1970.
    pub execute_after: u64,
    /// It may be executed earlier than this, in seconds since 1970.
    pub execute_before: u64,
    /// All happen, or none does.
    pub calls: Span<Call>,
}
