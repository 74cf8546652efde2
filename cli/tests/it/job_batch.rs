//! Many jobs in one request: each is accepted, refused and repeated as if it had come alone.

use std::time::Duration;

use ciro_api::{
    ErrorCode, JobStatus, limits,
    rest::jobs::{BatchItem, BatchOutcome, BatchReply, CreateBatch, Job},
};
use futures::future::{join, join_all};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::net::{HandWorker, Net, hash_job, refusal, refused, succeed};

fn post(net: &Net, body: &Value) -> RequestBuilder {
    net.gateway.post("/v1/jobs/batch").bearer_auth(&net.device.token).json(body)
}

fn keyed(key: &str, bytes: &[u8]) -> BatchItem {
    BatchItem { idempotency_key: Some(key.to_owned()), job: hash_job(bytes) }
}

async fn batch(net: &Net, items: Vec<BatchItem>) -> Vec<BatchOutcome> {
    // Not by way of a `Value`, which would sort the fields: a repeated job has the same bytes.
    let body = CreateBatch { items };
    let post = net.gateway.post("/v1/jobs/batch").bearer_auth(&net.device.token).json(&body);
    let reply: BatchReply = succeed(post).await;
    reply.results
}

fn code(outcome: &BatchOutcome) -> ErrorCode {
    let problem = outcome.problem.as_ref().unwrap();
    assert_eq!(outcome.status, problem.status);
    problem.code
}

