//! Says what a policy would decide of an operation, and why. A dry run: nothing is reserved, and no limit is looked at.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use ciro_api::{
    Address, ErrorCode, Felt, Problem, SponsorKeyId, SponsorScope,
    hash::outside_execution::OutsideCall,
    rest::policies::{ExplainPolicy, ExplainedRule, PolicyCall, PolicyDecision, PolicyExplanation},
};
use ciro_paymaster::{
    policy::{self, Decision, Operation, Policy, PolicyDocument, PolicyStoreError, Selector},
    snip29::WireFelt,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{app::App, auth::Sponsor, extract, extract::JsonBytes, problem::ApiError};

/// What your policy, or a document that is not stored, would decide of an operation, and which condition of each rule it does
/// not meet. Nothing is reserved, limits are not looked at, and calls to the paymaster's own contract are not found out.
#[utoipa::path(post, operation_id = "explain_policy", path = "/v1/sponsors/me/policy/explain", tag = "sponsors", security(("sponsor_key" = [])),
    request_body = ExplainPolicy,
    responses(
        (status = 200, body = PolicyExplanation, description = "What would be decided, and why"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "You have no policy, and named none"),
))]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    let asked: ExplainPolicy = extract::parse_json(&bytes)?;
    let calls = calls(&asked.calls)?;
    let (revision, document) = match &asked.document {
        Some(given) => {
            let document = super::read(given.get().as_bytes())
                .map_err(|e| ApiError::from(Problem::from(e).under("/document")))?;
            (None, document)
        }
        None => newest(&app, &sponsor).await?,
    };
    let explained = of(&asked, &calls, document, OffsetDateTime::now_utc());
    super::json(&PolicyExplanation { revision, ..explained })
}

async fn newest(app: &App, sponsor: &Sponsor) -> Result<(Option<u32>, PolicyDocument), ApiError> {
    let client = app.pg.get().await?;
    match policy::current(&**client, sponsor.id).await {
        Ok(Some((revision, document))) => Ok((Some(super::shown(revision)), document)),
        Ok(None) => Err(super::none()),
        Err(PolicyStoreError::Database(error)) => Err(error.into()),
        Err(error) => Err(ApiError::internal("reading a stored policy", &error)),
    }
}

/// The operation's calls as the chain has them.
pub(crate) fn calls(asked: &[PolicyCall]) -> Result<Vec<OutsideCall>, ApiError> {
    let refuse = |at: String, why: String| -> ApiError {
        let problem = Problem::new(ErrorCode::InvalidRequest, "a call cannot be understood");
        problem.at(at, why).into()
    };
    let read = |(place, call): (usize, &PolicyCall)| {
        let selector = Selector::parse(&call.function)
            .map_err(|why| refuse(format!("/calls/{place}/function"), why))?;
        let felt = |(number, text): (usize, &String)| {
            let felt: Result<WireFelt, String> = text.parse();
            felt.map(|felt| felt.0)
                .map_err(|why| refuse(format!("/calls/{place}/calldata/{number}"), why))
        };
        let calldata = call.calldata.iter().enumerate().map(felt).collect::<Result<_, _>>()?;
        Ok(OutsideCall { to: call.to, selector: selector.felt(), calldata })
    };
    asked.iter().enumerate().map(read).collect()
}

fn of(
    asked: &ExplainPolicy,
    calls: &[OutsideCall],
    document: PolicyDocument,
    now: OffsetDateTime,
) -> PolicyExplanation {
    let operation = Operation {
        key: asked.key.unwrap_or(SponsorKeyId(Uuid::nil())),
        account: asked.account,
        class_hash: asked.class_hash.map_or(Felt::ZERO, |hash| hash.0),
        deploys: asked.deploys,
        device: asked.device,
        from: asked.from,
        origin: asked.origin.as_deref(),
        calls,
        l2_gas: asked.l2_gas,
        l2_gas_price: asked.l2_gas_price_fri,
        fee: asked.fee_fri,
        // Nobody here knows which contract it is.
        forwarder: Address(Felt::ZERO),
        now,
    };
    let policy = Policy::new(document);
    let rules = policy.explain(&operation).into_iter().map(|(id, mismatch)| ExplainedRule {
        id: id.to_string(),
        mismatch: mismatch.map(|mismatch| mismatch.to_string()),
    });
    let decided = policy.decide(&operation);
    let (decision, rule) = match &decided {
        Decision::Allow(rule) => (PolicyDecision::Allow, Some(&rule.id)),
        Decision::Ask(rule, _) => (PolicyDecision::Ask, Some(&rule.id)),
        Decision::UserPays(rule) => (PolicyDecision::UserPays, Some(&rule.id)),
        Decision::Deny(denial) => (PolicyDecision::Deny, denial.rule.as_ref()),
    };
    PolicyExplanation {
        revision: None,
        decision,
        rule: rule.map(ToString::to_string),
        explanation: decided.to_string(),
        rules: rules.collect(),
    }
}
