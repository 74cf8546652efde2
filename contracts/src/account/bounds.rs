//! What a transaction may cost at most.

use serde::{Deserialize, Serialize};
use starknet_rust::core::types::FeeEstimate;

use super::AccountError;

/// How much of each kind of gas a transaction may take, and what a unit may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceBounds {
    /// Units of L1 gas.
    pub l1_gas: u64,
    /// For one of them.
    pub l1_gas_price_fri: u128,
    /// Units of L2 gas.
    pub l2_gas: u64,
    /// For one of them.
    pub l2_gas_price_fri: u128,
    /// Units of L1 data gas.
    pub l1_data_gas: u64,
    /// For one of them.
    pub l1_data_gas_price_fri: u128,
}

impl ResourceBounds {
    /// Half as much again as the estimate, since prices move between the estimate and the block.
    pub fn of(fee: &FeeEstimate) -> Result<Self, AccountError> {
        let gas = |estimate: u64| estimate.checked_add(estimate / 2).ok_or(AccountError::Fee);
        let price = |estimate: u128| estimate.checked_add(estimate / 2).ok_or(AccountError::Fee);
        Ok(Self {
            l1_gas: gas(fee.l1_gas_consumed)?,
            l1_gas_price_fri: price(fee.l1_gas_price)?,
            l2_gas: gas(fee.l2_gas_consumed)?,
            l2_gas_price_fri: price(fee.l2_gas_price)?,
            l1_data_gas: gas(fee.l1_data_gas_consumed)?,
            l1_data_gas_price_fri: price(fee.l1_data_gas_price)?,
        })
    }

    /// For a transaction that takes the place of one with these bounds: the sequencer wants at least a tenth more for
    /// each unit.
    pub fn raised(self) -> Result<Self, AccountError> {
        let price = |old: u128| old.checked_add(old.div_ceil(10)).ok_or(AccountError::Fee);
        Ok(Self {
            l1_gas_price_fri: price(self.l1_gas_price_fri)?,
            l2_gas_price_fri: price(self.l2_gas_price_fri)?,
            l1_data_gas_price_fri: price(self.l1_data_gas_price_fri)?,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn raised_prices_are_at_least_a_tenth_higher(price in 0..u128::MAX / 2) {
            let old = ResourceBounds {
                l1_gas: 1, l1_gas_price_fri: price, l2_gas: 2, l2_gas_price_fri: price,
                l1_data_gas: 3, l1_data_gas_price_fri: price,
            };
            let new = old.raised().unwrap();
            prop_assert_eq!((new.l1_gas, new.l2_gas, new.l1_data_gas), (1, 2, 3));
            for raised in [new.l1_gas_price_fri, new.l2_gas_price_fri, new.l1_data_gas_price_fri] {
                prop_assert!((raised - price) >= price / 10 && raised >= price);
            }
        }
    }

    #[test]
    fn a_price_that_cannot_be_raised_is_an_error() {
        let full = u128::MAX;
        let bounds = ResourceBounds {
            l1_gas: 0,
            l1_gas_price_fri: full,
            l2_gas: 0,
            l2_gas_price_fri: 0,
            l1_data_gas: 0,
            l1_data_gas_price_fri: 0,
        };
        assert!(matches!(bounds.raised(), Err(AccountError::Fee)));
    }
}
