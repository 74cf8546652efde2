//! Adds a sponsor. Its money comes from the chain; here are only the limits we enforce for it.

use ciro_api::{Address, Fri, SponsorId};
use tokio_postgres::{GenericClient, error::SqlState, types::Type};

/// A sponsor to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSponsor {
    /// Chosen by the caller.
    pub id: SponsorId,
    /// For people.
    pub name: String,
    /// Its account on chain.
    pub address: Address,
    /// The most it pays for one job.
    pub price_ceiling: Fri,
    /// The most it ever pays through us.
    pub spend_limit: Fri,
}

/// A sponsor that was not added.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The id or the account has a sponsor already.
    #[error("there is a sponsor with id {id} or account {address} already")]
    Exists {
        /// The id.
        id: SponsorId,
        /// The account.
        address: Address,
    },
    /// The database did not answer or refused.
    #[error("could not add the sponsor")]
    Database(#[source] tokio_postgres::Error),
}

/// Adds a sponsor.
pub async fn create(
    client: &(impl GenericClient + Sync),
    sponsor: &NewSponsor,
) -> Result<(), CreateError> {
    let (address, ceiling, limit) = (
        sponsor.address.to_string(),
        sponsor.price_ceiling.to_string(),
        sponsor.spend_limit.to_string(),
    );
    let added = client
        .execute_typed(
            include_str!("create.sql"),
            &[
                (&sponsor.id.0, Type::UUID),
                (&sponsor.name, Type::TEXT),
                (&address, Type::TEXT),
                (&ceiling, Type::TEXT),
                (&limit, Type::TEXT),
            ],
        )
        .await;
    match added {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
            Err(CreateError::Exists { id: sponsor.id, address: sponsor.address })
        }
        Err(error) => Err(CreateError::Database(error)),
    }
}
