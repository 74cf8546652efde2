//! `CdcPool` as its callers see it: deposits, allowances, stakes and pay. Builds calls; sends none.

use ciro_api::{Address, Felt, Fri};
use starknet_rust::core::types::Call;

use crate::{
    chain::{Chain, ChainError},
    felts::selector,
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

/// A worker's pay from one sponsor in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Inside the challenge window.
    pub locked: Fri,
    /// Outside it.
    pub mature: Fri,
}

fn worker_and_sponsors(worker: Address, sponsors: &[Address]) -> Vec<Felt> {
    let count = Felt::from(sponsors.len());
    [worker.0, count].into_iter().chain(sponsors.iter().map(|sponsor| sponsor.0)).collect()
}

impl Pool {
    fn call(self, function: &str, calldata: Vec<Felt>) -> Call {
        Call { to: self.address.0, selector: selector(function), calldata }
    }

    /// Adds to the caller's deposit for `operator`; approve the amount to the pool first.
    pub fn deposit(self, operator: Address, amount: Fri) -> Call {
        self.call("deposit", vec![operator.0, amount.into()])
    }

    /// Announces that the caller will take `amount` of its deposit for `operator` out; zero cancels.
    pub fn announce_withdrawal(self, operator: Address, amount: Fri) -> Call {
        self.call("announce_withdrawal", vec![operator.0, amount.into()])
    }

    /// Takes out what was announced for `operator`.
    pub fn withdraw(self, operator: Address) -> Call {
        self.call("withdraw", vec![operator.0])
    }

    /// Lets `operator` spend `per_epoch` of the caller's deposit for it in each epoch; zero revokes. A lower limit than
    /// the present one counts only once the withdrawal notice has passed.
    pub fn set_allowance(self, operator: Address, per_epoch: Fri) -> Call {
        self.call("set_allowance", vec![operator.0, per_epoch.into()])
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

    /// Sends the mature pay of `worker` from `sponsors` to the worker.
    pub fn claim(self, worker: Address, sponsors: &[Address]) -> Call {
        self.call("claim", worker_and_sponsors(worker, sponsors))
    }

    /// Sends what a slashed `worker` had locked back to the addresses of `sponsors`.
    pub fn return_pay(self, worker: Address, sponsors: &[Address]) -> Call {
        self.call("return_pay", worker_and_sponsors(worker, sponsors))
    }

    /// The sponsor's money for this operator, announced withdrawals included.
    pub async fn deposit_of(
        self,
        chain: &Chain,
        sponsor: Address,
        operator: Address,
    ) -> Result<Fri, ChainError> {
        let calldata = vec![sponsor.0, operator.0];
        chain.view(self.address, "deposit_of", calldata, |f| f.fri("deposit")).await
    }

    /// What `operator` may still spend of the sponsor's deposit in the current epoch.
    pub async fn allowance_of(
        self,
        chain: &Chain,
        sponsor: Address,
        operator: Address,
    ) -> Result<Fri, ChainError> {
        let calldata = vec![sponsor.0, operator.0];
        chain.view(self.address, "allowance_of", calldata, |f| f.fri("allowance")).await
    }

    /// What the sponsor announced to take out of its deposit for this operator; zeroes when nothing.
    pub async fn announced_withdrawal_of(
        self,
        chain: &Chain,
        sponsor: Address,
        operator: Address,
    ) -> Result<Announced, ChainError> {
        chain
            .view(self.address, "announced_withdrawal_of", vec![sponsor.0, operator.0], |f| {
                Ok(Announced { amount: f.fri("amount")?, ready_at: f.number("ready_at")? })
            })
            .await
    }

    /// The stake that backs new work.
    pub async fn active_stake_of(self, chain: &Chain, worker: Address) -> Result<Fri, ChainError> {
        chain.view(self.address, "active_stake_of", vec![worker.0], |f| f.fri("stake")).await
    }

    /// The worker's pay from this sponsor.
    pub async fn pending_of(
        self,
        chain: &Chain,
        worker: Address,
        sponsor: Address,
    ) -> Result<Pending, ChainError> {
        chain
            .view(self.address, "pending_of", vec![worker.0, sponsor.0], |f| {
                Ok(Pending { locked: f.fri("locked")?, mature: f.fri("mature")? })
            })
            .await
    }

    /// The worker's mature pay that has made room for newer pay; `claim` sends it whatever sponsors are named.
    pub async fn claimable_of(self, chain: &Chain, worker: Address) -> Result<Fri, ChainError> {
        chain.view(self.address, "claimable_of", vec![worker.0], |f| f.fri("claimable")).await
    }

    /// All that the worker ever claimed.
    pub async fn earned_of(self, chain: &Chain, worker: Address) -> Result<Fri, ChainError> {
        chain.view(self.address, "earned_of", vec![worker.0], |f| f.fri("earned")).await
    }

    /// The worker's stake, announced parts included.
    pub async fn stake_of(self, chain: &Chain, worker: Address) -> Result<Fri, ChainError> {
        chain.view(self.address, "stake_of", vec![worker.0], |f| f.fri("stake")).await
    }

    /// What all open on-chain jobs of `poster` hold together.
    pub async fn escrow_of(self, chain: &Chain, poster: Address) -> Result<Fri, ChainError> {
        chain.view(self.address, "escrow_of", vec![poster.0], |f| f.fri("escrow")).await
    }

    /// The number of the last settled statement from this sponsor through this operator to this worker.
    pub async fn last_seq(
        self,
        chain: &Chain,
        sponsor: Address,
        operator: Address,
        worker: Address,
    ) -> Result<u64, ChainError> {
        let calldata = vec![sponsor.0, operator.0, worker.0];
        chain.view(self.address, "last_seq", calldata, |f| f.number("seq")).await
    }

    /// How long an operator's allowance lasts before it starts anew, in seconds.
    pub async fn allowance_epoch_s(self, chain: &Chain) -> Result<u64, ChainError> {
        chain.view(self.address, "allowance_epoch_s", Vec::new(), |f| f.number("seconds")).await
    }

    /// The contract that this pool deployed and obeys.
    pub async fn job_manager(self, chain: &Chain) -> Result<Address, ChainError> {
        chain.view(self.address, "job_manager", Vec::new(), |f| f.address("job_manager")).await
    }

    /// The token that this pool holds.
    pub async fn token(self, chain: &Chain) -> Result<Address, ChainError> {
        chain.view(self.address, "token", Vec::new(), |f| f.address("token")).await
    }
}
