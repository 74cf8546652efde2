//! Chooses what goes into the next transaction of a relayer.

use std::time::Duration;

use ciro_api::{Address, OperationId, Trace, limits};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::{
    Row,
    types::{Json, Type},
};
use uuid::Uuid;

use super::{
    body::{Body, Carried},
    end::{self, End},
    lease::{Fence, guard},
    relayer::RelayError,
};
use crate::database::count;

/// An operation that a relayer has claimed.
#[derive(Clone, Debug)]
pub(super) struct Claimed {
    pub(super) id: OperationId,
    pub(super) carried: Carried,
    pub(super) l2_gas: u64,
    pub(super) trace: Option<Trace>,
}

/// What was claimed, in the order in which it was asked for.
#[derive(Debug, Default)]
pub(super) struct Claim {
    pub(super) operations: Vec<Claimed>,
    /// So many were too old to be sent.
    pub(super) expired: usize,
}

struct Candidate {
    claimed: Claimed,
    felts: u64,
    alone: bool,
    together_max: usize,
}

impl Candidate {
    fn read(row: &Row) -> Result<Self, RelayError> {
        let id = OperationId(row.try_get("operation_id")?);
        let Json(body): Json<Body> = row.try_get("body")?;
        let together_max: i16 = row.try_get("together_max")?;
        let felts: i32 = row.try_get("felts")?;
        let trace: Option<Json<Trace>> = row.try_get("trace")?;
        Ok(Self {
            claimed: Claimed {
                id,
                carried: body.carried(id)?,
                l2_gas: count(row, "l2_gas")?,
                trace: trace.map(|Json(trace)| trace),
            },
            felts: u64::try_from(felts).unwrap_or(u64::MAX),
            alone: row.try_get("alone")?,
            together_max: usize::try_from(together_max).unwrap_or(1),
        })
    }
}

/// The oldest, and with it as many of the others as fit one transaction.
fn fitting(candidates: Vec<Candidate>) -> Vec<Claimed> {
    let mut chosen: Vec<Claimed> = Vec::new();
    let (mut felts, mut l2_gas, mut most) = (0_u64, 0_u64, limits::OPERATIONS_MAX);
    for candidate in candidates {
        let first = chosen.is_empty();
        if candidate.alone && !first {
            continue;
        }
        let (felts_with, gas_with) = (
            felts.saturating_add(candidate.felts),
            l2_gas.saturating_add(candidate.claimed.l2_gas),
        );
        let fits =
            felts_with <= limits::RELAYED_FELTS_MAX && gas_with <= limits::RELAYED_L2_GAS_MAX;
        if !first && (!fits || chosen.len() >= most.min(candidate.together_max)) {
            continue;
        }
        most = most.min(candidate.together_max);
        (felts, l2_gas) = (felts_with, gas_with);
        let alone = candidate.alone;
        chosen.push(candidate.claimed);
        if alone {
            break;
        }
    }
    chosen
}

/// Claims, and drops what would come too late: what has less than `margin` left.
pub(super) async fn claim(
    client: &mut ClientWrapper,
    relayer: Address,
    fence: Fence,
    margin: Duration,
) -> Result<Claim, RelayError> {
    let tx = client.transaction().await?;
    guard(&tx, relayer, fence).await?;
    let (address, margin_s) = (relayer.to_string(), margin.as_secs_f64());
    let late = tx.query_typed(include_str!("late.sql"), &[(&margin_s, Type::FLOAT8)]).await?;
    for row in &late {
        let id = OperationId(row.try_get(0)?);
        end::end(&tx, id, &End::Dropped { reason: "it was not sent in time".to_owned() }, None)
            .await?;
    }
    let rows = tx.query_typed(include_str!("claim.sql"), &[(&address, Type::TEXT)]).await?;
    let candidates = rows.iter().map(Candidate::read).collect::<Result<_, _>>()?;
    let operations = fitting(candidates);
    let ids: Vec<Uuid> = operations.iter().map(|claimed| claimed.id.0).collect();
    tx.execute_typed(
        include_str!("claimed.sql"),
        &[(&address, Type::TEXT), (&ids, Type::UUID_ARRAY)],
    )
    .await?;
    tx.commit().await?;
    Ok(Claim { operations, expired: late.len() })
}

/// Puts operations back, for whoever comes first.
pub(super) async fn unclaim(
    client: &mut ClientWrapper,
    relayer: Address,
    fence: Fence,
    operations: &[Claimed],
) -> Result<(), RelayError> {
    let tx = client.transaction().await?;
    guard(&tx, relayer, fence).await?;
    let ids: Vec<Uuid> = operations.iter().map(|claimed| claimed.id.0).collect();
    tx.execute_typed(include_str!("unclaim.sql"), &[(&ids, Type::UUID_ARRAY)]).await?;
    Ok(tx.commit().await?)
}