#[tokio::test]
async fn one_bad_job_does_not_sink_its_batch() {
    let (net, worker) = Net::with_hand_worker().await;
    let good = |text: &str| json!({"job": {"model": "ciro/sha256@1", "input": {"text": text}}});
    let body = json!({"items": [
        good("first"),
        {"job": {"model": "ciro/nothing@1", "input": {"text": "x"}}},
        {"job": {"model": "ciro/sha256@1", "input": {"data": "%%%"}}},
        {"job": {"model": "ciro/sha256@1", "input": {"text": "x"}, "surprise": 1}},
        {"job": {"model": "ciro/sha256@1", "input": {"text": "x".repeat(8_193)}}},
        {"job": {"model": "ciro/sha256@1", "input": {"text": "x"}, "run_within_ms": 0}},
        {"job": {"model": 5, "input": {"text": "x"}}},
        {"idempotency_key": "with space", "job": {"model": "ciro/sha256@1", "input": {"text": "x"}}},
        {"idempotency_key": "k"},
        "not an item",
        {"job": {"model": "ciro/sha256@1", "input": {"text": "x"}}, "webhook": "no"},
        good("last"),
    ]});
    let reply: BatchReply = succeed(post(&net, &body)).await;
    assert!(reply.results.iter().enumerate().all(|(place, outcome)| outcome.index == place));
    let codes: Vec<ErrorCode> = reply.results[1..11].iter().map(code).collect();
    assert_eq!(codes[0], ErrorCode::UnknownModel);
    assert_eq!(codes[3], ErrorCode::InputTooLarge);
    let others = [1, 2, 4, 5, 6, 7, 8, 9];
    assert!(others.iter().all(|&place| codes[place] == ErrorCode::InvalidRequest), "{codes:?}");
    let pointer =
        |place: usize| reply.results[place].problem.as_ref().unwrap().errors[0].pointer.clone();
    assert_eq!(pointer(2), "/items/2/job/input/data");
    assert_eq!(pointer(5), "/items/5/job/run_within_ms");
    assert_eq!(pointer(7), "/items/7/idempotency_key");

    let accepted = [&reply.results[0], &reply.results[11]].map(|o| o.job.as_ref().unwrap());
    assert!(accepted.iter().all(|job| job.status == JobStatus::Queued));
    assert_eq!((reply.results[0].status, reply.results[0].replayed), (202, Some(false)));
    assert_eq!(net.jobs().await, 2);
    let leases = worker.lease(&net, 10, 10_000).await;
    assert_eq!(leases.iter().map(|l| l.fence.job).collect::<Vec<_>>(), accepted.map(|job| job.id));
    assert_eq!(leases[1].input.0, b"last");
    let results = leases.iter().map(HandWorker::result).collect();
    assert!(worker.submit(&net, results).await.results.iter().all(|result| result.accepted));
    net.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_refused_whole() {
    let net = Net::start().await;
    for body in [
        json!({}),
        json!({"items": []}),
        json!({"items": {}}),
        json!({"items": [], "x": 1}),
        json!([]),
    ] {
        assert_eq!(refused(post(&net, &body)).await, ErrorCode::InvalidRequest, "{body}");
    }
    let item = json!({"job": {"model": "ciro/nothing@1", "input": {"text": ""}}});
    let of = |count: usize| json!({"items": vec![item.clone(); count]});
    let most: BatchReply = succeed(post(&net, &of(limits::BATCH_JOBS_MAX))).await;
    assert_eq!(most.results.len(), limits::BATCH_JOBS_MAX);
    let more = refusal(post(&net, &of(limits::BATCH_JOBS_MAX + 1))).await;
    assert_eq!((more.code, more.errors[0].pointer.as_str()), (ErrorCode::InvalidRequest, "/items"));

    let huge = json!({"items": ["x".repeat(limits::BATCH_BODY_BYTES_MAX)]});
    assert_eq!(refused(post(&net, &huge)).await, ErrorCode::BodyTooLarge);
    let large = json!({"items": ["x".repeat(limits::BATCH_BODY_BYTES_MAX - 100)]});
    let outcomes: BatchReply = succeed(post(&net, &large)).await;
    assert_eq!(code(&outcomes.results[0]), ErrorCode::InvalidRequest);
    let key = post(&net, &of(1)).header("idempotency-key", "for all");
    assert_eq!(refused(key).await, ErrorCode::InvalidRequest);
    let text = net.gateway.post("/v1/jobs/batch").bearer_auth(&net.device.token);
    let text = text.header("content-type", "text/plain").body(of(1).to_string());
    assert_eq!(refused(text).await, ErrorCode::UnsupportedMediaType);
    let nobody = net.gateway.post("/v1/jobs/batch").json(&of(1));
    assert_eq!(refused(nobody).await, ErrorCode::Unauthenticated);
    assert_eq!((net.jobs().await, net.held_fri().await), (0, 0));
    net.stop().await;
}

#[tokio::test]
async fn an_item_that_is_repeated_is_the_same_job_alone_and_in_any_batch() {
    let (net, worker) = Net::with_hand_worker().await;
    let first = batch(&net, vec![keyed("a", b"a"), keyed("b", b"b"), keyed("a", b"a")]).await;
    let ids: Vec<_> = first.iter().map(|outcome| outcome.job.as_ref().unwrap().id).collect();
    assert_eq!((ids[0], net.jobs().await), (ids[2], 2));

    let again = batch(&net, vec![keyed("b", b"b"), keyed("a", b"other"), keyed("c", b"c")]).await;
    assert_eq!(again[0].job.as_ref().unwrap().id, ids[1]);
    assert_eq!((again[0].status, again[0].replayed), (202, Some(true)));
    assert_eq!(code(&again[1]), ErrorCode::IdempotencyKeyReused);
    assert_eq!((again[2].replayed, net.jobs().await), (Some(false), 3));
    let both = batch(&net, vec![keyed("d", b"d"), keyed("d", b"not d")]).await;
    assert_eq!((both[0].status, code(&both[1])), (202, ErrorCode::IdempotencyKeyReused));

    // Alone and in a batch are one space of keys.
    let alone =
        |key: &str, bytes: &[u8]| net.post_job(&hash_job(bytes)).header("idempotency-key", key);
    assert_eq!(succeed::<Job>(alone("a", b"a")).await.id, ids[0]);
    let single: Job = succeed(alone("e", b"e")).await;
    let repeated = batch(&net, vec![keyed("e", b"e")]).await;
    assert_eq!(repeated[0].job.as_ref().unwrap().id, single.id);

    // One that has ended meanwhile says so.
    let leases = worker.lease(&net, 1, 10_000).await;
    assert!(worker.submit(&net, vec![HandWorker::result(&leases[0])]).await.results[0].accepted);
    let ended = batch(&net, vec![keyed("a", b"a")]).await;
    assert_eq!((ended[0].status, ended[0].job.as_ref().unwrap().id), (200, leases[0].fence.job));
    net.stop().await;
}

#[tokio::test]
async fn batches_that_share_keys_in_opposite_orders_finish_and_make_each_job_once() {
    let (net, _worker) = Net::with_hand_worker().await;
    let items: Vec<BatchItem> =
        (0..200_u32).map(|n| keyed(&format!("key-{n}"), &n.to_be_bytes())).collect();
    let mut reversed = items.clone();
    reversed.reverse();
    let all = join_all((0..8).map(|n| {
        let items = if n % 2 == 0 { items.clone() } else { reversed.clone() };
        batch(&net, items)
    }));
    let singles = join_all((0..200_u32).step_by(20).map(|n| {
        let post = net.post_job(&hash_job(&n.to_be_bytes()));
        succeed::<Job>(post.header("idempotency-key", format!("key-{n}")))
    }));
    let (all, singles) = tokio::time::timeout(Duration::from_mins(1), join(all, singles))
        .await
        .expect("the batches wait for each other");
    assert!(all.iter().flatten().all(|outcome| outcome.status == 202), "an item was refused");
    let made = all.iter().flatten().filter(|outcome| outcome.replayed == Some(false)).count();
    assert!(made <= 200);
    for (place, single) in singles.iter().enumerate() {
        assert_eq!(all[0][place * 20].job.as_ref().unwrap().id, single.id);
    }
    assert_eq!(net.jobs().await, 200);
    net.stop().await;
}

#[tokio::test]
async fn a_batch_over_the_budget_is_accepted_as_far_as_the_money_goes() {
    let (net, _worker) = Net::with_hand_worker().await;
    let one = net.submit(b"tells the price").await;
    let price = net.held_fri().await;
    let limit = price * 4;
    net.sql(&format!("UPDATE sponsor SET spend_limit_fri = {limit} RETURNING 'done'")).await;
    let items: Vec<BatchItem> = (0..5_u8).map(|n| keyed(&format!("k{n}"), &[n])).collect();
    let outcomes = batch(&net, items.clone()).await;
    let statuses: Vec<u16> = outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [202, 202, 202, 402, 402]);
    assert_eq!(code(&outcomes[4]), ErrorCode::SponsorOutOfBudget);
    assert_eq!((net.jobs().await, net.held_fri().await), (4, limit));

    // A refusal is not stored: with money again, the same batch goes on where it broke off.
    let cancel = net.gateway.post(&format!("/v1/jobs/{}/cancel", one.id));
    let _: Job = succeed(cancel.bearer_auth(&net.device.token)).await;
    let again = batch(&net, items).await;
    let replayed: Vec<_> = again.iter().map(|outcome| outcome.replayed).collect();
    assert_eq!(replayed, [Some(true), Some(true), Some(true), Some(false), None]);
    net.sql(&format!("UPDATE sponsor SET price_ceiling_fri = {price} - 1 RETURNING 'done'")).await;
    let dear = batch(&net, vec![keyed("dear", b"dear")]).await;
    assert_eq!(code(&dear[0]), ErrorCode::PriceOverCeiling);
    assert_eq!((net.jobs().await, net.held_fri().await), (5, limit));
    net.stop().await;
}
