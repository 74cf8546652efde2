//! What who scales workers, and a sponsor's server, may see.

use std::time::Duration;

use ciro::demo::device::Device;
use ciro_api::{
    DeviceId, ErrorCode, SponsorScope,
    rest::{
        devices::{Device as Shown, DevicePage},
        pools::{Pool, PoolList},
    },
};
use nix::sys::signal::Signal;
use reqwest::RequestBuilder;
use tokio::time::{Instant, sleep};

use crate::{
    net::{Net, hash_job, refused, succeed},
    sponsor_desk::own_key,
};

fn get(net: &Net, path: &str, token: &str) -> RequestBuilder {
    net.gateway.get(path).bearer_auth(token)
}

/// The pool of hash jobs, once it is as wished: signals come a second late.
async fn until(net: &Net, token: &str, wished: impl Fn(&Pool) -> bool) -> Pool {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let list: PoolList = succeed(get(net, "/v1/pools?per_worker=2", token)).await;
        let pool = list.data.into_iter().find(|pool| pool.pool.as_str() == "cpu").unwrap();
        if wished(&pool) {
            return pool;
        }
        assert!(Instant::now() < deadline, "{pool:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn pools_tell_how_many_workers_they_need() {
    let (mut net, worker) = Net::with_hand_worker().await;
    let key = own_key(&net, &[SponsorScope::Read]).await;
    let before = until(&net, &key, |pool| pool.queued == 0).await;
    assert_eq!((before.leased, before.oldest_age_ms, before.suggested_workers), (0, None, 0));
    for number in 0..5_u8 {
        net.submit(&[number]).await;
    }
    let mut later = hash_job(b"later");
    later.delay_ms = Some(600_000);
    let _: ciro_api::rest::jobs::Job = succeed(net.post_job(&later)).await;
    let leased = worker.lease(&net, 1, 10_000).await;
    assert_eq!(leased.len(), 1);
    let busy = until(&net, &key, |pool| pool.arrivals_per_minute == 6 && pool.workers > 0).await;
    assert_eq!((busy.queued, busy.delayed, busy.leased), (4, 1, 1));
    assert!(busy.suggested_workers >= 3, "five jobs, two for each worker");
    let waits = until(&net, &worker.token, |pool| pool.oldest_age_ms >= Some(4_000)).await;
    assert!(waits.suggested_workers > waits.workers, "a job has waited for too long");

    for bad in ["per_worker=0", "per_worker=65", "per_worker=x", "surprise=1"] {
        let path = format!("/v1/pools?{bad}");
        assert_eq!(refused(get(&net, &path, &key)).await, ErrorCode::InvalidRequest, "{bad}");
    }
    let manage = own_key(&net, &[SponsorScope::Manage]).await;
    assert_eq!(refused(get(&net, "/v1/pools", &manage)).await, ErrorCode::Forbidden);
    assert_eq!(refused(get(&net, "/v1/pools", &net.device.token)).await, ErrorCode::Forbidden);
    assert_eq!(refused(net.gateway.get("/v1/pools")).await, ErrorCode::Unauthenticated);
    // Without the index there is nothing to tell, and nothing is made up.
    net.dev.stack.redis_mut().service_mut().signal(Signal::SIGKILL).unwrap();
    assert_eq!(refused(get(&net, "/v1/pools", &key)).await, ErrorCode::Unavailable);
    net.stop().await;
}

#[tokio::test]
async fn a_sponsor_pages_through_its_devices_from_the_newest_to_the_oldest() {
    let net = Net::start().await;
    let key = own_key(&net, &[SponsorScope::Read, SponsorScope::Manage]).await;
    let mut all: Vec<DeviceId> = vec![net.device.id];
    for _ in 0..4 {
        all.insert(0, Device::enrol(&net.gateway, &net.dev.network).await.unwrap().id);
    }
    let path = format!("/v1/devices/{}/revoke", all[1]);
    let gone: Shown = succeed(net.gateway.post(&path).bearer_auth(&key)).await;
    let page = async |query: String| -> DevicePage {
        succeed(get(&net, &format!("/v1/devices?{query}"), &key)).await
    };
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let found = page(query).await;
        assert_eq!(found.has_more, found.next_after.is_some());
        seen.extend(found.data);
        let Some(after) = found.next_after else { break };
        query = format!("limit=2&after={after}");
    }
    assert_eq!(seen.iter().map(|device| device.id).collect::<Vec<_>>(), all);
    assert_eq!(seen[1], gone);
    assert!(seen.iter().filter(|device| device.revoked_at.is_some()).count() == 1);
    assert!(!page("limit=5".to_owned()).await.has_more, "exactly one page is not two");

    for bad in ["limit=0", "limit=101", "after=job_00000000000000000000000000", "surprise=1"] {
        let path = format!("/v1/devices?{bad}");
        assert_eq!(refused(get(&net, &path, &key)).await, ErrorCode::InvalidRequest, "{bad}");
    }
    let manage = own_key(&net, &[SponsorScope::Manage]).await;
    assert_eq!(refused(get(&net, "/v1/devices", &manage)).await, ErrorCode::Forbidden);
    assert_eq!(refused(get(&net, "/v1/devices", &net.device.token)).await, ErrorCode::Forbidden);
    net.stop().await;
}
