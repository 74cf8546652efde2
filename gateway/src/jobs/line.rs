//! The line at the door: single requests that come while a transaction is being written share the next one.
//!
//! One commit waits for the disk however many jobs are in it. Nobody waits for company: an idle gateway writes a job at
//! once, and under load the jobs that came meanwhile go together.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ciro_api::{ErrorCode, limits};
use tokio::sync::oneshot;

use super::accept_many::{Stored, Wanted, accept_many};
use crate::{app::App, problem::ApiError};

/// Transactions under way at once. Two: while one waits for the disk, the other is filled.
const WRITERS: usize = 2;

/// Jobs that wait to be written.
#[derive(Default)]
pub(crate) struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    writers: usize,
}

struct Waiting {
    wanted: Wanted,
    reply: oneshot::Sender<Result<Stored, ApiError>>,
}

/// Accepts a job, together with others that come at the same moment. The writing goes on when the caller leaves.
pub(super) async fn accept(app: &Arc<App>, wanted: Wanted) -> Result<Stored, ApiError> {
    let (reply, answer) = oneshot::channel();
    let begin = {
        let mut line = app.line.lock();
        if line.waiting.len() >= limits::ACCEPT_LINE_MAX {
            let detail = "too many jobs wait to be written; nothing was done, try again";
            return Err(ApiError::new(ErrorCode::Unavailable, detail));
        }
        line.waiting.push_back(Waiting { wanted, reply });
        let begin = line.writers < WRITERS;
        line.writers += usize::from(begin);
        begin
    };
    if begin {
        tokio::spawn(write(Arc::clone(app)));
    }
    answer.await.map_err(|e| ApiError::internal("accepting a job", &e))?
}

async fn write(app: Arc<App>) {
    loop {
        let some = {
            let mut line = app.line.lock();
            let some = line.next();
            if some.is_empty() {
                // Under the same lock as the look, or who comes in between would count on this writer.
                line.writers -= 1;
                return;
            }
            some
        };
        write_some(&app, some).await;
    }
}

async fn write_some(app: &Arc<App>, some: Vec<Waiting>) {
    let together = some.iter().map(|waiting| waiting.wanted.clone()).collect();
    match try_write(app, together).await {
        Ok(outcomes) => {
            for (waiting, outcome) in some.into_iter().zip(outcomes) {
                tell(waiting.reply, outcome);
            }
        }
        // Nobody's job is refused for a fault that another one brought into the transaction.
        Err(error) if some.len() > 1 && error.code() == ErrorCode::Internal => {
            for Waiting { wanted, reply } in some {
                let alone = try_write(app, vec![wanted]).await;
                tell(reply, alone.and_then(|mut one| one.pop().unwrap_or(Err(error.clone()))));
            }
        }
        Err(error) => {
            for waiting in some {
                tell(waiting.reply, Err(error.clone()));
            }
        }
    }
}

/// A panic ends this transaction and not the writer.
async fn try_write(
    app: &Arc<App>,
    wanted: Vec<Wanted>,
) -> Result<Vec<Result<Stored, ApiError>>, ApiError> {
    let writing = tokio::spawn(accept_many(Arc::clone(app), wanted));
    writing.await.map_err(|e| ApiError::internal("accepting jobs", &e))?
}

fn tell(reply: oneshot::Sender<Result<Stored, ApiError>>, outcome: Result<Stored, ApiError>) {
    if reply.send(outcome).is_err() {
        tracing::debug!("a caller left before its job was written");
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first in the line. One whose key is among them already stays for the next time, when the key is written.
    fn next(&mut self) -> Vec<Waiting> {
        let mut keys = HashSet::new();
        let mut some = Vec::new();
        let mut rest = VecDeque::new();
        while let Some(waiting) = self.waiting.pop_front() {
            let request = &waiting.wanted.request;
            let key = request.idempotency.as_ref().map(|(key, _)| (request.device.id, key.clone()));
            let fits =
                some.len() < limits::ACCEPT_TOGETHER_MAX && key.is_none_or(|key| keys.insert(key));
            if fits {
                some.push(waiting);
            } else {
                rest.push_back(waiting);
            }
            if some.len() == limits::ACCEPT_TOGETHER_MAX {
                break;
            }
        }
        rest.append(&mut self.waiting);
        self.waiting = rest;
        some
    }
}
