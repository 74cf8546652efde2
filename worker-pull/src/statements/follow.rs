//! Asks what became of the kept statements. Never believes that one is settled without being told so by name.

use std::{sync::Arc, time::Duration};

use ciro_api::{StatementStatus, rest::statements::StatementDocument};

use super::{KeptStatement, StatementFileError, UNSETTLED_MAX};
use crate::{
    gateway::CallError,
    retry::Backoff,
    work_loop::{Workshop, with_cause},
};

/// Longest wait between two looks: nothing hurries, and each may cost the gateway a thousand receipts.
const LOOK_AGAIN_MAX: Duration = Duration::from_mins(1);

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    File(#[from] StatementFileError),
}

/// First fetches what the gateway has and the disk lacks, then puts aside what is settled. Never returns; the caller
/// stops it by dropping the future.
pub(crate) async fn follow_loop(shop: Arc<Workshop>) {
    let mut backoff = Backoff::new(Duration::from_secs(2), LOOK_AGAIN_MAX);
    let mut complete = false;
    loop {
        let round = async {
            if !complete {
                fetch_missing(&shop).await?;
            }
            put_aside(&shop).await
        };
        let hint = match round.await {
            Ok(moved) => {
                complete = true;
                if moved > 0 {
                    backoff.reset();
                }
                None
            }
            Err(error) => {
                tracing::warn!(error = with_cause(&error), "cannot look after kept statements");
                match &error {
                    FollowError::Call(error) => error.retry_after(),
                    FollowError::File(_) => None,
                }
            }
        };
        tokio::time::sleep(backoff.next(hint)).await;
    }
}

/// Statements that were countersigned before workers kept them, or whose files were lost, or that the operator signed
/// anew. Only those with both signatures.
async fn fetch_missing(shop: &Arc<Workshop>) -> Result<(), FollowError> {
    let mut after = None;
    // A gateway that never comes to an end is not followed to it.
    for _ in 0..UNSETTLED_MAX {
        let page = shop.gateway.unsettled_statements(after).await?;
        for document in &page.data {
            if let Some(kept) = kept(shop, document) {
                let keeper = Arc::clone(shop);
                shop.with_journal(move |_| keeper.statements.keep(&kept)).await?;
            }
        }
        match page.next_after {
            Some(next) if Some(next) > after => after = Some(next),
            _ => break,
        }
    }
    Ok(())
}

fn kept(shop: &Workshop, document: &StatementDocument) -> Option<KeptStatement> {
    KeptStatement::of(document, document.signature?, &shop.signer, &shop.operator)
}

/// Asks about each sponsor's oldest first: the chain settles them in their order. How many were put aside.
async fn put_aside(shop: &Arc<Workshop>) -> Result<usize, FollowError> {
    let keeper = Arc::clone(shop);
    let unsettled = shop.with_journal(move |_| keeper.statements.unsettled()).await?;
    let mut moved = 0;
    let together = |one: &KeptStatement, next: &KeptStatement| {
        (one.sponsor, one.operator) == (next.sponsor, next.operator)
    };
    for in_order in unsettled.chunk_by(together) {
        for kept in in_order {
            if !is_over(shop, kept).await? {
                break;
            }
            let (keeper, over) = (Arc::clone(shop), *kept);
            shop.with_journal(move |_| keeper.statements.set_aside(&over)).await?;
            moved += 1;
        }
    }
    Ok(moved)
}

async fn is_over(shop: &Workshop, kept: &KeptStatement) -> Result<bool, CallError> {
    let Some(document) = shop.gateway.statement(kept.id).await? else {
        tracing::warn!(id = %kept.id, "the gateway does not know a statement that it had signed");
        return Ok(false);
    };
    let over = matches!(document.status, StatementStatus::Settled | StatementStatus::Voided);
    Ok(over && document.statement() == kept.statement())
}
