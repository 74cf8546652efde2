//! What a device hears of a run while it lasts: in order, never of two runs mixed, and never silently less.

use std::time::Duration;

use ciro::demo::device::Device;
use ciro_api::{
    ErrorCode, JobId, limits,
    rest::{
        Base64,
        events::{LostEvent, Progress, ProgressReply, ProgressRequest, ToldEvent},
        jobs::Job,
        leases::{FailReply, FailRequest, LeaseRef},
    },
};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::net::{HandWorker, Net, refusal, refused, succeed};

/// One event as it came.
#[derive(Debug)]
struct Heard {
    name: String,
    id: Option<String>,
    data: String,
}

impl Heard {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// An open stream, read line by line.
struct Listener {
    reply: Response,
    text: String,
}

impl Listener {
    async fn open(request: RequestBuilder) -> Self {
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::OK);
        assert_eq!(reply.headers()["content-type"], "text/event-stream");
        Self { reply, text: String::new() }
    }

    /// The next event; nothing when the stream ended as it should.
    async fn next(&mut self) -> Option<Heard> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let fields: Vec<(String, String)> = block
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .map(|(name, value)| (name.to_owned(), value.trim_start().to_owned()))
                    .collect();
                self.text = rest.to_owned();
                let field = |wanted: &str| {
                    fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
                };
                // A comment keeps the connection alive and says nothing.
                if let (Some(name), Some(data)) = (field("event"), field("data")) {
                    return Some(Heard { name, id: field("id"), data });
                }
            }
            let chunk = self.reply.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Name and id of the next event.
    async fn word(&mut self) -> String {
        let heard = self.next().await.expect("the stream ended");
        match heard.id {
            Some(id) => format!("{} {id}", heard.name),
            None => format!("{} {}", heard.name, heard.json()["status"].as_str().unwrap()),
        }
    }

    async fn words(&mut self, count: usize) -> Vec<String> {
        let mut words = Vec::new();
        for _ in 0..count {
            words.push(self.word().await);
        }
        words
    }
}

fn events(net: &Net, job: JobId) -> RequestBuilder {
    net.gateway.get(&format!("/v1/jobs/{job}/events")).bearer_auth(&net.device.token)
}

fn tell(
    net: &Net,
    worker: &HandWorker,
    fence: LeaseRef,
    seq: u32,
    event: Progress,
) -> RequestBuilder {
    worker.post(net, "/v1/leases/progress").json(&ProgressRequest { fence, seq, event })
}

async fn told(net: &Net, worker: &HandWorker, fence: LeaseRef, seq: u32) {
    let chunk = Progress::Output(Base64(format!("piece {seq}").into_bytes()));
    let reply: ProgressReply = succeed(tell(net, worker, fence, seq, chunk)).await;
    assert!(reply.stored);
}

async fn connect(net: &Net) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn wipe(net: &Net) -> redis::aio::MultiplexedConnection {
    let mut redis = connect(net).await;
    redis::cmd("FLUSHALL").query_async::<String>(&mut redis).await.unwrap();
    redis::cmd("FUNCTION").arg("FLUSH").query_async::<String>(&mut redis).await.unwrap();
    redis
}

#[tokio::test]
async fn a_device_hears_its_run_to_the_end_and_goes_on_where_it_stopped() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"listened to").await.id;
    let mut listener = Listener::open(events(&net, job)).await;
    assert_eq!(listener.word().await, "status queued");
    let leases = worker.lease(&net, 1, 10_000).await;
    let fence = leases[0].fence;
    let percent = || tell(&net, &worker, fence, 1, Progress::Percent(40));
    assert!(succeed::<ProgressReply>(percent()).await.stored);
    assert!(!succeed::<ProgressReply>(percent()).await.stored, "a repeated call was told again");
    told(&net, &worker, fence, 2).await;
    let log = Progress::Log("a line\nand another".to_owned());
    let _: ProgressReply = succeed(tell(&net, &worker, fence, 3, log)).await;
    assert_eq!(listener.words(2).await, ["status running", "progress 1-1"]);
    let chunk: ToldEvent = serde_json::from_value(listener.next().await.unwrap().json()).unwrap();
    assert_eq!((chunk.epoch, chunk.seq), (1, 2));
    assert_eq!(chunk.chunk, Some(Base64(b"piece 2".to_vec())));
    assert_eq!(listener.next().await.unwrap().json()["text"], "a line\nand another");

    worker.submit(&net, vec![HandWorker::result(&leases[0])]).await;
    assert_eq!(listener.word().await, "status succeeded");
    let done = listener.next().await.unwrap();
    assert_eq!((done.name.as_str(), done.id.as_deref()), ("done", Some("1-done")));
    let shown: Job =
        succeed(net.gateway.get(&format!("/v1/jobs/{job}")).bearer_auth(&net.device.token)).await;
    let heard: Job = serde_json::from_str(&done.data).unwrap();
    assert_eq!((heard.output, heard.evidence), (shown.output, shown.evidence));
    assert!(listener.next().await.is_none(), "the stream goes on behind its end");

    let mut back = Listener::open(events(&net, job).header("last-event-id", "1-1")).await;
    assert_eq!(back.words(4).await, ["status succeeded", "output 1-2", "log 1-3", "done 1-done"]);
    let mut by_query = Listener::open(events(&net, job).query(&[("after", "1-2")])).await;
    assert_eq!(by_query.words(3).await, ["status succeeded", "log 1-3", "done 1-done"]);
    let behind = events(&net, job).header("last-event-id", "1-done").send().await.unwrap();
    assert_eq!(behind.status(), StatusCode::NO_CONTENT);
    let late = tell(&net, &worker, fence, 4, Progress::Percent(99));
    assert_eq!(refused(late).await, ErrorCode::LeaseLost);
    net.stop().await;
}

