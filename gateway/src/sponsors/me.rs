//! Shows a sponsor to its own servers.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{Problem, SponsorScope, rest::sponsors::Sponsor as Shown};

use crate::{app::App, auth::Sponsor, problem::ApiError, reply::Reply};

/// The sponsor that the key is of: its limits, and what the chain says of it.
#[utoipa::path(get, operation_id = "get_sponsor_me", path = "/v1/sponsors/me", tag = "sponsors", security(("sponsor_key" = [])), responses(
    (status = 200, body = Shown, description = "The sponsor"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
))]
pub(crate) async fn me(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
) -> Result<Reply<Shown>, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    let books = super::books(&app, sponsor.id).await?;
    Ok(Reply(Shown {
        id: books.id,
        name: books.name,
        address: books.address,
        price_ceiling_fri: books.price_ceiling,
        spend_limit_fri: books.spend_limit,
        deposit_fri: books.deposit,
        announced_fri: books.announced,
        allowance_fri: books.allowance,
    }))
}
