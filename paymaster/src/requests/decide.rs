//! Whether the sponsor pays: what its policy says, and where a rule asks, what the sponsor's own server says.

use ciro_api::{Felt, SponsorId};

use super::desk::Desk;
use crate::{
    ask::{Answer, Phase, Question},
    policy::{Decision, OnFailure, Operation, Policy, Rule, Webhook},
    snip29::Fault,
};

/// What is decided about.
#[derive(Clone, Copy)]
pub(super) struct Matter<'a> {
    pub(super) phase: Phase,
    pub(super) sponsor: SponsorId,
    /// Of the policy.
    pub(super) revision: i32,
    pub(super) operation: &'a Operation<'a>,
    /// What the account has signed, where it has.
    pub(super) message_hash: Option<Felt>,
}

/// The rule by which the sponsor pays. May wait for its server: hold nothing meanwhile that others need.
pub(super) async fn decide<'p>(
    desk: &Desk,
    policy: &'p Policy,
    matter: &Matter<'_>,
) -> Result<&'p Rule, Fault> {
    match policy.decide(matter.operation) {
        Decision::Allow(rule) => Ok(rule),
        Decision::Ask(rule, webhook) => ask(desk, matter, rule, webhook).await.map(|()| rule),
        Decision::UserPays(rule) => Err(Fault::denied(
            "user_pays",
            Some(&rule.id.to_string()),
            "the sponsor does not pay for this; the user may, with fee mode `default`",
        )),
        Decision::Deny(denial) => Err(denial.into()),
    }
}

async fn ask(
    desk: &Desk,
    matter: &Matter<'_>,
    rule: &Rule,
    webhook: &Webhook,
) -> Result<(), Fault> {
    let denied = |reason, detail: &str| Fault::denied(reason, Some(&rule.id.to_string()), detail);
    let Some(asker) = desk.asker() else {
        // Nobody has said yes, and unsigned questions would teach servers to answer anybody.
        let detail = "the rule asks the sponsor's server, and this paymaster has no key to sign questions with";
        return Err(denied("webhook_unsupported", detail));
    };
    let Matter { phase, sponsor, revision, operation, message_hash } = *matter;
    let chain = desk.chain().chain_id();
    let question =
        Question { phase, chain, sponsor, revision, rule: &rule.id, operation, message_hash };
    match asker.ask(webhook, &question).await? {
        Answer::Allowed => Ok(()),
        Answer::Denied(None) => Err(denied("webhook_denied", "the sponsor's server says no")),
        Answer::Denied(Some(why)) => {
            Err(denied("webhook_denied", &format!("the sponsor's server says no: {why}")))
        }
        Answer::Failed(failure) => {
            let (host, then) = (webhook.url.host_str(), webhook.on_failure);
            tracing::info!(%sponsor, rule = %rule.id, host, %failure, ?then, "a sponsor's server gave no answer");
            match then {
                OnFailure::Allow => Ok(()),
                OnFailure::Deny => Err(denied(
                    "webhook_failed",
                    "the sponsor's server gave no answer, and without one the sponsor does not pay",
                )),
            }
        }
    }
}
