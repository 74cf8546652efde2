//! Who sleeps until what: long polls park here and wake by hints.
//!
//! A hint may be lost or spurious; every sleeper also looks for itself once in a while. Nothing is decided here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ciro_api::{JobId, PoolName};
use futures::StreamExt;
use redis::Client;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::queue::Queue;

const CHANNEL: &str = "ciro:wake";

/// How long a sleeper waits before it looks for itself.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What sleepers wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// A job of this pool became leasable.
    Queued(PoolName),
    /// This job ended.
    Ended(JobId),
    /// The worker of this job told something.
    Progress(JobId),
}

/// An event and how many sleepers it is worth waking; those of a job wake all of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hint {
    event: Event,
    sleepers: usize,
}

impl Hint {
    fn encode(&self) -> String {
        match &self.event {
            Event::Queued(pool) => format!("q:{}:{pool}", self.sleepers),
            Event::Ended(job) => format!("e:1:{job}"),
            Event::Progress(job) => format!("p:1:{job}"),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (kind, sleepers, of) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let event = match kind {
            "q" => Event::Queued(of.parse().ok()?),
            "e" => Event::Ended(of.parse().ok()?),
            "p" => Event::Progress(of.parse().ok()?),
            _ => return None,
        };
        Some(Self { event, sleepers })
    }
}

/// The sleepers of this process. Entries live only while someone sleeps.
#[derive(Clone)]
pub(crate) struct Wake {
    sleepers: Arc<Mutex<HashMap<Event, Arc<Notify>>>>,
    /// Names this process in its hints, so that it does not take them twice.
    own: Uuid,
}

impl Default for Wake {
    fn default() -> Self {
        Self { sleepers: Arc::default(), own: Uuid::new_v4() }
    }
}

/// A place to sleep; dropping it forgets the sleeper.
pub(crate) struct Bed {
    wake: Wake,
    event: Event,
    notify: Arc<Notify>,
}

impl Bed {
    /// Sleeps until a hint. Call before looking, await after, or a hint in between is missed.
    pub(crate) fn hint(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }

    /// What rings, for a sleeper that must let go of its bed meanwhile.
    pub(crate) fn notify(&self) -> Arc<Notify> {
        Arc::clone(&self.notify)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let mut sleepers = self.wake.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        // Two owners left: the map and this bed.
        if sleepers.get(&self.event).is_some_and(|n| Arc::strong_count(n) <= 2) {
            sleepers.remove(&self.event);
        }
    }
}

impl Wake {
    /// A bed for `event`.
    pub(crate) fn bed(&self, event: Event) -> Bed {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let notify = Arc::clone(sleepers.entry(event.clone()).or_default());
        Bed { wake: self.clone(), event, notify }
    }

    /// The pools that somebody waits at.
    pub(crate) fn awaited(&self) -> Vec<PoolName> {
        let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |event: &Event| match event {
            Event::Queued(pool) => Some(pool.clone()),
            Event::Ended(_) | Event::Progress(_) => None,
        };
        sleepers.keys().filter_map(of).collect()
    }

    /// Wakes up to so many of those here that wait for jobs of a pool: one job, one worker. Waking more would only make
    /// the others look in vain.
    pub(crate) fn ring_for(&self, pool: &PoolName, jobs: usize) {
        self.ring(&Hint { event: Event::Queued(pool.clone()), sleepers: jobs });
    }

    fn ring(&self, hint: &Hint) {
        let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(notify) = sleepers.get(&hint.event) else {
            return;
        };
        match hint.event {
            // No more than sleep: the map holds one owner more.
            Event::Queued(_) => {
                for _ in 0..hint.sleepers.min(Arc::strong_count(notify)) {
                    notify.notify_one();
                }
            }
            Event::Ended(_) | Event::Progress(_) => notify.notify_waiters(),
        }
    }