#[tokio::test]
async fn a_second_run_is_told_as_a_restart_and_nothing_of_the_first_follows() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"twice").await.id;
    let mut listener = Listener::open(events(&net, job)).await;
    let first = worker.lease(&net, 1, 10_000).await[0].fence;
    told(&net, &worker, first, 1).await;
    let mut heard = Vec::new();
    while heard.last().is_none_or(|word| word != "output 1-1") {
        heard.push(listener.word().await);
    }
    let failure = FailRequest { fence: first, detail: "out of memory".to_owned(), retryable: true };
    let _: FailReply = succeed(worker.post(&net, "/v1/leases/fail").json(&failure)).await;
    let stale = || tell(&net, &worker, first, 2, Progress::Percent(50));
    assert_eq!(refused(stale()).await, ErrorCode::LeaseLost);
    let second = worker.lease(&net, 1, 10_000).await[0].fence;
    assert_eq!(refused(stale()).await, ErrorCode::LeaseLost);
    told(&net, &worker, second, 1).await;
    let mut after = Vec::new();
    while after.last().is_none_or(|word| word != "output 2-1") {
        after.push(listener.word().await);
    }
    // Between the two leases it may or may not have been seen waiting.
    after.retain(|word| word != "status queued");
    assert_eq!(after, ["restarted 2-0", "status running", "output 2-1"]);
    let mut back = Listener::open(events(&net, job).header("last-event-id", "1-1")).await;
    assert_eq!(back.words(3).await, ["restarted 2-0", "status running", "output 2-1"]);
    net.stop().await;
}

/// In number and in bytes: the oldest goes first. The functions are those that the gateway has loaded.
async fn what_is_kept_is_bounded(redis: &mut redis::aio::MultiplexedConnection) {
    let keys = ["{ciro:nobody}:told", "{ciro:nobody}:gauge"];
    for (seq, bytes, most, most_bytes) in
        [(1, 10, 2, 10_000), (2, 10, 2, 10_000), (3, 10, 2, 10_000), (4, 500, 9, 700)]
    {
        let mut call = redis::cmd("FCALL");
        call.arg("ciro_events_append_v1").arg(2).arg(&keys).arg(1).arg(seq).arg("output");
        call.arg(vec![0_u8; bytes]).arg(most).arg(most_bytes).arg(50).arg(60_000);
        assert_eq!(call.query_async::<u8>(redis).await.unwrap(), 1);
    }
    let mut range = redis::cmd("XRANGE");
    range.arg(keys[0]).arg("-").arg("+");
    let kept: Vec<(String, Vec<Vec<u8>>)> = range.query_async(redis).await.unwrap();
    assert_eq!(kept.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["1-3", "1-4"]);
}

