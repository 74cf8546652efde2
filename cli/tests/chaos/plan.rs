//! What will go wrong, and when: a list that follows from the seed alone.

use std::{fmt, time::Duration};

use ciro_gateway::failpoint::Point;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::{gateways::GATEWAYS, settings::Settings, workers::WORKERS};

/// Between two faults, on average.
const GAP_MS: u64 = 1_200;
/// How long a gateway may take to come to the place where it is to die.
pub(crate) const FAILPOINT_PATIENCE: Duration = Duration::from_secs(5);
/// Longer than a lease lives, by a little.
pub(crate) const PAST_LEASE_MS: std::ops::Range<u64> = 31_000..33_000;

/// One thing that goes wrong, and is put right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A worker dies and comes back after a while.
    KillWorker { worker: usize, away: Duration },
    /// A worker stands still, perhaps longer than its leases live, and goes on as if nothing had been.
    FreezeWorker { worker: usize, how_long: Duration },
    /// A gateway dies and comes back after a while.
    KillGateway { gateway: usize, away: Duration },
    /// A gateway stands still, with whatever it has locked, and goes on as if nothing had been.
    FreezeGateway { gateway: usize, how_long: Duration },
    /// A gateway dies between two writes.
    FailGateway { gateway: usize, point: Point, nth: u32 },
    /// Redis forgets everything, its functions too.
    FlushRedis,
    /// Redis dies and comes back empty.
    EmptyRedis { away: Duration },
    /// Redis dies and comes back with what it knew so long ago.
    RestoreRedis { age: Duration },
    /// Redis answers nobody.
    PauseRedis { how_long: Duration },
    /// `PostgreSQL` crashes and recovers.
    CrashPostgres,
    /// Replies are lost after what was asked is done.
    CutReplies { count: u32 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillWorker { worker, away } => {
                write!(f, "SIGKILL worker {worker}, back after {} ms", away.as_millis())
            }
            Self::FreezeWorker { worker, how_long } => {
                write!(f, "SIGSTOP worker {worker}, SIGCONT after {} ms", how_long.as_millis())
            }
            Self::KillGateway { gateway, away } => {
                write!(f, "SIGKILL gateway {gateway}, back after {} ms", away.as_millis())
            }
            Self::FreezeGateway { gateway, how_long } => {
                write!(f, "SIGSTOP gateway {gateway}, SIGCONT after {} ms", how_long.as_millis())
            }
            Self::FailGateway { gateway, point, nth } => {
                write!(f, "gateway {gateway} dies at `{}`, time {nth}", point.name())
            }
            Self::FlushRedis => f.write_str("FLUSHALL and FUNCTION FLUSH"),
            Self::EmptyRedis { away } => {
                write!(f, "SIGKILL Redis, back empty after {} ms", away.as_millis())
            }
            Self::RestoreRedis { age } => {
                write!(f, "SAVE, then Redis goes back to that after {} ms", age.as_millis())
            }
            Self::PauseRedis { how_long } => write!(f, "CLIENT PAUSE {}", how_long.as_millis()),
            Self::CrashPostgres => f.write_str("PostgreSQL restarts, mode immediate"),
            Self::CutReplies { count } => write!(f, "the next {count} replies are lost"),
        }
    }
}

/// Faults in the order of time, each with its moment after the start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan(pub(crate) Vec<(Duration, Fault)>);

impl Plan {
    /// The same for the same settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        let mut dealer = Dealer {
            random: StdRng::seed_from_u64(settings.seed),
            deck: Vec::new(),
            worker_free_at: [0; WORKERS],
            gateway_free_at: [0; GATEWAYS],
            redis_free_at: [0],
            end_ms: u64::try_from(settings.faults_for.as_millis()).unwrap_or(u64::MAX),
        };
        let mut faults = Vec::new();
        let mut at_ms = 500;
        while at_ms < dealer.end_ms {
            let fault = dealer.deal(at_ms);
            faults.push((Duration::from_millis(at_ms), fault));
            at_ms += dealer.random.random_range(GAP_MS / 2..GAP_MS * 3 / 2);
        }
        Self(faults)
    }
}

/// What kind of card lies in the deck. Every kind comes once before any comes again.
#[derive(Clone, Copy)]
enum Kind {
    KillWorker,
    FreezeWorker,
    KillGateway,
    FreezeGateway,
    Fail(Point),
    FlushRedis,
    EmptyRedis,
    RestoreRedis,
    PauseRedis,
    CrashPostgres,
    CutReplies,
}

struct Dealer {
    random: StdRng,
    deck: Vec<Kind>,
    worker_free_at: [u64; WORKERS],
    gateway_free_at: [u64; GATEWAYS],
    redis_free_at: [u64; 1],
    end_ms: u64,
}

