//! What an operation costs.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use ciro_api::{Felt, Fri};
use ciro_contracts::{Simulation, TokenUnits};
use lru::LruCache;

use super::tokens::GasToken;
use crate::snip29::{Fault, FeeEstimate, WireFelt};

/// What the Forwarder, the relayer's part of the transaction and the account's check of a plain signature take in L2 gas, beside
/// the calls themselves: an `OpenZeppelin` account's transfer takes 3,196,560 alone and 1,447,040 from the account itself.
const OVERHEAD_L2_GAS: u64 = 2_000_000;
/// Classes whose overhead is remembered.
const CLASSES_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
/// Built operations whose gas is remembered until they are executed.
const BUILT_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// What an operation is expected to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) l2_gas: u64,
    pub(super) l2_gas_price: Fri,
    pub(super) fee: Fri,
}

fn too_dear() -> Fault {
    Fault::refused("too_expensive", "the operation costs more than there is")
}

impl Cost {
    pub(super) fn of(simulation: &Simulation) -> Self {
        let fee = &simulation.fee;
        Self {
            l2_gas: fee.l2_gas_consumed,
            l2_gas_price: Fri(fee.l2_gas_price),
            fee: Fri(fee.overall_fee),
        }
    }

    /// With so much more L2 gas.
    pub(super) fn with(self, l2_gas: u64) -> Result<Self, Fault> {
        let more = self.l2_gas_price.checked_mul(l2_gas).ok_or_else(too_dear)?;
        Ok(Self {
            l2_gas: self.l2_gas.saturating_add(l2_gas),
            fee: self.fee.checked_add(more).ok_or_else(too_dear)?,
            ..self
        })
    }

    /// The most that it may cost: half as much again, as the relayer's transaction is bound.
    pub(super) fn most(self) -> Result<Fri, Fault> {
        self.fee.checked_add(Fri(self.fee.0.div_ceil(2))).ok_or_else(too_dear)
    }

    /// What an account is charged for it: a tenth more than it costs now, for prices that move until it is in a block.
    pub(super) fn charge(self, token: GasToken) -> Result<TokenUnits, Fault> {
        let fee = self.fee.checked_add(Fri(self.fee.0.div_ceil(10))).ok_or_else(too_dear)?;
        token.worth(fee).ok_or_else(too_dear)
    }

    /// The most that an account signs for it.
    pub(super) fn most_in(self, token: GasToken) -> Result<TokenUnits, Fault> {
        token.worth(self.most()?).ok_or_else(too_dear)
    }

    /// For clients.
    pub(super) fn estimate(self, token: GasToken) -> Result<FeeEstimate, Fault> {
        let units = |units: TokenUnits| WireFelt(Felt::from(units.0));
        Ok(FeeEstimate {
            gas_token_price_in_strk: WireFelt(token.price_fri.into()),
            estimated_fee_in_strk: WireFelt(self.fee.into()),
            estimated_fee_in_gas_token: units(token.worth(self.fee).ok_or_else(too_dear)?),
            suggested_max_fee_in_strk: WireFelt(self.most()?.into()),
            suggested_max_fee_in_gas_token: units(self.most_in(token)?),
        })
    }
}

/// What outside execution takes beside the calls, as seen of each class: signatures differ by tens of millions of gas.
#[derive(Debug)]
pub(super) struct Overheads(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    /// By what is signed: how much the calls took.
    built: LruCache<Felt, u64>,
    by_class: LruCache<Felt, u64>,
}

impl Default for Overheads {
    fn default() -> Self {
        Self(Mutex::new(Seen {
            built: LruCache::new(BUILT_MAX),
            by_class: LruCache::new(CLASSES_MAX),
        }))
    }
}

impl Overheads {
    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is to be expected of an account of this class.
    pub(super) fn expected(&self, class: Felt) -> u64 {
        self.seen(|seen| seen.by_class.get(&class).copied()).unwrap_or(OVERHEAD_L2_GAS)
    }

    pub(super) fn built(&self, message: Felt, l2_gas: u64) {
        self.seen(|seen| seen.built.put(message, l2_gas));
    }

    /// What the operation took in the end. The dearest of late is expected next time: too low a quote costs us, and the
    /// account gets back what it pays too much.
    pub(super) fn executed(&self, message: Felt, class: Felt, l2_gas: u64) {
        self.seen(|seen| {
            let Some(calls) = seen.built.pop(&message) else { return };
            let overhead = l2_gas.saturating_sub(calls);
            let before = seen.by_class.get(&class).copied().unwrap_or(OVERHEAD_L2_GAS);
            let faded = before - before.saturating_sub(overhead) / 16;
            seen.by_class.put(class, overhead.max(faded));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_with_dear_signatures_is_expected_to_be_dear_and_becomes_cheaper_slowly() {
        let (overheads, class) = (Overheads::default(), Felt::ONE);
        assert_eq!(overheads.expected(class), OVERHEAD_L2_GAS);
        overheads.built(Felt::TWO, 1_000_000);
        overheads.executed(Felt::TWO, class, 51_000_000);
        assert_eq!(overheads.expected(class), 50_000_000);
        overheads.built(Felt::TWO, 1_000_000);
        overheads.executed(Felt::TWO, class, 3_000_000);
        assert_eq!(overheads.expected(class), 47_000_000);
    }

    #[test]
    fn what_was_not_built_here_teaches_nothing() {
        let (overheads, class) = (Overheads::default(), Felt::ONE);
        overheads.executed(Felt::TWO, class, 51_000_000);
        assert_eq!(overheads.expected(class), OVERHEAD_L2_GAS);
    }
}
