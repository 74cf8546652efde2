//! When the faults are over, is the index that they left behind still fair? Sponsors with backlogs of different sizes share
//! one worker, and one of them has a single job of low priority.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use anyhow::{Context, ensure};
use ciro_api::{JobId, Priority, limits::HEAD_START_JOBS};
use rand::{SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    clients::{Poster, Seen},
    settings::Settings,
    sloppy::{Fences, Sloppy},
    world::World,
};

/// What each sponsor posts. The last posts one job, of low priority.
const BACKLOGS: [usize; 5] = [400, 260, 300, 340, 1];
/// How many jobs are posted in all.
pub(crate) const JOBS: usize = BACKLOGS[0] + BACKLOGS[1] + BACKLOGS[2] + BACKLOGS[3] + BACKLOGS[4];
/// As long as so many are served, every sponsor with a backlog has some left.
const COUNTED: usize = 800;
/// Jobs of one lease.
const LEASE: u32 = 4;
/// How long it may take until all is placed, and until all is done.
const PATIENCE: Duration = Duration::from_mins(2);

/// Who was served how much.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Of the first [`COUNTED`], for each sponsor with a backlog.
    served: Vec<usize>,
    /// How many jobs passed the one of low priority.
    passed: usize,
}

impl Shares {
    /// Whether the shares are equal within a tenth, and the low priority has waited, and no longer than it may.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let fair = COUNTED / self.served.len();
        let is_fair = |served: &usize| served.abs_diff(fair) * 10 <= fair;
        ensure!(self.served.iter().all(is_fair), "the shares are not fair: {self}");
        ensure!(self.passed <= bound(), "the low priority waited too long: {self}");
        let head_start = usize::try_from(HEAD_START_JOBS)?;
        ensure!(self.passed >= head_start, "the low priority did not wait: {self}");
        Ok(())
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { served, passed } = self;
        write!(f, "of {COUNTED} jobs the sponsors had {served:?}; ")?;
        write!(f, "a low priority was passed by {passed}, at most by {}", bound())
    }
}

/// Nobody here has a head start: the late start of the one, and its own place, of each sponsor that is active.
fn bound() -> usize {
    let late = usize::try_from(HEAD_START_JOBS).unwrap_or(usize::MAX).saturating_add(1);
    late.saturating_mul(BACKLOGS.len())
}

/// Posts the backlogs, works them off by hand, and looks who was served. Nobody else may work meanwhile.
pub(crate) async fn measure(
    world: &World,
    sloppy: &Sloppy,
    settings: &Settings,
) -> anyhow::Result<(Shares, Seen, Fences)> {
    let (owners, seen) = post_all(world, settings).await?;
    sloppy.until_placed(JOBS, PATIENCE).await?;
    let deadline = Instant::now() + PATIENCE;
    let (mut order, mut taken) = (Vec::new(), Fences::new());
    while order.len() < JOBS {
        ensure!(Instant::now() < deadline, "{} of {JOBS} jobs came in time", order.len());
        let (jobs, fences) = sloppy.work_off(LEASE).await?;
        order.extend(jobs);
        taken.extend(fences);
    }
    Ok((shares(&owners, &order)?, seen, taken))
}

fn shares(owners: &BTreeMap<JobId, usize>, order: &[JobId]) -> anyhow::Result<Shares> {
    let distinct: BTreeSet<&JobId> = order.iter().collect();
    ensure!(
        distinct.len() == JOBS,
        "{} jobs came, {} of them distinct",
        order.len(),
        distinct.len()
    );
    let low = BACKLOGS.len() - 1;
    let mut served = vec![0; low];
    let mut passed = None;
    for (place, job) in order.iter().enumerate() {
        let owner = *owners.get(job).with_context(|| format!("job {job} is nobody's"))?;
        if owner == low {
            passed = Some(place);
        } else if place < COUNTED {
            served[owner] += 1;
        }
    }
    Ok(Shares { served, passed: passed.context("the job of low priority never came")? })
}

/// All sponsors at once: whose job comes first does not matter, for every place is fixed before anything is served.
async fn post_all(
    world: &World,
    settings: &Settings,
) -> anyhow::Result<(BTreeMap<JobId, usize>, Seen)> {
    let mut posting = JoinSet::new();
    for (sponsor, jobs) in BACKLOGS.into_iter().enumerate() {
        let poster = Poster::enrol(world, &world.claim_tokens[sponsor], sponsor, settings).await?;
        posting.spawn(async move {
            let priority = if jobs == 1 { Priority::Low } else { Priority::Normal };
            let mut random = StdRng::seed_from_u64(u64::try_from(sponsor)?);
            let mut made = Vec::with_capacity(jobs);
            for number in 0..jobs {
                let (key, body) =
                    (format!("share-{sponsor}-{number}"), poster.job(number, priority));
                made.push((poster.until_acknowledged(&key, &body, &mut random).await?, key));
            }
            anyhow::Ok((sponsor, made))
        });
    }
    let (mut owners, mut seen) = (BTreeMap::new(), Seen::default());
    while let Some(done) = posting.join_next().await {
        let (sponsor, made) = done??;
        for (id, key) in made {
            owners.insert(id, sponsor);
            seen.note(&key, id);
        }
    }
    Ok((owners, seen))
}
