//! The ERC-20 token that everything is counted in. Amounts of 2^128 and more do not exist here.

use ciro_api::{Address, Felt, Fri};
use starknet_rust::core::types::Call;

use crate::{
    chain::{Chain, ChainError},
    felts::{Felts, selector},
};

/// STRK, at the same address on mainnet, Sepolia and devnet.
pub const STRK: Address = Address(Felt::from_hex_unchecked(
    "0x4718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d",
));

/// A token contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it is.
    pub address: Address,
}

impl Token {
    fn call(self, function: &str, to: Address, amount: Fri) -> Call {
        // A u256: the low half, then the high one.
        let calldata = vec![to.0, amount.into(), Felt::ZERO];
        Call { to: self.address.0, selector: selector(function), calldata }
    }

    /// Lets `spender` pull `amount` from the caller.
    pub fn approve(self, spender: Address, amount: Fri) -> Call {
        self.call("approve", spender, amount)
    }

    /// Sends `amount` from the caller to `to`.
    pub fn transfer(self, to: Address, amount: Fri) -> Call {
        self.call("transfer", to, amount)
    }

    /// What `owner` holds.
    pub async fn balance_of(self, chain: &Chain, owner: Address) -> Result<Fri, ChainError> {
        const DOING: &str = "balance_of";
        let answer = chain.call(self.address, DOING, vec![owner.0]).await?;
        let mut felts = Felts::new(&answer);
        let unexpected = |detail: String| ChainError::Unexpected { doing: DOING, detail };
        let low = felts.fri("low").map_err(|e| unexpected(e.to_string()))?;
        let high = felts.felt("high").map_err(|e| unexpected(e.to_string()))?;
        if high == Felt::ZERO {
            Ok(low)
        } else {
            Err(unexpected("the balance is 2^128 or more".to_owned()))
        }
    }
}
