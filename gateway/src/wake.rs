//! Who sleeps until what: long polls park here and wake by hints.
//!
//! A hint may be lost or spurious; every sleeper also looks for itself once in a while. Nothing is decided here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ciro_api::{JobId, ModelId};
use futures::StreamExt;
use redis::Client;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::queue::Queue;

const CHANNEL: &str = "ciro:wake";

/// How long a sleeper waits before it looks for itself.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What sleepers wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// A job of this model became leasable.
    Queued(ModelId),
    /// This job ended.
    Ended(JobId),
    /// The worker of this job told something.
    Progress(JobId),
}

impl Event {
    fn encode(self) -> String {
        match self {
            Self::Queued(model) => format!("q:{model}"),
            Self::Ended(job) => format!("e:{job}"),
            Self::Progress(job) => format!("p:{job}"),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("q", model) => model.parse().ok().map(Self::Queued),
            ("e", job) => job.parse().ok().map(Self::Ended),
            ("p", job) => job.parse().ok().map(Self::Progress),
            _ => None,
        }
    }
}

/// The sleepers of this process. Entries live only while someone sleeps.
#[derive(Clone, Default)]
pub(crate) struct Wake {
    sleepers: Arc<Mutex<HashMap<Event, Arc<Notify>>>>,
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
        let notify = Arc::clone(sleepers.entry(event).or_default());
        Bed { wake: self.clone(), event, notify }
    }

    fn ring(&self, event: Event) {
        let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(notify) = sleepers.get(&event) else {
            return;
        };
        match event {
            // One job, one worker: waking all would only make the others look in vain.
            Event::Queued(_) => notify.notify_one(),
            Event::Ended(_) | Event::Progress(_) => notify.notify_waiters(),
        }
    }

    /// Wakes sleepers here and, through Redis, in every other gateway.
    pub(crate) async fn announce(&self, queue: &Queue, event: Event) {
        self.announce_all(queue, &[event]).await;
    }

    /// The same for many events in one message.
    pub(crate) async fn announce_all(&self, queue: &Queue, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        for event in events {
            self.ring(*event);
        }
        let lines: Vec<String> = events.iter().map(|event| event.encode()).collect();
        if let Err(error) = queue.publish(CHANNEL, &lines.join("\n")).await {
            // Only a hint: sleepers elsewhere look for themselves within LOOK_AGAIN.
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
            for event in text.lines().filter_map(Event::decode) {
                self.ring(event);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_hears_its_event_and_leaves_nothing_behind() {
        let wake = Wake::default();
        let event = Event::Ended(JobId(uuid::Uuid::from_u128(1)));
        let bed = wake.bed(event);
        {
            let hint = bed.hint();
            tokio::pin!(hint);
            hint.as_mut().enable();
            wake.ring(event);
            hint.await;
        }
        drop(bed);
        assert!(wake.sleepers.lock().unwrap().is_empty());
    }

    #[test]
    fn events_survive_their_text() {
        let job = JobId(uuid::Uuid::from_u128(7));
        for event in [Event::Ended(job), Event::Progress(job)] {
            assert_eq!(Event::decode(&event.encode()), Some(event));
        }
        assert_eq!(Event::decode("x:1"), None);
    }
}