impl Dealer {
    fn deal(&mut self, at_ms: u64) -> Fault {
        let kind = self.draw(at_ms);
        match kind {
            Kind::KillWorker => {
                let away = self.ms(0..2_000);
                Fault::KillWorker { worker: self.free_worker(at_ms, away), away }
            }
            Kind::FreezeWorker => {
                // The first one is long for certain, and later ones if all is over soon after the last fault.
                let long =
                    self.worker_free_at == [0; WORKERS] || at_ms + PAST_LEASE_MS.end < self.end_ms;
                let how_long = self.ms(if long { PAST_LEASE_MS } else { 500..5_000 });
                Fault::FreezeWorker { worker: self.free_worker(at_ms, how_long), how_long }
            }
            Kind::KillGateway => {
                let away = self.ms(0..2_000);
                Fault::KillGateway { gateway: self.free_gateway(at_ms, away), away }
            }
            Kind::FreezeGateway => {
                let how_long = self.ms(500..8_000);
                Fault::FreezeGateway { gateway: self.free_gateway(at_ms, how_long), how_long }
            }
            Kind::Fail(point) => {
                let gateway = self.free_gateway(at_ms, FAILPOINT_PATIENCE);
                Fault::FailGateway { gateway, point, nth: self.random.random_range(1..4) }
            }
            Kind::FlushRedis => Fault::FlushRedis,
            Kind::EmptyRedis => Fault::EmptyRedis { away: self.redis_for(0..2_000, at_ms) },
            Kind::RestoreRedis => Fault::RestoreRedis { age: self.redis_for(1_000..6_000, at_ms) },
            Kind::PauseRedis => Fault::PauseRedis { how_long: self.redis_for(500..8_000, at_ms) },
            Kind::CrashPostgres => Fault::CrashPostgres,
            Kind::CutReplies => Fault::CutReplies { count: self.random.random_range(1..20) },
        }
    }

    fn draw(&mut self, at_ms: u64) -> Kind {
        // While what it is about is not free, another card comes first: or faults would wait for each other, and come
        // at other times than the plan says.
        let busy = |free_at: &[u64]| free_at.iter().all(|free_at| *free_at > at_ms);
        let (gateways, redis) = (busy(&self.gateway_free_at), busy(&self.redis_free_at));
        let is_possible = |kind: &Kind| match kind {
            Kind::KillGateway | Kind::FreezeGateway | Kind::Fail(_) => !gateways,
            Kind::FlushRedis | Kind::EmptyRedis | Kind::RestoreRedis | Kind::PauseRedis => !redis,
            Kind::KillWorker | Kind::FreezeWorker | Kind::CrashPostgres | Kind::CutReplies => true,
        };
        if let Some(place) = self.deck.iter().rposition(is_possible) {
            return self.deck.remove(place);
        }
        let mut fresh = vec![
            Kind::KillWorker,
            Kind::KillGateway,
            Kind::FreezeGateway,
            Kind::FlushRedis,
            Kind::EmptyRedis,
            Kind::RestoreRedis,
            Kind::PauseRedis,
            Kind::CrashPostgres,
            Kind::CutReplies,
        ];
        fresh.extend(Point::ALL.map(Kind::Fail));
        fresh.shuffle(&mut self.random);
        fresh.append(&mut self.deck);
        self.deck = fresh;
        // On top: what takes longest begins first.
        Kind::FreezeWorker
    }

    fn ms(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(range))
    }

    fn redis_for(&mut self, range: std::ops::Range<u64>, at_ms: u64) -> Duration {
        let how_long = self.ms(range);
        book(&mut self.random, &mut self.redis_free_at, at_ms, how_long);
        how_long
    }

    fn free_worker(&mut self, at_ms: u64, how_long: Duration) -> usize {
        book(&mut self.random, &mut self.worker_free_at, at_ms, how_long)
    }

    fn free_gateway(&mut self, at_ms: u64, how_long: Duration) -> usize {
        book(&mut self.random, &mut self.gateway_free_at, at_ms, how_long)
    }
}

/// Any one that nothing else happens to at the time, or the one that is free soonest; it is taken from then on.
fn book(random: &mut StdRng, free_at: &mut [u64], at_ms: u64, how_long: Duration) -> usize {
    let mut order: Vec<usize> = (0..free_at.len()).collect();
    order.shuffle(random);
    let chosen = order.into_iter().min_by_key(|one| free_at[*one].max(at_ms)).unwrap_or(0);
    let busy_ms = u64::try_from(how_long.as_millis()).unwrap_or(u64::MAX);
    free_at[chosen] = free_at[chosen].max(at_ms).saturating_add(busy_ms);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(seed: u64, seconds: u64) -> Settings {
        let faults_for = Duration::from_secs(seconds);
        Settings { seed, jobs: 1, faults_for, patience: Duration::ZERO }
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        assert_eq!(Plan::of(&settings(7, 60)), Plan::of(&settings(7, 60)));
        assert_ne!(Plan::of(&settings(7, 60)), Plan::of(&settings(8, 60)));
    }

    #[test]
    fn the_short_form_has_every_kind_and_a_freeze_past_the_lease() {
        for seed in 0..20 {
            let Plan(faults) = Plan::of(&settings(seed, 25));
            let kinds = faults.iter().map(|(_, fault)| std::mem::discriminant(fault));
            assert_eq!(kinds.collect::<std::collections::HashSet<_>>().len(), 11, "seed {seed}");
            let past_lease = Duration::from_millis(ciro_api::limits::LEASE_TTL_MS);
            let is_long = |fault: &Fault| matches!(fault, Fault::FreezeWorker { how_long, .. } if *how_long > past_lease);
            assert!(faults.iter().any(|(_, fault)| is_long(fault)), "seed {seed}");
        }
    }
}
