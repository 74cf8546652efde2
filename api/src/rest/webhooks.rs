//! Webhooks: how an end is told to a receiver, and what sponsors see and decide of that.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{jobs::Job, whole::whole_present};
use crate::{
    id::{EventId, JobId, WebhookSecretId},
    state::EventKind,
};

/// Whom to tell when a job ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to: `https`, port 443 or 8443, no user and no fragment, at most 2,048 bytes, and no private address.
    #[schema(max_length = 2048)]
    pub url: String,
    /// What of. Each kind at most once.
    #[schema(min_items = 1, max_items = 4)]
    pub events: Vec<EventKind>,
}

/// What a receiver gets: a `CloudEvents` 1.0 event in structured JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Always `1.0`.
    pub specversion: String,
    /// Its id, the same in every try.
    pub id: EventId,
    /// Always `/v1/jobs`.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The job.
    pub subject: JobId,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// The requester's trace, when it sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The same for `tracestate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// The job as `GET /v1/jobs/{id}` shows it when the event is sent.
    pub data: Job,
}

/// A secret that webhooks are signed with, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookSecret {
    /// Its id.
    pub id: WebhookSecretId,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it stops signing, once a successor was made.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<OffsetDateTime>,
}

/// A secret, this once with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewWebhookSecret {
    /// Its id.
    pub id: WebhookSecretId,
    /// What receivers check signatures with: `whsec_` and base64.
    pub secret: String,
}

/// The live secrets of a sponsor: what webhooks are signed with now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookSecretList {
    /// Oldest first.
    pub data: Vec<WebhookSecret>,
}

/// Asks for a successor of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWebhookSecret {
    /// How long both sign, in seconds. Default a day, at most a week; 0 ends the old one at once.
    #[serde(default, deserialize_with = "whole_present", skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 604_800)]
    pub overlap_s: Option<u32>,
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedDelivery {
    /// The event.
    pub event: EventId,
    /// What happened.
    pub kind: EventKind,
    /// The job.
    pub job: JobId,
    /// Where to.
    pub url: String,
    /// How often the receiver was called in vain since the last wish to.
    pub tries: u32,
    /// What it answered the last time, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Why the last try came to nothing.
    pub reason: String,
    /// When it was given up.
    #[serde(with = "time::serde::rfc3339")]
    pub failed_at: OffsetDateTime,
}

/// Some of a sponsor's deliveries that were given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedDeliveryPage {
    /// Newest event first.
    pub data: Vec<FailedDelivery>,
    /// Whether there are more behind them.
    pub has_more: bool,
    /// Where the next page begins, when there is one: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<EventId>,
}
