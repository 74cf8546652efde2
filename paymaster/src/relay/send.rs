//! Hands attempts to the chain.

use tokio_postgres::{Client, types::Type};

use super::{
    record::Attempt,
    relayer::{RelayError, Relayer},
};

/// What the node said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It has it.
    Taken,
    /// It will never take it as it is.
    Refused,
    /// It wants another nonce first, or has seen this one; the chain will tell.
    OutOfTurn,
}

impl Relayer {
    /// Sends an attempt, perhaps again: the same bytes are the same transaction.
    pub(super) async fn send(
        &self,
        client: &Client,
        attempt: &Attempt,
    ) -> Result<Sent, RelayError> {
        let transaction = &attempt.transaction;
        match self.account.broadcast(transaction).await {
            Ok(()) => {}
            Err(error) if error.is_duplicate() => {}
            Err(error) if error.is_out_of_turn() => return Ok(Sent::OutOfTurn),
            Err(error) if error.is_rejection() => {
                tracing::warn!(hash = %transaction.hash, %error, "refused");
                return Ok(Sent::Refused);
            }
            Err(error) => return Err(error.into()),
        }
        let hash = transaction.hash.to_string();
        client.execute_typed(include_str!("sent.sql"), &[(&hash, Type::TEXT)]).await?;
        self.bell.moved();
        Ok(Sent::Taken)
    }
}
