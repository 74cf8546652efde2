//! A worker's calls over one stream. Nothing queues here: while enough is worked on, or the worker does not read its
//! answers, no further message is taken off the connection.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use ciro_api::{
    ErrorCode, Problem,
    grpc::v1::{SessionReply, SessionRequest, session_reply, session_request::Body},
    limits,
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::{call::Call, workers};
use crate::problem::ApiError;

const IDLE: Duration = Duration::from_millis(limits::SESSION_IDLE_MS);

/// Messages as they come in, until there is a reason to end.
struct Inbox {
    call: Call,
    messages: Streaming<SessionRequest>,
    /// Why it ended, unless the worker closed its side.
    reason: Arc<OnceLock<Status>>,
}

/// One answer for each message, in the order in which they are ready; then why the stream ends.
pub(super) fn answers(
    call: Call,
    messages: Streaming<SessionRequest>,
) -> BoxStream<'static, Result<SessionReply, Status>> {
    let reason = Arc::new(OnceLock::new());
    let inbox = Inbox { call: call.clone(), messages, reason: Arc::clone(&reason) };
    let incoming = stream::unfold(inbox, |mut inbox| async {
        inbox.next().await.map(|message| (message, inbox))
    });
    let answers = incoming
        .map(move |message| answer(call.clone(), message))
        .buffer_unordered(limits::SESSION_IN_FLIGHT_MAX)
        .map(Ok);
    // What is worked on when the inbox closes is answered first.
    let end = stream::once(async move { reason.get().cloned().map(Err) });
    answers.chain(end.filter_map(std::future::ready)).boxed()
}

impl Inbox {
    async fn next(&mut self) -> Option<SessionRequest> {
        let reason = tokio::select! {
            () = self.call.until_over() => self.call.over().map(|reason| self.call.refuse(reason)),
            received = timeout(IDLE, self.messages.message()) => match received {
                Ok(Ok(Some(message))) => return Some(message),
                Ok(Ok(None)) => None,
                Ok(Err(refusal)) => Some(self.call.refuse_foreign(&refusal)),
                Err(_) => Some(self.call.refuse(silent())),
            },
        };
        if let Some(reason) = reason {
            self.reason.get_or_init(|| reason);
        }
        None
    }
}

fn silent() -> Problem {
    let detail = format!("no message came for {} ms; open a new stream", limits::SESSION_IDLE_MS);
    Problem::new(ErrorCode::RequestTimeout, detail)
}

async fn answer(call: Call, message: SessionRequest) -> SessionReply {
    let seq = message.seq;
    let body = match work(&call, message).await {
        Ok(body) => body,
        Err(error) => session_reply::Body::Problem(Problem::from(error).into()),
    };
    SessionReply { seq, body: Some(body) }
}

async fn work(call: &Call, message: SessionRequest) -> Result<session_reply::Body, ApiError> {
    // Anew for each message: the stream may outlive its token.
    let worker = call.worker()?;
    Ok(match message.asked()? {
        Body::Lease(asked) => {
            session_reply::Body::Lease(workers::lease(call, worker, asked).await?)
        }
        Body::Heartbeat(asked) => {
            session_reply::Body::Heartbeat(workers::beat(call, worker, asked).await?)
        }
        Body::Results(asked) => {
            session_reply::Body::Results(workers::submit(call, worker, asked).await?)
        }
        Body::Release(asked) => {
            session_reply::Body::Release(workers::release(call, worker, asked).await?)
        }
        Body::Fail(asked) => {
            session_reply::Body::Fail(workers::give_back(call, worker, asked).await?)
        }
    })
}
