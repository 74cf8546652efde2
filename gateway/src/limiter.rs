//! Request quotas per device, per sponsor and per claim token, kept in Redis for all replicas together.
//!
//! Fails open: when Redis is away or slow, everyone is let through and an error is logged once a second that counts them.
//! Money stays bounded by holds and bodies by their limits; refusing a fleet because an index is away would be worse.
//! Has keys (`ciro:rate:…`), a function library and a connection of its own; knows nothing of the lease queue.

pub(crate) mod headers;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ciro_api::{DeviceId, ErrorCode, SponsorId, limits};
use redis::RedisError;

use self::headers::{Reported, Standing};
use crate::{
    problem::{ApiError, chain},
    redis_link::Link,
};

const LIBRARY: &str = include_str!("limiter/functions.lua");
const WAIT: Duration = Duration::from_millis(limits::LIMITER_WAIT_MS);
const BLIND: Duration = Duration::from_millis(limits::LIMITER_BLIND_MS);

/// Whose quota is spent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// One device.
    Device(DeviceId),
    /// All API keys of one sponsor.
    Sponsor(SponsorId),
    /// Everybody who claims with one claim token, by its SHA-256: the text is a secret and has no place in Redis.
    ClaimToken([u8; 32]),
    /// Everybody who claims with claim tokens that there never were.
    UnknownClaimToken,
}

/// How many requests each kind of caller has in [`limits::QUOTA_WINDOW_S`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quotas {
    pub(crate) device: u32,
    pub(crate) sponsor: u32,
    pub(crate) claim_token: u32,
    pub(crate) unknown_claim_token: u32,
}

/// Spends quotas.
pub(crate) struct Limiter {
    link: Link,
    quotas: Quotas,
    outage: Mutex<Outage>,
}

/// What happened since Redis last answered.
#[derive(Default)]
struct Outage {
    blind_until: Option<Instant>,
    let_through: u64,
}

impl Limiter {
    /// A limiter at `redis_url`; no connection is made yet.
    pub(crate) fn new(redis_url: &str, quotas: Quotas) -> Result<Self, RedisError> {
        let link = Link::new(redis_url, WAIT, &[LIBRARY])?;
        Ok(Self { link, quotas, outage: Mutex::default() })
    }

    /// Spends one request of the caller's quota, or refuses it. What is left is reported to the reply's headers.
    pub(crate) async fn spend(&self, caller: Caller, report: &Reported) -> Result<(), ApiError> {
        let (policy, quota) = match caller {
            Caller::Device(_) => ("device", self.quotas.device),
            Caller::Sponsor(_) => ("sponsor", self.quotas.sponsor),
            Caller::ClaimToken(_) => ("claim-token", self.quotas.claim_token),
            Caller::UnknownClaimToken => ("unknown-claim-token", self.quotas.unknown_claim_token),
        };
        if self.is_blind() {
            return Ok(());
        }
        let asked = tokio::time::timeout(WAIT, self.ask(caller, quota)).await;
        let (allowed, left, retry_us, whole_us) = match asked {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return self.go_blind(&chain(&error)).await,
            Err(_) => return self.go_blind("no answer in time").await,
        };
        self.see_again();
        let refused = allowed == 0;
        report.set(Standing {
            policy,
            quota,
            left,
            whole_us,
            retry_us: refused.then_some(retry_us),
        });
        if !refused {
            return Ok(());
        }
        let window = limits::QUOTA_WINDOW_S;
        let detail = format!("the {policy} quota of {quota} requests in {window} s is used up");
        Err(ApiError::new(ErrorCode::RateLimited, detail))
    }

    async fn ask(&self, caller: Caller, quota: u32) -> Result<(u8, u32, u64, u64), RedisError> {
        let key = match caller {
            Caller::Device(id) => format!("ciro:rate:device:{id}"),
            Caller::Sponsor(id) => format!("ciro:rate:sponsor:{id}"),
            Caller::ClaimToken(sha256) => format!("ciro:rate:claim:{}", hex::encode(sha256)),
            Caller::UnknownClaimToken => "ciro:rate:claim:unknown".to_owned(),
        };
        let step_us = u64::from(limits::QUOTA_WINDOW_S) * 1_000_000 / u64::from(quota.max(1));
        let mut call = redis::cmd("FCALL");
        call.arg("ciro_rate_spend_v1").arg(1).arg(key).arg(step_us).arg(quota);
        self.link.call(&call).await
    }

    fn is_blind(&self) -> bool {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let blind = outage.blind_until.is_some_and(|until| Instant::now() < until);
        if blind {
            outage.let_through = outage.let_through.saturating_add(1);
        }
        blind
    }

    /// Lets this request through, and for a moment everyone.
    async fn go_blind(&self, cause: &str) -> Result<(), ApiError> {
        // The next one that asks connects anew.
        self.link.forget().await;
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        outage.let_through = outage.let_through.saturating_add(1);
        outage.blind_until = Some(Instant::now() + BLIND);
        let let_through = outage.let_through;
        tracing::error!(
            cause,
            let_through,
            "requests are not limited: the limiter's Redis is away"
        );
        Ok(())
    }

    fn see_again(&self) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if outage.blind_until.take().is_some() {
            let let_through = std::mem::take(&mut outage.let_through);
            tracing::warn!(let_through, "requests are limited again");
        }
    }
}
