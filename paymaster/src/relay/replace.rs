//! Puts another transaction under a nonce, at a higher price; or takes the nonce back, where no node has taken one.

use ciro_api::limits;
use ciro_contracts::ResourceBounds;
use deadpool_postgres::ClientWrapper;
use tokio_postgres::types::{ToSql, Type};

use super::{
    filter,
    lease::{Fence, guard},
    record::{self, Attempt},
    relayer::{RelayError, Relayer},
};
use crate::database::bigint;

/// Most attempts at a nonce: by then the price has doubled.
const ATTEMPTS_MAX: i16 = 8;

/// What a transaction may take at most by the sequencer's rules.
pub(super) fn within_limits(bounds: ResourceBounds) -> ResourceBounds {
    ResourceBounds { l2_gas: bounds.l2_gas.min(limits::TRANSACTION_L2_GAS_MAX), ..bounds }
}

impl Relayer {
    /// The same calls under the same nonce, at a tenth more for each unit of gas and for the tip. What has become too dear is
    /// sent again as it was.
    pub(super) async fn replace(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
        last: &Attempt,
    ) -> Result<Attempt, RelayError> {
        if last.number + 1 >= ATTEMPTS_MAX {
            return Ok(last.clone());
        }
        let relayer = self.account.address();
        let nonce = last.transaction.nonce;
        let carried = record::carried(client, relayer, nonce).await?;
        let calls = vec![filter::call(self.forwarder, &carried)?];
        let bounds = last.bounds.raised()?;
        let tip_fri = last.tip_fri.saturating_add((last.tip_fri / 10).max(1));
        let transaction = self.account.sign(calls, nonce, &bounds, tip_fri).await?;
        let attempt = Attempt { number: last.number + 1, transaction, bounds, tip_fri };
        let tx = client.transaction().await?;
        guard(&tx, relayer, fence).await?;
        attempt.insert(&tx, relayer).await?;
        tx.commit().await?;
        tracing::info!(%relayer, nonce, hash = %attempt.transaction.hash, number = attempt.number, "sending at a higher price");
        Ok(attempt)
    }

    /// Takes back what no node has taken: the operations wait again, and the nonce is free. It is the last one: another is given
    /// only when a node has taken all before it, so that nothing waits behind a gap.
    pub(super) async fn withdraw(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
        nonce: u64,
    ) -> Result<(), RelayError> {
        let relayer = self.account.address();
        let tx = client.transaction().await?;
        guard(&tx, relayer, fence).await?;
        let (address, nonce) = (relayer.to_string(), bigint(nonce));
        let of: [(&(dyn ToSql + Sync), Type); 2] = [(&address, Type::TEXT), (&nonce, Type::INT8)];
        tx.execute_typed(include_str!("requeue.sql"), &of).await?;
        tx.execute_typed(include_str!("free.sql"), &of).await?;
        Ok(tx.commit().await?)
    }
}