    /// Wakes sleepers here and, through Redis, in every other gateway.
    pub(crate) async fn announce(&self, queue: &Queue, event: Event) {
        self.announce_all(queue, &[event]).await;
    }

    /// The same for many events in one message.
    pub(crate) async fn announce_all(&self, queue: &Queue, events: &[Event]) {
        let hints = events.iter().map(|event| Hint { event: event.clone(), sleepers: 1 });
        self.tell(queue, hints.collect()).await;
    }

    /// Wakes as many workers as jobs of a pool came.
    pub(crate) async fn announce_queued(&self, queue: &Queue, pool: &PoolName, jobs: usize) {
        let event = Event::Queued(pool.clone());
        self.tell(queue, vec![Hint { event, sleepers: jobs }]).await;
    }

    async fn tell(&self, queue: &Queue, hints: Vec<Hint>) {
        if hints.is_empty() {
            return;
        }
        let mut message = self.own.to_string();
        for hint in hints {
            self.ring(&hint);
            message.push('\n');
            message.push_str(&hint.encode());
        }
        if let Err(error) = queue.publish(CHANNEL, &message).await {
            // Only a hint: sleepers elsewhere are looked after within LOOK_AGAIN.
            tracing::debug!(%error, "a wake-up hint did not reach the other gateways");
        }
    }

    /// Relays hints of other gateways until `stop`.
    pub(crate) async fn relay(self, client: Client, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                result = self.relay_once(&client) => {
                    if let Err(error) = result {
                        tracing::warn!(%error, "the wake-up subscription broke; trying again");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    async fn relay_once(&self, client: &Client) -> redis::RedisResult<()> {
        let mut subscription = client.get_async_pubsub().await?;
        subscription.subscribe(CHANNEL).await?;
        let mut messages = subscription.on_message();
        while let Some(message) = messages.next().await {
            let text: String = message.get_payload()?;
            let mut lines = text.lines();
            if lines.next() == Some(self.own.to_string().as_str()) {
                continue;
            }
            for hint in lines.filter_map(Hint::decode) {
                self.ring(&hint);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_sleeper_hears_its_event_and_leaves_nothing_behind() {
        let wake = Wake::default();
        let event = Event::Ended(JobId(uuid::Uuid::from_u128(1)));
        let bed = wake.bed(event.clone());
        {
            let hint = bed.hint();
            tokio::pin!(hint);
            hint.as_mut().enable();
            wake.ring(&Hint { event, sleepers: 1 });
            hint.await;
        }
        drop(bed);
        assert!(wake.sleepers.lock().unwrap().is_empty());
    }

    #[test]
    fn hints_survive_their_text() {
        let job = JobId(uuid::Uuid::from_u128(7));
        let pool: PoolName = "cpu.onnx".parse().unwrap();
        for event in [Event::Ended(job), Event::Progress(job)] {
            let hint = Hint { event, sleepers: 1 };
            assert_eq!(Hint::decode(&hint.encode()), Some(hint));
        }
        let queued = Hint { event: Event::Queued(pool), sleepers: 64 };
        assert_eq!(Hint::decode(&queued.encode()), Some(queued));
        for other in ["x:1:1", "q:1", "q:-1:cpu", "q:1:Cpu", ""] {
            assert_eq!(Hint::decode(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn so_many_workers_wake_as_jobs_came() {
        let (wake, pool) = (Wake::default(), "cpu".parse::<PoolName>().unwrap());
        let beds: Vec<Bed> = (0..5).map(|_| wake.bed(Event::Queued(pool.clone()))).collect();
        let mut hints: Vec<_> = beds.iter().map(|bed| Box::pin(bed.hint())).collect();
        for hint in &mut hints {
            hint.as_mut().enable();
        }
        wake.ring_for(&pool, 3);
        let awake = hints.iter_mut().filter_map(FutureExt::now_or_never).count();
        assert_eq!(awake, 3);
        assert_eq!(wake.awaited(), [pool]);
    }
}
