//! Ends of jobs are told to those who asked: signed, at least once, and to nobody who must not be called.

use std::time::Duration;

use axum::http::StatusCode;
use ciro_api::{
    ErrorCode, EventKind, SponsorScope,
    rest::{
        jobs::{BatchItem, BatchReply, CreateBatch, CreateJob, Job},
        leases::{FailReply, FailRequest},
        webhooks::{
            FailedDeliveryPage, NewWebhookSecret, RotateWebhookSecret, Webhook, WebhookSecret,
            WebhookSecretList,
        },
    },
};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::{
    net::{HandWorker, Net, hash_job, refusal, refused, succeed},
    receiver::{Manner, Receiver},
    sponsor_desk::own_key,
};

const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn job(bytes: &[u8], url: String, events: &[EventKind]) -> CreateJob {
    CreateJob { webhook: Some(Webhook { url, events: events.to_vec() }), ..hash_job(bytes) }
}

pub(crate) async fn post(net: &Net, job: &CreateJob) -> Job {
    succeed(net.post_job(job)).await
}

async fn key(net: &Net) -> String {
    own_key(net, &[SponsorScope::Read, SponsorScope::Manage]).await
}

pub(crate) async fn new_secret(net: &Net, key: &str) -> NewWebhookSecret {
    succeed(net.gateway.post("/v1/webhooks/secrets").bearer_auth(key)).await
}

pub(crate) async fn finish_all(net: &Net, worker: &HandWorker, count: u32) {
    let leases = worker.lease(net, count, 10_000).await;
    assert_eq!(leases.len(), usize::try_from(count).unwrap());
    let reply = worker.submit(net, leases.iter().map(HandWorker::result).collect()).await;
    assert!(reply.results.iter().all(|outcome| outcome.accepted), "{:?}", reply.results);
}

/// Waits until a query gives this text.
pub(crate) async fn until_sql(net: &Net, query: &str, wanted: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = net.sql(query).await;
        if found == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "`{query}` gives {found}, not {wanted}");
        sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) async fn until_told(net: &Net) {
    until_sql(net, "SELECT count(*)::text FROM webhook_outbox", "0").await;
}

