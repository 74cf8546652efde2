//! Does what the plan says, at its time, and puts each thing right again.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use redis::aio::MultiplexedConnection;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    plan::{FAILPOINT_PATIENCE, Fault, Plan},
    say,
    world::World,
};

/// Holds the world while faults come.
pub(crate) struct Driver {
    world: Arc<World>,
}

impl Driver {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Arc::new(world) }
    }

    /// The world back, whole.
    pub(crate) fn into_world(self) -> anyhow::Result<World> {
        Arc::into_inner(self.world).context("a fault is still under way")
    }

    /// Returns how many faults there were, when all are over and everything runs again.
    pub(crate) async fn run(&self, plan: &Plan) -> anyhow::Result<usize> {
        let start = Instant::now();
        let mut under_way = JoinSet::new();
        for (at, fault) in &plan.0 {
            sleep_until(start + *at).await;
            note(start, &format!("{fault}"))?;
            let (world, fault) = (Arc::clone(&self.world), *fault);
            under_way.spawn(async move {
                let done = inflict(&world, fault).await.with_context(|| fault.to_string())?;
                done.map_or(Ok(()), |remark| note(start, &format!("  {fault}: {remark}")))
            });
            // A fault that could not be done ends the run at once, and not minutes later.
            while let Some(over) = under_way.try_join_next() {
                over??;
            }
        }
        while let Some(over) = under_way.join_next().await {
            over??;
        }
        self.world.street.heal();
        note(start, "no more faults; everything runs")?;
        Ok(plan.0.len())
    }
}

fn note(start: Instant, what: &str) -> anyhow::Result<()> {
    say(&format!("chaos: {:>7.2} s  {what}", start.elapsed().as_secs_f64()))?;
    Ok(())
}

async fn inflict(world: &World, fault: Fault) -> anyhow::Result<Option<&'static str>> {
    match fault {
        Fault::KillWorker { worker, away } => {
            let mut worker = world.workers[worker].lock().await;
            worker.kill().await?;
            sleep(away).await;
            worker.start_again().await?;
        }
        Fault::FreezeWorker { worker, how_long } => {
            world.workers[worker].lock().await.freeze(how_long).await?;
        }
        Fault::KillGateway { gateway, away } => {
            let mut gateway = world.gateways[gateway].lock().await;
            gateway.kill().await?;
            sleep(away).await;
            gateway.start_again().await?;
        }
        Fault::FreezeGateway { gateway, how_long } => {
            world.gateways[gateway].lock().await.freeze(how_long).await?;
        }
        Fault::FailGateway { gateway, point, nth } => {
            let mut gateway = world.gateways[gateway].lock().await;
            let died = gateway.die_at(point, nth, FAILPOINT_PATIENCE).await?;
            gateway.start_again().await?;
            return Ok(Some(if died { "it did" } else { "it never got there, and was killed" }));
        }
        Fault::FlushRedis => {
            // Held, so that it is there.
            let _whole = world.redis.lock().await;
            let mut redis = redis_of(world).await?;
            redis::cmd("FLUSHALL").query_async::<()>(&mut redis).await?;
            redis::cmd("FUNCTION").arg("FLUSH").query_async::<()>(&mut redis).await?;
        }
        Fault::EmptyRedis { away } => {
            let mut redis = world.redis.lock().await;
            redis.kill().await?;
            remove_if_there(&redis.dump_path())?;
            sleep(away).await;
            redis.start_again().await?;
        }
        Fault::RestoreRedis { age } => restore_redis(world, age).await?,
        Fault::PauseRedis { how_long } => {
            let _whole = world.redis.lock().await;
            let mut redis = redis_of(world).await?;
            let ms = u64::try_from(how_long.as_millis())?;
            redis::cmd("CLIENT").arg("PAUSE").arg(ms).query_async::<()>(&mut redis).await?;
            // Held meanwhile: a second pause would shorten the first.
            sleep(how_long).await;
        }
        Fault::CrashPostgres => {
            let mut postgres = world.postgres.lock().await;
            postgres.crash().await?;
            postgres.start_again().await?;
        }
        Fault::CutReplies { count } => world.street.cut(count),
    }
    Ok(None)
}

async fn restore_redis(world: &World, age: Duration) -> anyhow::Result<()> {
    let old = world.dir().join("old.rdb");
    {
        let whole = world.redis.lock().await;
        let mut redis = redis_of(world).await?;
        redis::cmd("SAVE").query_async::<()>(&mut redis).await?;
        std::fs::copy(whole.dump_path(), &old)?;
    }
    sleep(age).await;
    let mut redis = world.redis.lock().await;
    redis.kill().await?;
    std::fs::copy(&old, redis.dump_path())?;
    redis.start_again().await?;
    // What comes next must not find it by accident.
    remove_if_there(&redis.dump_path())?;
    Ok(())
}

fn remove_if_there(path: &std::path::Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn redis_of(world: &World) -> anyhow::Result<MultiplexedConnection> {
    let client = redis::Client::open(world.redis_url.as_str())?;
    client.get_multiplexed_async_connection().await.context("connecting to Redis")
}
