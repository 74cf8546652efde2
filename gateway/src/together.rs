//! The lines at the door: calls that come while a transaction is being written share the next one.
//!
//! One commit waits for the disk however much is in it, and one statement is planned once for all of its rows. Nobody
//! waits for company: an idle gateway writes a call at once, and under load those that came meanwhile go together.

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ciro_api::ErrorCode;
use tokio::sync::oneshot;

use crate::{app::App, problem::ApiError};

/// A call that can share a transaction with others of its kind.
pub(crate) trait Shared: Clone + Send + Sync + 'static {
    /// What the caller is told.
    type Done: Send + 'static;
    /// What no two of one transaction may have in common.
    type Key: Eq + Hash;
    /// What it does, in an error: "accepting a job".
    const WHAT: &'static str;
    /// Most calls that may wait.
    const WAITING_MAX: usize;
    /// Most rows of one transaction. A single call may have more; it then goes alone.
    const ROWS_MAX: usize;

    /// Transactions of the line under way at once. One makes the fewest and largest transactions, which is the least
    /// work; two fill the time that one waits for the disk.
    const WRITERS: usize;

    /// Where they wait.
    fn line(app: &App) -> &Line<Self>;
    /// What no other of the same transaction may have.
    fn key(&self) -> Option<Self::Key>;
    /// How many rows it is about.
    fn rows(&self) -> usize;
    /// Writes all of them in one transaction: what became of each, in order, or an error when nothing was written.
    fn write(
        app: Arc<App>,
        some: Vec<Self>,
    ) -> impl Future<Output = Result<Vec<Result<Self::Done, ApiError>>, ApiError>> + Send;
}

/// Calls that wait to be written.
pub(crate) struct Line<T: Shared>(Mutex<State<T>>);

struct State<T: Shared> {
    waiting: VecDeque<Waiting<T>>,
    writers: usize,
}

struct Waiting<T: Shared> {
    call: T,
    reply: oneshot::Sender<Result<T::Done, ApiError>>,
}

/// Writes a call, together with others that come at the same moment. The writing goes on when the caller leaves.
pub(crate) async fn write<T: Shared>(app: &Arc<App>, call: T) -> Result<T::Done, ApiError> {
    let (reply, answer) = oneshot::channel();
    let begin = {
        let mut line = T::line(app).lock();
        if line.waiting.len() >= T::WAITING_MAX {
            let detail = format!("too many wait for {}; nothing was done, try again", T::WHAT);
            return Err(ApiError::new(ErrorCode::Unavailable, detail));
        }
        line.waiting.push_back(Waiting { call, reply });
        let begin = line.writers < T::WRITERS;
        line.writers += usize::from(begin);
        begin
    };
    if begin {
        tokio::spawn(write_all::<T>(Arc::clone(app)));
    }
    answer.await.map_err(|e| ApiError::internal(T::WHAT, &e))?
}

async fn write_all<T: Shared>(app: Arc<App>) {
    loop {
        let some = {
            let mut line: MutexGuard<'_, State<T>> = T::line(&app).lock();
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

async fn write_some<T: Shared>(app: &Arc<App>, some: Vec<Waiting<T>>) {
    let together = some.iter().map(|waiting| waiting.call.clone()).collect();
    match try_write(app, together).await {
        Ok(outcomes) => {
            for (waiting, outcome) in some.into_iter().zip(outcomes) {
                tell(waiting, outcome);
            }
        }
        // Nobody is refused for a fault that another one brought into the transaction.
        Err(error) if some.len() > 1 && error.code() != ErrorCode::Unavailable => {
            for waiting in some {
                let alone = try_write(app, vec![waiting.call.clone()]).await;
                tell(waiting, alone.and_then(|mut one| one.pop().unwrap_or(Err(error.clone()))));
            }
        }
        Err(error) => {
            for waiting in some {
                tell(waiting, Err(error.clone()));
            }
        }
    }
}

/// A panic ends this transaction and not the writer.
async fn try_write<T: Shared>(
    app: &Arc<App>,
    some: Vec<T>,
) -> Result<Vec<Result<T::Done, ApiError>>, ApiError> {
    let writing = tokio::spawn(T::write(Arc::clone(app), some));
    writing.await.map_err(|e| ApiError::internal(T::WHAT, &e))?
}

fn tell<T: Shared>(waiting: Waiting<T>, outcome: Result<T::Done, ApiError>) {
    if waiting.reply.send(outcome).is_err() {
        tracing::debug!(what = T::WHAT, "a caller left before its turn was over");
    }
}

impl<T: Shared> Line<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Shared> Default for Line<T> {
    fn default() -> Self {
        Self(Mutex::new(State { waiting: VecDeque::new(), writers: 0 }))
    }
}

impl<T: Shared> State<T> {
    /// The first in the line, as many as fit. One whose key is among them already stays for the next time, when what the
    /// first one wrote can be seen.
    fn next(&mut self) -> Vec<Waiting<T>> {
        let mut keys = HashSet::new();
        let mut some: Vec<Waiting<T>> = Vec::new();
        let mut passed = VecDeque::new();
        let mut rows = 0;
        while let Some(waiting) = self.waiting.pop_front() {
            let more = waiting.call.rows();
            if !some.is_empty() && rows + more > T::ROWS_MAX {
                passed.push_back(waiting);
                break;
            }
            if waiting.call.key().is_none_or(|key| keys.insert(key)) {
                rows += more;
                some.push(waiting);
            } else {
                passed.push_back(waiting);
            }
        }
        passed.append(&mut self.waiting);
        self.waiting = passed;
        some
    }
}
