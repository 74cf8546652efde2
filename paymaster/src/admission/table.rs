//! The buckets of one kind of key: at most so many, and never one less of those that somebody has taken from.
//!
//! A bucket that is full again is dropped when its place is wanted, since a new one would be the same. Where all places are
//! taken by buckets that are not full, those who are new share one bucket: a flood of keys that nobody saw before slows
//! down its like, and frees nobody who is being limited.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    time::{Duration, Instant},
};

use super::bucket::{Bucket, Clock, Rate, Ticks};

/// Buckets by their keys.
#[derive(Debug)]
pub(super) struct Table<K> {
    clock: Clock,
    most: usize,
    buckets: HashMap<K, Bucket>,
    /// The same ones by when they are full, the first of them first.
    by_full_at: BTreeSet<(Ticks, K)>,
    /// Of those who are new when there is no place.
    strangers: Bucket,
}

impl<K: Copy + Ord + Hash> Table<K> {
    pub(super) fn new(rate: Rate, most: usize, now: Instant) -> Self {
        let clock = Clock::new(rate, now);
        let strangers = Bucket { full_at: clock.read(now) };
        Self { clock, most, buckets: HashMap::new(), by_full_at: BTreeSet::new(), strangers }
    }

    /// How long this key has to wait for so many tokens; nothing when it has them.
    pub(super) fn wait(&self, key: &K, tokens: u32, now: Instant) -> Duration {
        let now = self.clock.read(now);
        let own = self.buckets.get(key).copied();
        let newcomers =
            || if self.has_place(now) { Bucket { full_at: now } } else { self.strangers };
        own.unwrap_or_else(newcomers).wait(&self.clock, tokens, now)
    }

    /// Takes tokens that the key does not have to wait for.
    pub(super) fn spend(&mut self, key: K, tokens: u32, now: Instant) {
        let now = self.clock.read(now);
        match self.buckets.get(&key) {
            Some(bucket) => self.by_full_at.remove(&(bucket.full_at, key)),
            None if self.has_place(now) => false,
            None => {
                self.strangers = self.strangers.less(tokens, now);
                return;
            }
        };
        self.drop_full(now);
        let bucket = self.buckets.entry(key).or_insert(Bucket { full_at: now });
        *bucket = bucket.less(tokens, now);
        self.by_full_at.insert((bucket.full_at, key));
    }

    fn has_place(&self, now: Ticks) -> bool {
        let one_is_full = || self.by_full_at.first().is_some_and(|(full_at, _)| *full_at <= now);
        self.buckets.len() < self.most || one_is_full()
    }

    /// Drops two that are full, if there are so many. One would do for the bound; two give the memory of a flood back.
    fn drop_full(&mut self, now: Ticks) {
        for _ in 0..2 {
            match self.by_full_at.first() {
                Some((full_at, key)) if *full_at <= now => self.buckets.remove(key),
                _ => return,
            };
            self.by_full_at.pop_first();
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.buckets.len(), self.by_full_at.len(), "a bucket is in one index only");
        self.buckets.len()
    }
}
