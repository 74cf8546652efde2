//! Whether we work, what we take, and where something is.

use ciro_api::{Felt, TrackingId, TxHash};

use super::desk::Desk;
use crate::{
    relay::{self, TrackState},
    snip29::{Fault, FaultCode, SupportedToken, Tracked, TrackingState, WireFelt},
};

/// Whether requests are taken: the database and the chain answer, and some relayer can send, of whichever process.
pub async fn is_available(desk: &Desk) -> bool {
    let relayers = async {
        let client = desk.client().await.ok()?;
        relay::is_anyone_able(&**client).await.ok()
    };
    let chain = async { desk.chain().head().await.is_ok() };
    let (relayers, chain) = tokio::join!(relayers, chain);
    relayers.unwrap_or(false) && chain
}

/// What fees may be paid in.
pub fn supported_tokens(desk: &Desk) -> Vec<SupportedToken> {
    desk.tokens().listed()
}

/// Where an operation is.
pub async fn track(desk: &Desk, id: WireFelt) -> Result<Tracked, Fault> {
    let client = desk.client().await?;
    let found = relay::track(&**client, TrackingId(id.0)).await?;
    let track = found.ok_or_else(|| {
        Fault::new(FaultCode::InvalidId, format!("no operation has the tracking id {id}"))
    })?;
    let status = match track.state {
        TrackState::Active => TrackingState::Active,
        TrackState::Succeeded | TrackState::Failed(_) => TrackingState::Accepted,
        TrackState::Dropped(_) => TrackingState::Dropped,
    };
    // The specification has no word for a transaction that there is not yet.
    let TxHash(hash) = track.hash.unwrap_or(TxHash(Felt::ZERO));
    Ok(Tracked { transaction_hash: WireFelt(hash), status })
}
