//! Whether the webhook of a new job can be kept.

use std::collections::HashSet;

use ciro_api::{ErrorCode, Problem, rest::webhooks::Webhook};

use crate::problem::ApiError;

/// The webhook, if it can. With `allow_private`, plain HTTP, any port and any address may be called.
pub(crate) fn usable(webhook: Webhook, allow_private: bool) -> Result<Webhook, ApiError> {
    let bad = |pointer: &str, detail: String| {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the webhook cannot be used");
        Err(problem.at(pointer, detail).into())
    };
    let distinct: HashSet<_> = webhook.events.iter().collect();
    if webhook.events.is_empty() || distinct.len() != webhook.events.len() {
        return bad("/webhook/events", "name 1 to 4 events, each once".to_owned());
    }
    match ciro_egress::check(&webhook.url, allow_private) {
        Ok(url) => Ok(Webhook { url: url.into(), ..webhook }),
        Err(unusable) => bad("/webhook/url", unusable.to_string()),
    }
}
