//! What a transaction that settles has done with each of its statements.

use ciro_api::TxHash;

use super::JobManager;
use crate::{
    chain::{Chain, ChainError},
    events::{Event, Located, Refused, Settled},
};

/// What became of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementOutcome {
    /// It was paid.
    Settled(Settled),
    /// It moved nothing.
    Refused(Refused),
}

impl JobManager {
    /// The outcomes in the order in which transaction `hash` of block `block` named the statements.
    pub async fn outcomes(
        self,
        chain: &Chain,
        hash: TxHash,
        block: u64,
    ) -> Result<Vec<StatementOutcome>, ChainError> {
        let raw = chain.events(&[self.address], block, block).await?;
        let ours = raw.iter().filter(|event| event.transaction_hash == hash.0);
        let mut outcomes = Vec::new();
        for event in ours {
            let located = Located::decode(event).map_err(|error| ChainError::Unexpected {
                doing: "read what a settlement did",
                detail: error.to_string(),
            })?;
            match located.event {
                Event::StatementSettled(settled) => {
                    outcomes.push(StatementOutcome::Settled(settled));
                }
                Event::StatementRefused(refused) => {
                    outcomes.push(StatementOutcome::Refused(refused));
                }
                _ => {}
            }
        }
        Ok(outcomes)
    }
}
