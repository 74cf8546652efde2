//! What is left when all is over: every acknowledged job against the database, and every fri against every other.

use std::{collections::BTreeMap, fmt, time::Duration};

use anyhow::{Context, bail, ensure};
use ciro_api::JobId;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::{
    clients::Seen,
    sloppy::{Fences, Sloppy},
    world::{World, connect},
};

/// Between two looks whether the last job has ended.
const LOOK: Duration = Duration::from_millis(200);

/// The findings.
#[derive(Debug)]
pub(crate) struct Audit {
    /// Acknowledged jobs that the database does not know as ended.
    pub(crate) lost: usize,
    /// Keys that made two jobs, jobs that nobody was told of, and results that a worker was told were taken while
    /// another's counts, or that count without its having been told.
    pub(crate) doubled: usize,
    ended: BTreeMap<String, usize>,
    /// Those that ended without a result, each with its reason and who said so.
    failed: Vec<String>,
    faults_in_the_books: Vec<String>,
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (status, count) in &self.ended {
            write!(f, "{count} {status}, ")?;
        }
        match self.faults_in_the_books.as_slice() {
            [] => f.write_str("the books are exact to the fri")?,
            faults => write!(f, "the books are wrong: {}", faults.join("; "))?,
        }
        self.failed.iter().try_for_each(|one| write!(f, "\n    {one}"))
    }
}

impl Audit {
    /// Whether all is as it must be after `jobs` were posted.
    pub(crate) fn check(&self, jobs: usize) -> anyhow::Result<()> {
        let Self { lost, doubled, .. } = self;
        ensure!((*lost, *doubled) == (0, 0), "{lost} jobs were lost and {doubled} doubled");
        ensure!(self.faults_in_the_books.is_empty(), "{}", self.faults_in_the_books.join("; "));
        let ended: usize = self.ended.values().sum();
        ensure!(ended == jobs, "{jobs} jobs were posted and {ended} ended");
        let succeeded = self.ended.get("succeeded").copied().unwrap_or(0);
        ensure!(succeeded > jobs / 2, "only {succeeded} of {jobs} jobs succeeded");
        Ok(())
    }
}

/// Waits until nothing moves any more, at most `patience`; how long that took.
pub(crate) async fn until_drained(world: &World, patience: Duration) -> anyhow::Result<Duration> {
    let client = connect(&world.database_url).await?;
    let start = Instant::now();
    let mut live = count(&client, "SELECT count(*) FROM job_live").await?;
    while live > 0 && start.elapsed() < patience {
        sleep(LOOK).await;
        live = count(&client, "SELECT count(*) FROM job_live").await?;
    }
    Ok(start.elapsed())
}

/// Looks at what is left.
pub(crate) async fn after(world: &World, seen: &Seen, taken: &Fences) -> anyhow::Result<Audit> {
    let client = connect(&world.database_url).await?;
    let done = client
        .query("SELECT job_id, status || coalesce(': ' || reason, '') FROM job_done", &[])
        .await?;
    let done: BTreeMap<JobId, String> = done
        .iter()
        .map(|row| Ok((JobId(row.try_get::<_, Uuid>(0)?), row.try_get(1)?)))
        .collect::<Result<_, tokio_postgres::Error>>()?;
    let ids = seen.ids();
    let mut ended = BTreeMap::new();
    for status in done.values() {
        *ended.entry(status.clone()).or_default() += 1;
    }
    let made = client.query("SELECT job_id FROM job", &[]).await?;
    let untold = made.iter().map(|row| row.try_get::<_, Uuid>(0).map(JobId));
    let untold = untold.collect::<Result<Vec<_>, _>>()?.into_iter().filter(|id| !ids.contains(id));
    Ok(Audit {
        lost: ids.iter().filter(|id| !done.contains_key(id)).count(),
        doubled: seen.keys_with_two_jobs()
            + untold.count()
            + counted(&client).await?.symmetric_difference(taken).count(),
        ended,
        failed: failed(&client).await?,
        faults_in_the_books: faults_in_the_books(&client).await?,
    })
}

/// What the logs can be searched for.
async fn failed(client: &Client) -> anyhow::Result<Vec<String>> {
    let query = "SELECT job_id, reason, detail, epoch FROM job_done WHERE status <> 'succeeded'";
    let line = |row: &Row| -> anyhow::Result<String> {
        let job = JobId(row.try_get(0)?);
        let (reason, detail): (&str, &str) = (row.try_get(1)?, row.try_get(2)?);
        Ok(format!("{job} at epoch {}: {reason}: {detail}", row.try_get::<_, i64>(3)?))
    };
    client.query(query, &[]).await?.iter().map(line).collect()
}

/// Job and epoch of the sloppy worker's results that count.
async fn counted(client: &Client) -> anyhow::Result<Fences> {
    let query = "SELECT job_id, epoch FROM job_done WHERE worker = $1";
    let rows = client.query(query, &[&Sloppy::key().address().to_string()]).await?;
    let fence = |row: &Row| Ok((row.try_get(0)?, u64::try_from(row.try_get::<_, i64>(1)?)?));
    rows.iter().map(fence).collect()
}

async fn count(client: &Client, query: &str) -> anyhow::Result<i64> {
    Ok(client.query_one(query, &[]).await?.try_get(0)?)
}

/// Each row of the query is a rule and whether it holds.
async fn faults_in_the_books(client: &Client) -> anyhow::Result<Vec<String>> {
    let rules = client.query(include_str!("books.sql"), &[]).await.context("reading the books")?;
    if rules.is_empty() {
        bail!("the books have no rules");
    }
    let mut broken = Vec::new();
    for rule in rules {
        if !rule.try_get::<_, Option<bool>>("holds")?.unwrap_or(false) {
            broken.push(format!("not so: {}", rule.try_get::<_, String>("rule")?));
        }
    }
    Ok(broken)
}
