//! Sponsors at the front desk: claim tokens for batches of devices, API keys, and what their servers may see.

pub(crate) mod claim_tokens;
mod create_key;
pub(crate) mod me;
pub(crate) mod operations;
pub(crate) mod policy;
mod revoke_key;
mod set_cap;
pub(crate) mod usage;

pub use claim_tokens::{
    create::{CreateClaimTokenError, create_claim_token},
    list::claim_tokens,
    revoke::revoke_claim_token,
};
pub use create_key::{CreateKeyError, CreatedKey, NewKey, create_key};
pub use revoke_key::revoke_key;
pub use set_cap::set_cap;

use ciro_api::{ErrorCode, SponsorId};
use ciro_paymaster::sponsors;

use crate::{app::App, problem::ApiError};

/// What the ledger says of the sponsor.
async fn books(app: &App, id: SponsorId) -> Result<sponsors::Sponsor, ApiError> {
    let client = app.pg.get().await?;
    let found = sponsors::get(&**client, id).await.map_err(|e| ApiError::from_store(&e))?;
    found.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no sponsor {id}")))
}