#[tokio::test]
async fn every_kind_of_end_is_told_once_with_the_job_and_a_signature_of_each_live_secret() {
    let (net, worker) = Net::with_hand_worker().await;
    let (receiver, key) = (Receiver::start().await, key(&net).await);
    let first = new_secret(&net, &key).await;
    let done = post(&net, &job(b"done", receiver.url("/done"), &[EventKind::JobCompleted])).await;
    let other = [EventKind::JobFailed, EventKind::JobCanceled];
    post(&net, &job(b"not told", receiver.url("/other"), &other)).await;
    finish_all(&net, &worker, 2).await;
    let got = receiver.until("/done", 1).await;
    assert_eq!(got[0].header("content-type"), "application/cloudevents+json");
    assert_eq!(got[0].header("webhook-signature"), got[0].signature_under(&first.secret));
    let event = got[0].json();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["id"], got[0].header("webhook-id"));
    assert!(event["id"].as_str().unwrap().starts_with("evt_"));
    assert_eq!(event["type"], "job.completed");
    assert_eq!(event["subject"], done.id.to_string());
    let mut shown =
        serde_json::to_value(net.gateway.job(&net.device, done.id).await.unwrap()).unwrap();
    let mut told = event["data"].clone();
    // The money moves on between the two looks.
    for job in [&mut shown, &mut told] {
        job.as_object_mut().unwrap().remove("settlement").unwrap();
    }
    assert_eq!(told, shown);

    // Both sign while receivers change over, and there is never a third.
    let path = format!("/v1/webhooks/secrets/{}/rotate", first.id);
    let rotate = |overlap_s| {
        let body = RotateWebhookSecret { overlap_s };
        net.gateway.post(&path).bearer_auth(&key).json(&body)
    };
    let second: NewWebhookSecret = succeed(rotate(Some(3_600))).await;
    assert_eq!(refused(rotate(None)).await, ErrorCode::LimitReached);
    let canceled = post(&net, &job(b"canceled", receiver.url("/canceled"), &other)).await;
    let cancel = net.gateway.post(&format!("/v1/jobs/{}/cancel", canceled.id));
    let _: Job = succeed(cancel.bearer_auth(&net.device.token)).await;
    let got = receiver.until("/canceled", 1).await;
    let both = [got[0].signature_under(&first.secret), got[0].signature_under(&second.secret)];
    assert_eq!(got[0].header("webhook-signature"), both.join(" "));
    assert_eq!(got[0].json()["type"], "job.canceled");

    let revoke = net.gateway.post(&format!("/v1/webhooks/secrets/{}/revoke", first.id));
    let _: WebhookSecret = succeed(revoke.bearer_auth(&key)).await;
    let listed: WebhookSecretList =
        succeed(net.gateway.get("/v1/webhooks/secrets").bearer_auth(&key)).await;
    assert_eq!(listed.data.iter().map(|one| one.id).collect::<Vec<_>>(), [second.id]);
    post(&net, &job(b"failed", receiver.url("/failed"), &other)).await;
    let lease = worker.lease(&net, 1, 10_000).await.remove(0);
    let failed = FailRequest {
        fence: lease.fence,
        detail: "it cannot be done".to_owned(),
        retryable: false,
    };
    let _: FailReply = succeed(worker.post(&net, "/v1/leases/fail").json(&failed)).await;
    let got = receiver.until("/failed", 1).await;
    assert_eq!(got[0].header("webhook-signature"), got[0].signature_under(&second.secret));
    assert_eq!(got[0].json()["data"]["failure"]["detail"], "it cannot be done");
    until_told(&net).await;
    let counts = ["/done", "/other", "/canceled", "/failed"].map(|path| receiver.count(path));
    assert_eq!(counts, [1, 0, 1, 1]);
    for secret in [&first.secret, &second.secret] {
        let bytes = secret.trim_start_matches("whsec_");
        let stored = format!(
            "SELECT count(*)::text FROM webhook_secret AS row WHERE row::text LIKE '%{bytes}%'"
        );
        assert_eq!(net.sql(&stored).await, "0");
    }
    net.stop().await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_called_again_and_one_that_is_gone_is_not() {
    let (net, worker) = Net::with_hand_worker().await;
    let (receiver, key) = (Receiver::start().await, key(&net).await);
    new_secret(&net, &key).await;
    let says = |status| Box::new(Manner::Says(status));
    let flaky = Manner::First(1, says(StatusCode::INTERNAL_SERVER_ERROR), says(StatusCode::OK));
    receiver.behave("/flaky", flaky);
    receiver.behave("/gone", Manner::Says(StatusCode::GONE));
    receiver.behave("/elsewhere", Manner::SendsTo(receiver.url("/target")));
    let completed = [EventKind::JobCompleted];
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let job_of = |path: &str| job(path.as_bytes(), receiver.url(path), &completed);
    let _: Job = succeed(net.post_job(&job_of("/flaky")).header("traceparent", trace)).await;
    let items =
        ["/gone", "/elsewhere"].map(|path| BatchItem { idempotency_key: None, job: job_of(path) });
    let batch = net.gateway.post("/v1/jobs/batch").bearer_auth(&net.device.token);
    let _: BatchReply = succeed(batch.json(&CreateBatch { items: items.to_vec() })).await;
    finish_all(&net, &worker, 3).await;

    let got = receiver.until("/flaky", 2).await;
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[1].header("traceparent").split('-').nth(1), trace.split('-').nth(1));
    // Tried twice, so that the second pause, five minutes, has begun.
    receiver.until("/elsewhere", 2).await;
    let reason =
        "SELECT count(*)::text FROM webhook_outbox WHERE tries = 2 AND reason LIKE '%answered 302'";
    until_sql(&net, reason, "1").await;
    assert_eq!(receiver.count("/target"), 0);

    let failed_count = "SELECT count(*)::text FROM webhook_outbox WHERE failed_at IS NOT NULL";
    until_sql(&net, failed_count, "1").await;
    post(&net, &job(b"again", receiver.url("/gone"), &completed)).await;
    finish_all(&net, &worker, 1).await;
    until_sql(&net, failed_count, "2").await;
    assert_eq!(receiver.count("/gone"), 1, "a receiver that wants no more was called");
    let list = |key: &str| net.gateway.get("/v1/webhooks/failed?limit=1").bearer_auth(key);
    let page: FailedDeliveryPage = succeed(list(&key)).await;
    assert!(page.has_more && page.data.len() == 1, "{page:?}");
    let read_only = own_key(&net, &[SponsorScope::Read]).await;
    let path = format!("/v1/webhooks/failed/{}/redeliver", page.data[0].event);
    let redeliver = |key: &str| net.gateway.post(&path).bearer_auth(key);
    assert_eq!(refused(redeliver(&read_only)).await, ErrorCode::Forbidden);
    receiver.behave("/gone", Manner::Says(StatusCode::OK));
    let reply = redeliver(&key).send().await.unwrap();
    assert_eq!(reply.status().as_u16(), 202);
    receiver.until("/gone", 2).await;
    until_sql(&net, failed_count, "1").await;
    assert_eq!(refused(redeliver(&key)).await, ErrorCode::NotFound);
    net.stop().await;
}

