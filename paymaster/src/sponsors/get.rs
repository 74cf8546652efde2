//! Shows a sponsor: its limits, its ledger and what the chain says of it.

use ciro_api::{Address, Fri, SponsorId};
use tokio_postgres::{GenericClient, types::Type};
use uuid::Uuid;

use crate::{StoreError, database::word};

/// A sponsor and its money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sponsor {
    /// Its id.
    pub id: SponsorId,
    /// For people.
    pub name: String,
    /// Its account on chain.
    pub address: Address,
    /// The most it pays for one job.
    pub price_ceiling: Fri,
    /// The most it ever pays through us.
    pub spend_limit: Fri,
    /// Set aside for jobs that run or wait, and for results that are not settled yet.
    pub held: Fri,
    /// Settled through us.
    pub spent: Fri,
    /// Its deposit on chain.
    pub deposit: Fri,
    /// What of it was announced to leave; may exceed it.
    pub announced: Fri,
    /// What our operator may still spend of it.
    pub allowance: Fri,
    /// What new jobs may cost together.
    pub free: Fri,
}

/// The sponsor with this id.
pub async fn get(
    client: &(impl GenericClient + Sync),
    id: SponsorId,
) -> Result<Option<Sponsor>, StoreError> {
    find(client, Some(id.0), None).await
}

/// The sponsor with this account.
pub async fn find_by_address(
    client: &(impl GenericClient + Sync),
    address: Address,
) -> Result<Option<Sponsor>, StoreError> {
    find(client, None, Some(address.to_string())).await
}

async fn find(
    client: &(impl GenericClient + Sync),
    id: Option<Uuid>,
    address: Option<String>,
) -> Result<Option<Sponsor>, StoreError> {
    let found = client
        .query_typed_opt(include_str!("get.sql"), &[(&id, Type::UUID), (&address, Type::TEXT)])
        .await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(Sponsor {
        id: SponsorId(row.try_get("sponsor_id")?),
        name: row.try_get("name")?,
        address: word(&row, "address")?,
        price_ceiling: word(&row, "price_ceiling")?,
        spend_limit: word(&row, "spend_limit")?,
        held: word(&row, "held")?,
        spent: word(&row, "spent")?,
        deposit: word(&row, "deposit")?,
        announced: word(&row, "announced")?,
        allowance: word(&row, "allowance")?,
        free: word(&row, "free")?,
    }))
}
