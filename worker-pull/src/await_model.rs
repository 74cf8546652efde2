//! A lease of a model that is not loaded yet: it is kept while the model is brought, then run, failed or given back.

use std::{sync::Arc, time::Duration};

use ciro_api::{ModelId, rest::leases::LeaseRef};
use tokio::sync::{mpsc::UnboundedSender, oneshot};

use crate::{
    keep_lease::release,
    lease::{input_fits, report},
    offer::{NoModel, Offered, Want},
    retry::Backoff,
    run::Task,
    work_loop::Workshop,
};

/// How often a model that cannot be had now is asked for before the job is given back.
const TRIES: u32 = 4;

/// Brings the model in the background and runs the job on it. Another worker gets the job if this one cannot.
pub(crate) fn await_model(
    shop: &Arc<Workshop>,
    wants: &UnboundedSender<Want>,
    model: ModelId,
    task: Task,
) {
    let (own, wants) = (Arc::clone(shop), wants.clone());
    shop.in_background(async move {
        let brought = bring(&wants, model).await;
        settle(&own, brought, task).await;
    });
}

async fn bring(wants: &UnboundedSender<Want>, model: ModelId) -> Result<Arc<Offered>, NoModel> {
    let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(4));
    let mut last = NoModel::ForNow("this worker is ending".to_owned());
    for _ in 0..TRIES {
        let (answer, brought) = oneshot::channel();
        // Whoever would answer is gone only when the worker ends.
        let (Ok(()), Ok(found)) = (wants.send(Want { model, answer }), brought.await) else {
            return Err(last);
        };
        match found {
            Err(NoModel::ForNow(why)) => last = NoModel::ForNow(why),
            found => return found,
        }
        tokio::time::sleep(backoff.next(None)).await;
    }
    Err(last)
}

async fn settle(shop: &Arc<Workshop>, brought: Result<Arc<Offered>, NoModel>, task: Task) {
    let fence: LeaseRef = task.fence;
    match brought {
        Ok(offered) => match input_fits(task.input.len(), &offered) {
            Ok(()) => offered.run(task),
            Err(detail) => report(shop, fence, &detail, false),
        },
        Err(NoModel::ForGood(why)) => {
            report(shop, fence, &format!("this worker cannot run the model: {why}"), true);
        }
        // Not the job's fault: it must not count as a failed run.
        Err(NoModel::ForNow(why)) => {
            tracing::warn!(job = %fence.job, why, "the model cannot be had now; the job is given back");
            shop.held.release([fence]);
            release(Arc::clone(shop), vec![fence]).await;
        }
    }
}
