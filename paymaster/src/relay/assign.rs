//! Gives the next nonce to the oldest operations, and sends them.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Client;
use tracing::{Instrument, Span};

use super::{
    claim::{self, Claimed},
    filter::{self, Filtered},
    lease::Fence,
    record::{self, Attempt},
    relayer::{RelayError, Relayer},
    send::Sent,
};

/// What became of a look at the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assigned {
    /// There was nothing.
    Nothing,
    /// Something was sent or dropped, and there may be more.
    Some,
}

/// Most requests that the span of a transaction links to, which collectors bound.
const LINKS_MAX: usize = 100;

/// A transaction serves requests of many traces, some of them over already: it is part of none and links to each.
fn span_of(operations: &[Claimed]) -> Span {
    let span = tracing::info_span!(parent: None, "relay", operations = operations.len());
    for trace in operations.iter().filter_map(|claimed| claimed.trace.as_ref()).take(LINKS_MAX) {
        ciro_telemetry::link(&span, trace);
    }
    span
}

impl Relayer {
    pub(super) async fn assign(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
    ) -> Result<Assigned, RelayError> {
        let address = self.account.address();
        let claim = claim::claim(client, address, fence, self.settings.margin).await?;
        if claim.expired > 0 {
            self.bell.moved();
        }
        if claim.operations.is_empty() {
            return Ok(if claim.expired > 0 { Assigned::Some } else { Assigned::Nothing });
        }
        let operations = claim.operations.clone();
        let span = span_of(&operations);
        match self.make(client, fence, operations).instrument(span).await {
            Ok(()) => Ok(Assigned::Some),
            Err(error) => {
                // They are not kept from other relayers by what is wrong with this one.
                self.put_back(client, fence, &claim.operations).await;
                Err(error)
            }
        }
    }

    async fn make(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
        operations: Vec<Claimed>,
    ) -> Result<(), RelayError> {
        let address = self.account.address();
        let filtered = filter::filter(&self.account, self.forwarder, operations).await?;
        let attempt = match filtered.bounds {
            Some(bounds) if !filtered.good.is_empty() => {
                Some(self.first_attempt(client, &filtered, bounds).await?)
            }
            _ => None,
        };
        record::record(client, address, fence, attempt.as_ref(), &filtered).await?;
        self.bell.moved();
        let Some(attempt) = attempt else { return Ok(()) };
        match self.send(client, &attempt).await? {
            Sent::Taken => Ok(()),
            // The next look tells.
            Sent::OutOfTurn => Err(RelayError::OutOfTurn(address)),
            Sent::Refused => {
                self.withdraw(client, fence, attempt.transaction.nonce).await?;
                Err(RelayError::Refused(address))
            }
        }
    }

    async fn first_attempt(
        &self,
        client: &Client,
        filtered: &Filtered,
        bounds: ciro_contracts::ResourceBounds,
    ) -> Result<Attempt, RelayError> {
        let on_chain = self.account.nonce().await?;
        let nonce = record::next_nonce(client, self.account.address(), on_chain).await?;
        let bounds = super::replace::within_limits(bounds);
        let calls = vec![filter::call(self.forwarder, &filtered.good)?];
        let transaction = self.account.sign(calls, nonce, &bounds, 0).await?;
        Ok(Attempt { number: 0, transaction, bounds, tip_fri: 0 })
    }

    async fn put_back(&self, client: &mut ClientWrapper, fence: Fence, operations: &[Claimed]) {
        let address = self.account.address();
        if let Err(error) = claim::unclaim(client, address, fence, operations).await {
            // The end of the lease frees them too.
            tracing::warn!(relayer = %address, %error, "could not put operations back");
        }
    }
}
