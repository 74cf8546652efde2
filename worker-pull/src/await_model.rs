//! A lease of a model that is not loaded yet: it is kept while the model is brought, then run or failed.

use std::sync::Arc;

use ciro_api::rest::leases::LeaseRef;
use tokio::sync::{mpsc::UnboundedSender, oneshot};

use crate::{
    lease::{input_fits, report},
    offer::{Offered, Want},
    run::Task,
    work_loop::Workshop,
};

/// Brings the model in the background and runs the job on it. Another worker gets the job if this one cannot.
pub(crate) fn await_model(
    shop: &Arc<Workshop>,
    wants: &UnboundedSender<Want>,
    lease: (LeaseRef, ciro_api::ModelId),
    task: Task,
) {
    let (fence, model) = lease;
    let (answer, brought) = oneshot::channel();
    if wants.send(Want { model, answer }).is_err() {
        // The worker is ending; the lease is given back or runs out.
        return;
    }
    let own = Arc::clone(shop);
    shop.in_background(async move {
        let offered = brought.await.unwrap_or_else(|_| Err("this worker is ending".to_owned()));
        settle(&own, fence, offered, task);
    });
}

fn settle(
    shop: &Arc<Workshop>,
    fence: LeaseRef,
    offered: Result<Arc<Offered>, String>,
    task: Task,
) {
    match offered {
        Ok(offered) => match input_fits(task.input.len(), &offered) {
            Ok(()) => offered.run(task),
            Err(detail) => report(shop, fence, &detail, false),
        },
        Err(why) => report(shop, fence, &format!("this worker cannot run the model: {why}"), true),
    }
}
