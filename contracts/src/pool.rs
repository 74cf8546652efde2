//! `CdcPool` as its callers see it: deposits, allowances, stakes and pay. Builds calls; sends none.

use ciro_api::{Address, Felt, Fri};
use starknet_rust::core::types::Call;

use crate::{
    chain::{Chain, ChainError},
    felts::{Felts, FeltsError, selector},
};

/// The contract that holds all the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Where it is.
    pub address: Address,
}

/// Money that was announced to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// How much; may exceed what there is.
    pub amount: Fri,
    /// From when on, in seconds since 1970.
    pub ready_at: u64,
}

/// A worker's pay in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Inside the challenge window.
    pub locked: Fri,
    /// What `claim` would send now.
    pub claimable: Fri,
}

impl Pool {
    fn call(self, function: &str, calldata: Vec<Felt>) -> Call {
        Call { to: self.address.0, selector: selector(function), calldata }
    }

    /// Adds to the caller's deposit; approve the amount to the pool first.
    pub fn deposit(self, amount: Fri) -> Call {
        self.call("deposit", vec![amount.into()])
    }

    /// Announces that the caller will take `amount` out; zero cancels.
    pub fn announce_withdrawal(self, amount: Fri) -> Call {
        self.call("announce_withdrawal", vec![amount.into()])
    }

    /// Takes out what was announced.
    pub fn withdraw(self) -> Call {
        self.call("withdraw", Vec::new())
    }

    /// Lets `operator` spend `amount` of the caller's deposit from now on.
    pub fn set_allowance(self, operator: Address, amount: Fri) -> Call {
        self.call("set_allowance", vec![operator.0, amount.into()])
    }

    /// Adds to the caller's stake; approve the amount to the pool first.
    pub fn stake(self, amount: Fri) -> Call {
        self.call("stake", vec![amount.into()])
    }

    /// Announces that the caller will take `amount` of its stake out; zero cancels.
    pub fn announce_unstake(self, amount: Fri) -> Call {
        self.call("announce_unstake", vec![amount.into()])
    }

    /// Takes out the stake that was announced.
    pub fn unstake(self) -> Call {
        self.call("unstake", Vec::new())
    }

    /// Sends all mature pay of `worker` to the worker.
    pub fn claim(self, worker: Address) -> Call {
        self.call("claim", vec![worker.0])
    }

    async fn view<T>(
        self,
        chain: &Chain,
        function: &'static str,
        calldata: Vec<Felt>,
        read: impl FnOnce(&mut Felts<'_>) -> Result<T, FeltsError>,
    ) -> Result<T, ChainError> {
        let answer = chain.call(self.address, function, calldata).await?;
        let mut felts = Felts::new(&answer);
        read(&mut felts)
            .and_then(|value| felts.end().map(|()| value))
            .map_err(|e| ChainError::Unexpected { doing: function, detail: e.to_string() })
    }

    /// The sponsor's money, announced withdrawals included.
    pub async fn deposit_of(self, chain: &Chain, sponsor: Address) -> Result<Fri, ChainError> {
        self.view(chain, "deposit_of", vec![sponsor.0], |f| f.fri("deposit")).await
    }

    /// What `operator` may still spend of the sponsor's deposit.
    pub async fn allowance_of(
        self,
        chain: &Chain,
        sponsor: Address,
        operator: Address,
    ) -> Result<Fri, ChainError> {
        let calldata = vec![sponsor.0, operator.0];
        self.view(chain, "allowance_of", calldata, |f| f.fri("allowance")).await
    }

    /// What the sponsor announced to take out; zeroes when nothing.
    pub async fn announced_withdrawal_of(
        self,
        chain: &Chain,
        sponsor: Address,
    ) -> Result<Announced, ChainError> {
        self.view(chain, "announced_withdrawal_of", vec![sponsor.0], |f| {
            Ok(Announced { amount: f.fri("amount")?, ready_at: f.number("ready_at")? })
        })
        .await
    }

    /// The stake that backs new work.
    pub async fn active_stake_of(self, chain: &Chain, worker: Address) -> Result<Fri, ChainError> {
        self.view(chain, "active_stake_of", vec![worker.0], |f| f.fri("stake")).await
    }

    /// The worker's pay.
    pub async fn pending_of(self, chain: &Chain, worker: Address) -> Result<Pending, ChainError> {
        self.view(chain, "pending_of", vec![worker.0], |f| {
            Ok(Pending { locked: f.fri("locked")?, claimable: f.fri("claimable")? })
        })
        .await
    }

    /// When the earliest locked pay unlocks, in seconds since 1970; nothing when none is locked.
    pub async fn next_unlock_at(
        self,
        chain: &Chain,
        worker: Address,
    ) -> Result<Option<u64>, ChainError> {
        let at: u64 =
            self.view(chain, "next_unlock_at", vec![worker.0], |f| f.number("at")).await?;
        Ok((at != 0).then_some(at))
    }

    /// The contract that this pool deployed and obeys.
    pub async fn job_manager(self, chain: &Chain) -> Result<Address, ChainError> {
        self.view(chain, "job_manager", Vec::new(), |f| f.address("job_manager")).await
    }

    /// The token that this pool holds.
    pub async fn token(self, chain: &Chain) -> Result<Address, ChainError> {
        self.view(chain, "token", Vec::new(), |f| f.address("token")).await
    }
}
