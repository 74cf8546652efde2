//! A worker's stream: many leases over one connection, and nothing is lost with it.

use std::collections::BTreeSet;

use ciro_api::{
    grpc::v1::{self, JobStatus, session_reply, session_request::Body},
    limits,
};
use futures::{StreamExt, channel::mpsc, stream};
use tonic::{Code, Streaming};

use crate::{
    grpc::{Grpc, lease_request, reason, results_of, with},
    net::{HandWorker, Net},
};

/// An open stream, driven by hand.
struct Session {
    messages: mpsc::UnboundedSender<v1::SessionRequest>,
    answers: Streaming<v1::SessionReply>,
    seq: u64,
}

impl Session {
    async fn open(grpc: &Grpc, worker: &HandWorker) -> Self {
        let (messages, incoming) = mpsc::unbounded();
        let request = with(&worker.token, incoming);
        let answers = grpc.workers().session(request).await.unwrap().into_inner();
        Self { messages, answers, seq: 0 }
    }

    fn send(&mut self, body: Option<Body>) -> u64 {
        self.seq += 1;
        self.messages.unbounded_send(v1::SessionRequest { seq: self.seq, body }).unwrap();
        self.seq
    }

    async fn next(&mut self) -> (u64, session_reply::Body) {
        let reply = self.answers.message().await.unwrap().expect("an answer");
        (reply.seq, reply.body.unwrap())
    }

    /// Sends one message and takes its answer.
    async fn ask(&mut self, body: Body) -> session_reply::Body {
        let seq = self.send(Some(body));
        let (answered, body) = self.next().await;
        assert_eq!(answered, seq);
        body
    }

    async fn lease(&mut self, most: u32) -> Vec<v1::Lease> {
        match self.ask(Body::Lease(lease_request(most, 10_000))).await {
            session_reply::Body::Lease(reply) => reply.leases,
            other => panic!("{other:?}"),
        }
    }

    async fn submit(&mut self, worker: &HandWorker, leases: &[v1::Lease]) {
        match self.ask(Body::Results(results_of(worker, leases))).await {
            session_reply::Body::Results(reply) => {
                assert!(reply.results.iter().all(|outcome| outcome.accepted), "{reply:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

fn heartbeat() -> Body {
    Body::Heartbeat(v1::HeartbeatRequest::default())
}

/// A poll that waits holds up nothing behind it, and a bad message is refused by itself.
async fn mix(session: &mut Session, net: &Net, grpc: &Grpc, worker: &HandWorker) {
    let device = net.device.token.as_str();
    let waiting = session.send(Some(Body::Lease(lease_request(1, 20_000))));
    let beat = session.send(Some(heartbeat()));
    assert_eq!(session.next().await.0, beat);
    let woken = grpc.create(device, b"wakes the poll").await.id;
    let (seq, answer) = session.next().await;
    let session_reply::Body::Lease(reply) = answer else { panic!("{answer:?}") };
    assert_eq!((seq, reply.leases.len()), (waiting, 1));

    let nothing = session.send(None);
    let (seq, answer) = session.next().await;
    let session_reply::Body::Problem(problem) = answer else { panic!("{answer:?}") };
    assert_eq!((seq, problem.code.as_str()), (nothing, "invalid_request"));
    assert_eq!(problem.errors[0].field, "body");
    let mut wrong = results_of(worker, &reply.leases);
    wrong.signature.as_mut().unwrap().r = "0x1".to_owned();
    let answer = session.ask(Body::Results(wrong)).await;
    let session_reply::Body::Problem(problem) = answer else { panic!("{answer:?}") };
    assert_eq!(problem.code, "wrong_signature");
    session.submit(worker, &reply.leases).await;
    assert_eq!(grpc.get(device, &woken, 0).await.status(), JobStatus::Succeeded);
}

/// A lease that is given back over the stream goes to the next request.
async fn give_back(session: &mut Session, net: &Net, grpc: &Grpc, worker: &HandWorker) {
    grpc.create(net.device.token.as_str(), b"given back").await;
    let first = session.lease(1).await;
    let fences = first.iter().filter_map(|lease| lease.fence.clone()).collect();
    let answer = session.ask(Body::Release(v1::ReleaseRequest { leases: fences })).await;
    let session_reply::Body::Release(reply) = answer else { panic!("{answer:?}") };
    assert!(reply.results[0].released);
    let second = session.lease(1).await;
    let epoch = |leases: &[v1::Lease]| leases[0].fence.as_ref().unwrap().epoch;
    assert_eq!(epoch(&second), epoch(&first) + 1);
    session.submit(worker, &second).await;
}

/// The stream breaks after a lease was asked for and before its answer was read; then after results were sent.
async fn break_off(mut session: Session, net: &Net, grpc: &Grpc, worker: &HandWorker) {
    let device = net.device.token.as_str();
    let lost = grpc.create(device, b"granted to nobody").await.id;
    let asked = lease_request(1, 10_000);
    session.send(Some(Body::Lease(asked.clone())));
    drop(session);
    let mut session = Session::open(grpc, worker).await;
    let answer = session.ask(Body::Lease(asked)).await;
    let session_reply::Body::Lease(reply) = answer else { panic!("{answer:?}") };
    assert_eq!(reply.leases[0].fence.as_ref().unwrap().job, lost);
    session.send(Some(Body::Results(results_of(worker, &reply.leases))));
    drop(session);
    let mut session = Session::open(grpc, worker).await;
    session.submit(worker, &reply.leases).await;
    assert_eq!(grpc.get(device, &lost, 0).await.status(), JobStatus::Succeeded);
}

/// Who does not read is waited for and gets every answer in the end; closing one's side ends the stream.
async fn read_late(mut session: Session) {
    let sent: Vec<u64> = (0..300).map(|_| session.send(Some(heartbeat()))).collect();
    session.messages.close_channel();
    let answers: BTreeSet<u64> = session.answers.map(|answer| answer.unwrap().seq).collect().await;
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), sent);
}

#[tokio::test]
async fn a_session_carries_many_leases_and_a_dropped_one_loses_nothing() {
    const JOBS: usize = 12;
    let (net, worker) = Net::with_hand_worker().await;
    let grpc = Grpc::connect(&net.dev.network.gateway_url).await;
    let device = net.device.token.as_str();
    let mut ids = Vec::new();
    for round in 0..JOBS {
        ids.push(grpc.create(device, round.to_string().as_bytes()).await.id);
    }
    let mut session = Session::open(&grpc, &worker).await;
    let mut done = 0;
    while done < JOBS {
        let leases = session.lease(2).await;
        session.submit(&worker, &leases).await;
        done += leases.len();
    }
    for id in &ids {
        assert_eq!(grpc.get(device, id, 0).await.status(), JobStatus::Succeeded);
    }
    mix(&mut session, &net, &grpc, &worker).await;
    give_back(&mut session, &net, &grpc, &worker).await;
    break_off(session, &net, &grpc, &worker).await;
    let receipts = net.sql("SELECT count(*)::text FROM receipt").await;
    assert_eq!(receipts, (JOBS + 3).to_string(), "one job, one receipt");
    read_late(Session::open(&grpc, &worker).await).await;

    let detail = "x".repeat(limits::WORKER_MESSAGE_BYTES_MAX);
    let large = Body::Fail(v1::FailRequest { detail, ..Default::default() });
    let mut session = Session::open(&grpc, &worker).await;
    session.send(Some(large));
    let ended = session.answers.message().await.unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::OutOfRange, "body_too_large"));
    let stranger = with(device, stream::pending());
    let refused = grpc.workers().session(stranger).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "forbidden"));
    net.stop().await;
}
