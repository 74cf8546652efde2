//! What bad input gets: one document, one closed list of codes, a page for each in `docs/src/errors`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:tt, $status:literal, $retry:literal, $title:literal;)+) => {
        /// Every code the system answers with. Adding one is additive; changing one breaks clients.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of its definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code on the wire; its page is `docs/src/errors/<code>.md`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The HTTP status it travels under.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// Whether the same request may succeed later.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retry,)+ }
            }

            /// The short human name.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

error_codes! {
    /// A field, header or parameter is missing, unknown or of the wrong shape.
    InvalidRequest = "invalid_request", 400, false, "Invalid request";
    /// The body is not JSON.
    InvalidJson = "invalid_json", 400, false, "Invalid JSON";
    /// The body is not CBOR, or more than one item of it.
    InvalidCbor = "invalid_cbor", 400, false, "Invalid CBOR";
    /// No usable credentials came with the request.
    Unauthenticated = "unauthenticated", 401, false, "Not authenticated";
    /// The token was ours and is over.
    TokenExpired = "token_expired", 401, false, "Token expired";
    /// The token is malformed, not ours, or meant for something else.
    InvalidToken = "invalid_token", 401, false, "Invalid token";
    /// The token is ours and live, and its device was revoked.
    DeviceRevoked = "device_revoked", 401, false, "Device revoked";
    /// A signed assertion or proof does not check out.
    InvalidAssertion = "invalid_assertion", 401, false, "Invalid assertion";
    /// The claim token is unknown, over, revoked, used up, or for other serials.
    ClaimRefused = "claim_refused", 401, false, "Claim refused";
    /// The login challenge is unknown, over, or used.
    ChallengeUnknown = "challenge_unknown", 401, true, "Unknown challenge";
    /// A Stark signature does not match its message and key.
    WrongSignature = "wrong_signature", 401, false, "Wrong signature";
    /// The sponsor's free budget does not cover the job.
    SponsorOutOfBudget = "sponsor_out_of_budget", 402, true, "Sponsor out of budget";
    /// The model costs more than the sponsor pays for one job.
    PriceOverCeiling = "price_over_ceiling", 402, false, "Price over the sponsor's ceiling";
    /// The credentials are good and do not allow this.
    Forbidden = "forbidden", 403, false, "Forbidden";
    /// The worker is not registered on chain or its stake is too low.
    WorkerNotStaked = "worker_not_staked", 403, true, "Worker not staked";
    /// No such thing, or not yours.
    NotFound = "not_found", 404, false, "Not found";
    /// The path exists and this method does not.
    MethodNotAllowed = "method_not_allowed", 405, false, "Method not allowed";
    /// The caller reads no format that this path writes.
    NotAcceptable = "not_acceptable", 406, false, "Not acceptable";
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", 408, true, "Request timed out";
    /// Another worker holds the job now.
    LeaseLost = "lease_lost", 409, false, "Lease lost";
    /// The job has a different result already.
    ResultConflict = "result_conflict", 409, false, "Result conflict";
    /// The job ended: without this result, or otherwise than by being canceled.
    JobAlreadyFinished = "job_already_finished", 409, false, "Job already finished";
    /// The job waits, runs or has a result, so it is not run again.
    NotReplayable = "not_replayable", 409, false, "Not replayable";
    /// The statement is countersigned with another signature, or belongs to another worker.
    StatementConflict = "statement_conflict", 409, false, "Statement conflict";
    /// The serial is claimed with another key.
    DeviceConflict = "device_conflict", 409, false, "Device conflict";
    /// As many of these exist as may; end one first.
    LimitReached = "limit_reached", 409, false, "Limit reached";
    /// It is not, or no longer, as the request demands by `If-Match` or `If-None-Match`.
    PreconditionFailed = "precondition_failed", 412, false, "Precondition failed";
    /// The body is over the limit.
    BodyTooLarge = "body_too_large", 413, false, "Body too large";
    /// The input is larger than the model's registered size.
    InputTooLarge = "input_too_large", 413, false, "Input too large";
    /// The body's media type is not one we read.
    UnsupportedMediaType = "unsupported_media_type", 415, false, "Unsupported media type";
    /// No model of this name or id.
    UnknownModel = "unknown_model", 422, false, "Unknown model";
    /// No pool of this name.
    UnknownPool = "unknown_pool", 422, false, "Unknown pool";
    /// The key came before with another body.
    IdempotencyKeyReused = "idempotency_key_reused", 422, false, "Idempotency key reused";
    /// The result does not belong to the job: another model, another input, or too large an output.
    InvalidResult = "invalid_result", 422, false, "Invalid result";
    /// The caller asked more often than its quota allows.
    RateLimited = "rate_limited", 429, true, "Too many requests";
    /// The job ended without a result, and this request was for nothing else.
    JobFailed = "job_failed", 502, false, "Job failed";
    /// The wait is over and the job goes on.
    WaitOver = "wait_over", 504, true, "Wait over";
    /// Our fault.
    Internal = "internal", 500, true, "Internal error";
    /// A part we need is down; nothing was half done.
    Unavailable = "unavailable", 503, true, "Temporarily unavailable";
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One offending place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body, or `header/<name>`, `query/<name>`.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// An RFC 9457 problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where the page about this code is, relative to the gateway.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's short name.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The closed code.
    pub code: ErrorCode,
    /// What happened, with which input, and what to do next.
    pub detail: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// The request this answers, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Offending places, when the request was malformed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem of this code.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/errors/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            retryable: code.retryable(),
            request_id: None,
            errors: Vec::new(),
        }
    }

    /// The same problem, pointing at a field.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// The same problem of a part of a larger body: what it points at lies under `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        for error in &mut self.errors {
            error.pointer = format!("{prefix}{}", error.pointer);
        }
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        self.errors.iter().try_for_each(|e| write!(f, " [{}: {}]", e.pointer, e.detail))
    }
}

impl std::error::Error for Problem {}
