//! One relayer: looks after what it has sent, then sends what waits.

use std::time::Duration;

use ciro_api::{Address, OperationId};
use ciro_contracts::{AccountError, ChainError, Forwarder, KeyedAccount};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::Client;

use super::{
    assign::Assigned,
    bell::Bell,
    body::StrangeBody,
    fuel::Fuel,
    lease::{self, Fence},
};
use crate::{Corrupt, StoreError, ledger, policy};

/// Most transactions of a relayer that are not in a block yet. The sequencer takes nonces up to 200 ahead.
const OPEN_MAX: usize = 150;
/// Most transactions of one step, so that those before them are looked after in time.
const ASSIGNED_MAX: usize = 8;

/// How a relayer goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a lease lasts that is not prolonged: longer than any step.
    pub lease: Duration,
    /// After how long without a block a transaction is sent again, at a higher price.
    pub resend_after: Duration,
    /// After how long a nonce that is used, and by no transaction of ours that a node knows, is given up.
    pub lost_after: Duration,
    /// How long an operation must still be good for when it is sent.
    pub margin: Duration,
    /// To whom sponsors owe what operations cost: a worker on the chain's books. Without one it stays held.
    pub payee: Option<Address>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            // Several blocks, and a quarter of the minute that a sequencer keeps what it cannot place.
            resend_after: Duration::from_secs(15),
            lost_after: Duration::from_mins(1),
            margin: Duration::from_secs(10),
            payee: None,
        }
    }
}

/// A step that came to nothing. The next one takes up where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Another process acts for this relayer now.
    #[error("relayer {0} belongs to another process now")]
    LeaseLost(Address),
    /// Operations that were claimed are not any more.
    #[error("operations that relayer {0} had claimed are no longer its own")]
    ClaimLost(Address),
    /// The contract does not take calls from it.
    #[error("the Forwarder does not know {0} as a relayer; its owner adds one with `add_relayer`")]
    NotARelayer(Address),
    /// The node will not take its transactions as they are; most often, it cannot pay for them.
    #[error("the chain refuses the transactions of relayer {0}; does it hold enough STRK?")]
    Refused(Address),
    /// The node wants another nonce: it lags, or has what we do not know that it has.
    #[error("the node wants another nonce of relayer {0} first")]
    OutOfTurn(Address),
    /// A deployment among others.
    #[error("operation {0} cannot share a transaction")]
    NotAlone(OperationId),
    /// A stored operation that is none.
    #[error(transparent)]
    Strange(#[from] StrangeBody),
    /// The chain did not answer or refused.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A transaction could not be made.
    #[error("could not make a transaction")]
    Account(#[from] AccountError),
    /// A reservation that is not as it should be.
    #[error("could not end a reservation")]
    Reservation(#[from] policy::EndError),
    /// A receipt that was not written.
    #[error("could not write what a sponsor owes")]
    Earn(#[from] ledger::EarnError),
    /// The database did not answer or holds something impossible.
    #[error("could not read or record what is relayed")]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for RelayError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(StoreError::Database(error))
    }
}

impl From<Corrupt> for RelayError {
    fn from(error: Corrupt) -> Self {
        Self::Store(StoreError::Corrupt(error))
    }
}

/// What a step left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another process acts for this relayer.
    Standby,
    /// Transactions wait for a block, some of them since just now.
    Fresh,
    /// Transactions wait for a block.
    Open,
    /// Nothing waits.
    Idle,
    /// There may be more to send at once.
    More,
}

/// An account that sends what others have signed.
#[derive(Debug)]
pub struct Relayer {
    pub(super) account: KeyedAccount,
    pub(super) forwarder: Forwarder,
    pub(super) settings: Settings,
    pub(super) bell: Bell,
    fuel: Fuel,
    fence: Option<Fence>,
    /// Whether its last step came to something.
    works: bool,
}

impl Relayer {
    /// A relayer that has not begun.
    pub fn new(
        account: KeyedAccount,
        forwarder: Forwarder,
        settings: Settings,
        bell: Bell,
        fuel: Fuel,
    ) -> Self {
        Self { account, forwarder, settings, bell, fuel, fence: None, works: true }
    }

    /// Whose account it is.
    pub fn address(&self) -> Address {
        self.account.address()
    }

    /// Looks after what was sent, then sends what waits.
    pub async fn step(&mut self, client: &mut ClientWrapper) -> Result<Progress, RelayError> {
        let done = self.do_step(client).await;
        self.works = done.is_ok();
        done
    }

    async fn do_step(&mut self, client: &mut ClientWrapper) -> Result<Progress, RelayError> {
        let address = self.account.address();
        let able = self.works && !self.fuel.is_out();
        self.fence = lease::take(client, address, self.fence, self.settings.lease, able).await?;
        let Some(fence) = self.fence else { return Ok(Progress::Standby) };
        let before = self.resolve(client, fence).await?;
        for assigned in 0..ASSIGNED_MAX {
            let open = before.open + assigned;
            let may_go_on = before.all_taken && open < OPEN_MAX && !self.fuel.is_out();
            if may_go_on && self.assign(client, fence).await? == Assigned::Some {
                continue;
            }
            return Ok(match (open, assigned) {
                (0, _) => Progress::Idle,
                (_, 0) => Progress::Open,
                _ => Progress::Fresh,
            });
        }
        Ok(Progress::More)
    }

    /// Lets another process go on: what is open is recorded, and needs nothing of this one.
    pub async fn retire(mut self, client: &Client) -> Result<(), RelayError> {
        match self.fence.take() {
            Some(fence) => lease::give_back(client, self.account.address(), fence).await,
            None => Ok(()),
        }
    }
}
