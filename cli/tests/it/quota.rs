//! How often one caller may ask, told before and when it is too often; and that nobody is shut out with Redis.

use std::time::{Duration, Instant};

use ciro::demo::{client::Gateway, device::Device};
use ciro_api::{ErrorCode, SponsorScope, limits, rest::sponsors::Sponsor};
use ciro_gateway::{Config, app};
use ciro_telemetry::Flags;
use reqwest::{RequestBuilder, Response};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    net::{Net, refusal, refused, succeed},
    sponsor_desk::own_key,
};

/// A second gateway of the same network, in this process, with quotas that a test can use up.
pub(crate) struct Strict {
    pub(crate) url: String,
    gateway: Gateway,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Strict {
    pub(crate) async fn start(net: &Net, quota: u32, redis_url: &str) -> Self {
        let (stop, network) = (CancellationToken::new(), &net.dev.network);
        let ready = net.room.path().join("strict.ready");
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            database_url: network.database_url.clone(),
            migrate: false,
            database_connections_max: 4,
            redis_url: redis_url.to_owned(),
            device_requests_per_minute: quota,
            sponsor_requests_per_minute: quota,
            claims_per_minute: quota,
            unknown_claims_per_minute: quota,
            issuer: network.issuer.clone(),
            token_key_file: net.room.path().join("network/token-key.pem"),
            secret_file: net.room.path().join("network/gateway-secret"),
            chain_id: network.contracts.chain_id,
            job_manager: network.contracts.job_manager,
            webhook_allow_private: false,
            webhook_ca_file: None,
            webhook_first_retry_ms: 5_000,
            telemetry: Flags::default(),
            ready_file: Some(ready.clone()),
            #[cfg(debug_assertions)]
            failpoint: None,
        };
        let until = stop.clone();
        let running = tokio::spawn(async move { app::run(config, until).await.unwrap() });
        let deadline = Instant::now() + Duration::from_secs(20);
        let url = loop {
            if let Ok(url) = std::fs::read_to_string(&ready) {
                break url;
            }
            assert!(
                Instant::now() < deadline && !running.is_finished(),
                "the gateway did not start"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        Self { gateway: Gateway::new(&url).unwrap(), url, stop, running }
    }

    pub(crate) fn jobs(&self, device: &Device) -> RequestBuilder {
        self.gateway.get("/v1/jobs").bearer_auth(&device.token)
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

fn header(reply: &Response, name: &str) -> String {
    reply.headers()[name].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_nobody_else_is_held_up() {
    let net = Net::start().await;
    // One request grows back in a minute and nothing in a test's time, so every count here is exact.
    let strict = Strict::start(&net, 3, &net.dev.network.redis_url).await;
    for left in [2, 1, 0] {
        let reply = strict.jobs(&net.device).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        assert_eq!(header(&reply, "ratelimit-policy"), "\"device\";q=3;w=60");
        let standing = header(&reply, "ratelimit");
        assert!(standing.starts_with(&format!("\"device\";r={left};t=")), "{standing}");
    }
    let problem = refusal(strict.jobs(&net.device)).await;
    assert_eq!((problem.code, problem.retryable), (ErrorCode::RateLimited, true));
    let reply = strict.jobs(&net.device).send().await.unwrap();
    let retry_after: u64 = header(&reply, "retry-after").parse().unwrap();
    assert!((1..=20).contains(&retry_after), "{retry_after}");
    assert!(header(&reply, "ratelimit").starts_with("\"device\";r=0;t="));
    // Every path of the device counts, and a refused request changes nothing.
    let post = strict.gateway.post("/v1/jobs").bearer_auth(&net.device.token);
    assert_eq!(refused(post.json(&crate::net::hash_job(b"x"))).await, ErrorCode::RateLimited);
    assert_eq!(net.jobs().await, 0);

    let other = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    assert_eq!(strict.jobs(&other).send().await.unwrap().status(), 200);
    // All keys of one sponsor share one quota.
    let keys =
        [own_key(&net, &[SponsorScope::Read]).await, own_key(&net, &[SponsorScope::Read]).await];
    let me = |key: &str| strict.gateway.get("/v1/sponsors/me").bearer_auth(key);
    for turn in 0..3 {
        let _: Sponsor = succeed(me(&keys[turn % 2])).await;
    }
    assert_eq!(refused(me(&keys[1])).await, ErrorCode::RateLimited);
    // Who is nobody has no quota to spend and gets no standing.
    let nobody = strict.gateway.get("/v1/jobs").send().await.unwrap();
    assert_eq!((nobody.status().as_u16(), nobody.headers().get("ratelimit")), (401, None));
    strict.stop().await;
    net.stop().await;
}

#[tokio::test]
async fn a_quota_grows_back_evenly_and_survives_that_redis_forgets_its_functions() {
    let net = Net::start().await;
    // Ten grow back in each second.
    let strict = Strict::start(&net, 600, &net.dev.network.redis_url).await;
    let mut refusal = None;
    for _ in 0..3_000 {
        let reply = strict.jobs(&net.device).send().await.unwrap();
        if reply.status() == 429 {
            refusal = Some(header(&reply, "retry-after"));
            break;
        }
    }
    assert_eq!(refusal.as_deref(), Some("1"), "the quota was never used up");
    let client = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FUNCTION").arg("FLUSH").exec_async(&mut redis).await.unwrap();
    // What `Retry-After` says is true.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let reply = strict.jobs(&net.device).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    // About ten in the second that passed, or more where the machine was busy, and nothing like all of them.
    let standing = header(&reply, "ratelimit");
    let left: u32 =
        standing.split(";r=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    assert!((5..300).contains(&left), "{standing}");
    strict.stop().await;
    net.stop().await;
}

#[tokio::test]
async fn without_redis_nobody_is_limited_and_nobody_waits_for_it() {
    let net = Net::start().await;
    let strict = Strict::start(&net, 1, "redis://127.0.0.1:1").await;
    let began = Instant::now();
    for _ in 0..20 {
        let reply = strict.jobs(&net.device).send().await.unwrap();
        assert_eq!((reply.status().as_u16(), reply.headers().get("ratelimit")), (200, None));
    }
    let patience = Duration::from_millis(20 * limits::LIMITER_WAIT_MS);
    assert!(began.elapsed() < patience, "each request waited for Redis");
    strict.stop().await;
    net.stop().await;
}