#[tokio::test]
async fn a_wiped_redis_costs_events_and_says_so() {
    let (mut net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"forgotten").await.id;
    let fence = worker.lease(&net, 1, 10_000).await[0].fence;
    told(&net, &worker, fence, 1).await;
    let mut listener = Listener::open(events(&net, job)).await;
    assert_eq!(listener.words(2).await, ["status running", "output 1-1"]);
    let mut redis = wipe(&net).await;
    let lost = listener.next().await.unwrap();
    let said: LostEvent = serde_json::from_str(&lost.data).unwrap();
    assert_eq!(
        (lost.name.as_str(), said.after.to_string(), said.next),
        ("lost", "1-1".to_owned(), None)
    );
    told(&net, &worker, fence, 3).await;
    let lost: LostEvent = serde_json::from_str(&listener.next().await.unwrap().data).unwrap();
    assert_eq!(lost.next, Some("1-3".parse().unwrap()));
    assert_eq!(listener.word().await, "output 1-3");

    what_is_kept_is_bounded(&mut redis).await;
    // A gateway that is told to stop ends its streams; it does not cut them.
    net.dev.services.gateway.stop().await.unwrap();
    assert!(listener.next().await.is_none());
    net.stop().await;
}

/// As if it had told all that it may in this second.
async fn a_run_that_tells_too_much_is_held_back(net: &Net, worker: &HandWorker, fence: LeaseRef) {
    let mut redis = connect(net).await;
    let gauge = format!("{{ciro:{}}}:gauge", fence.job);
    for seq in 1.. {
        let (second, _): (String, String) =
            redis::cmd("TIME").query_async(&mut redis).await.unwrap();
        redis::cmd("HSET")
            .arg(&gauge)
            .arg(&["second", &second, "count", &limits::EVENTS_PER_SECOND_MAX.to_string()])
            .query_async::<i64>(&mut redis)
            .await
            .unwrap();
        let reply = tell(net, worker, fence, seq, Progress::Percent(1)).send().await.unwrap();
        if reply.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(reply.headers().contains_key("retry-after"));
            break;
        }
        // Only the turn of a second may let it through.
        assert!(seq < 20, "a run may tell as much as it likes");
    }
}

#[tokio::test]
async fn what_is_told_and_who_listens_is_bounded_and_private() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"private").await.id;
    let fence = worker.lease(&net, 1, 10_000).await[0].fence;
    let large = limits::EVENT_BYTES_MAX + 1;
    for (seq, event, pointer) in [
        (0, Progress::Percent(1), "/seq"),
        (1, Progress::Percent(101), "/event/percent"),
        (1, Progress::Output(Base64(vec![0; large])), "/event/output"),
        (1, Progress::Log("x".repeat(large)), "/event/log"),
    ] {
        assert_eq!(
            refusal(tell(&net, &worker, fence, seq, event)).await.errors[0].pointer,
            pointer
        );
    }
    let both = json!({"fence": fence, "seq": 1, "event": {"percent": 1, "log": "x"}});
    let both = worker.post(&net, "/v1/leases/progress").json(&both);
    assert_eq!(refused(both).await, ErrorCode::InvalidRequest);
    let mut other = fence;
    other.epoch += 1;
    let forged = tell(&net, &worker, other, 1, Progress::Percent(1));
    assert_eq!(refused(forged).await, ErrorCode::LeaseLost);
    let by_device = net.gateway.post("/v1/leases/progress").bearer_auth(&net.device.token);
    assert_eq!(refused(by_device.json(&json!({}))).await, ErrorCode::Forbidden);

    let stranger = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    let path = format!("/v1/jobs/{job}/events");
    assert_eq!(
        refused(net.gateway.get(&path).bearer_auth(&stranger.token)).await,
        ErrorCode::NotFound
    );
    assert_eq!(refused(net.gateway.get(&path)).await, ErrorCode::Unauthenticated);
    let json_only = events(&net, job).header("accept", "application/json");
    assert_eq!(refused(json_only).await, ErrorCode::NotAcceptable);
    // An id of another stream is taken for none. This one listens until the end of the test.
    let _first = Listener::open(events(&net, job).header("last-event-id", "yesterday")).await;
    assert_eq!(
        refused(events(&net, job).query(&[("after", "1")])).await,
        ErrorCode::InvalidRequest
    );

    let mut open = Vec::new();
    for _ in 1..limits::EVENT_STREAMS_PER_DEVICE_MAX {
        open.push(Listener::open(events(&net, job)).await);
    }
    let full = events(&net, job).send().await.unwrap();
    assert_eq!(full.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(full.headers().contains_key("retry-after"));
    drop(open);
    // The gateway notices at its next word, a comment if nothing else, that nobody listens any more.
    let deadline = Instant::now() + Duration::from_mins(1);
    let again = loop {
        let reply = events(&net, job).send().await.unwrap();
        if reply.status() != StatusCode::TOO_MANY_REQUESTS {
            break reply;
        }
        assert!(Instant::now() < deadline, "a seat stayed taken");
        sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(again.status(), StatusCode::OK);

    a_run_that_tells_too_much_is_held_back(&net, &worker, fence).await;
    net.stop().await;
}