#[tokio::test]
async fn an_end_is_told_although_the_gateway_died_before_or_while_it_told() {
    let (mut net, worker) = Net::with_hand_worker().await;
    let (receiver, key) = (Receiver::start().await, key(&net).await);
    let secret = new_secret(&net, &key).await;
    post(&net, &job(b"untold", receiver.url("/untold"), &[EventKind::JobCompleted])).await;
    let lease = worker.lease(&net, 1, 10_000).await;
    net.dev.services.start_gateway(&[("CIRO_FAILPOINT", "stored")]).await.unwrap();
    // It dies behind the commit: no reply, and nothing was sent.
    let lost = worker.submission(&net, lease.iter().map(HandWorker::result).collect()).send().await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(receiver.count("/untold"), 0);
    net.dev.services.start_gateway(&[]).await.unwrap();
    let got = receiver.until("/untold", 1).await;
    assert_eq!(got[0].header("webhook-signature"), got[0].signature_under(&secret.secret));

    let first = Manner::First(1, Box::new(Manner::Never), Box::new(Manner::Says(StatusCode::OK)));
    receiver.behave("/slow", first);
    post(&net, &job(b"half told", receiver.url("/slow"), &[EventKind::JobCompleted])).await;
    finish_all(&net, &worker, 1).await;
    receiver.until("/slow", 1).await;
    net.dev.services.gateway.signal(Signal::SIGKILL).unwrap();
    net.dev.services.start_gateway(&[]).await.unwrap();
    let got = receiver.until("/slow", 2).await;
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    until_told(&net).await;
    net.stop().await;
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_up_no_other() {
    let (net, worker) = Net::with_hand_worker().await;
    let (receiver, key) = (Receiver::start().await, key(&net).await);
    new_secret(&net, &key).await;
    receiver.behave("/never", Manner::Never);
    // The same machine under another name is another host to us.
    let never = format!("http://localhost:{}/never", receiver.port);
    for round in 0..6_u8 {
        post(&net, &job(&[round], never.clone(), &[EventKind::JobCompleted])).await;
    }
    finish_all(&net, &worker, 6).await;
    receiver.until("/never", 4).await;
    post(&net, &job(b"prompt", receiver.url("/prompt"), &[EventKind::JobCompleted])).await;
    finish_all(&net, &worker, 1).await;
    receiver.until("/prompt", 1).await;
    // Had these waited for an answer, or been taken on too, it would show.
    assert_eq!(receiver.count("/never"), 4);
    until_sql(&net, "SELECT count(*)::text FROM webhook_outbox WHERE claims = 0", "2").await;
    net.stop().await;
}

#[tokio::test]
async fn no_private_address_is_called_however_it_is_named() {
    let (mut net, worker) = Net::with_hand_worker().await;
    let (receiver, key) = (Receiver::start().await, key(&net).await);
    new_secret(&net, &key).await;
    let settings = [("CIRO_WEBHOOK_ALLOW_PRIVATE", "false")];
    let private =
        post(&net, &job(b"before", receiver.url("/private"), &[EventKind::JobCompleted])).await;
    net.dev.services.start_gateway(&settings).await.unwrap();
    for url in [
        receiver.url("/private"),
        format!("https://127.0.0.1:{}/private", receiver.port),
        "https://[::ffff:169.254.169.254]/latest".to_owned(),
        "https://me:secret@game.example/".to_owned(),
    ] {
        let refused = refusal(net.post_job(&job(b"x", url.clone(), &[EventKind::JobFailed]))).await;
        assert_eq!(refused.code, ErrorCode::InvalidRequest, "{url}");
        assert_eq!(refused.errors[0].pointer, "/webhook/url", "{url}");
    }
    let twice = [EventKind::JobFailed, EventKind::JobFailed];
    let url = "https://game.example/".to_owned();
    let refused = refusal(net.post_job(&job(b"x", url, &twice))).await;
    assert_eq!(refused.errors[0].pointer, "/webhook/events");
    // A name says nothing: what it resolves to does.
    let named = "https://localhost:8443/private".to_owned();
    let named = post(&net, &job(b"named", named, &[EventKind::JobCompleted])).await;
    finish_all(&net, &worker, 2).await;
    let reason_of = |job: &Job| {
        format!(
            "SELECT coalesce(max(reason), '') FROM webhook_outbox WHERE job_id = '{}'",
            job.id.0
        )
    };
    until_sql(&net, &reason_of(&named), "the host has no public address").await;
    until_sql(&net, &reason_of(&private), "the address may not be called: must be https").await;
    assert_eq!(receiver.count("/private"), 0);
    net.stop().await;
}
