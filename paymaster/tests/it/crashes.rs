//! Crashes between any two steps, and books that do not agree.

use ciro_api::Fri;
use ciro_paymaster::{
    settle::{Settler, Step},
    sponsors,
    watch::WatchError,
};

use crate::{
    harness::connect,
    world::{DEPOSIT, World, fri},
};

#[tokio::test]
async fn a_crash_after_the_intent_was_recorded_sends_it_later_and_pays_once() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    let batch = world.settler.record(&mut world.client).await.unwrap().unwrap();
    assert_eq!(world.statuses().await, ["sent"]);
    assert_eq!(world.paid().await, Fri::ZERO);
    // The process is gone; another one comes, on another connection.
    world.client = connect(&world.database).await;
    world.settler = Settler::new(world.operator.clone(), world.deployment.job_manager);
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    world.watch().await;
    world.check_books(fri(3)).await;
    let hash: String =
        world.client.query_one("select tx_hash from statement", &[]).await.unwrap().get(0);
    assert_eq!(hash, batch.transaction.hash.to_string(), "the recorded transaction settled it");
}

#[tokio::test]
async fn a_crash_after_the_send_pays_once_however_often_it_is_sent_again() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    let batch = world.settler.record(&mut world.client).await.unwrap().unwrap();
    world.operator.broadcast(&batch.transaction).await.unwrap();
    world.client = connect(&world.database).await;
    let settler = Settler::new(world.operator.clone(), world.deployment.job_manager);
    for _ in 0..3 {
        assert_eq!(settler.step(&mut world.client).await.unwrap(), Step::Waiting);
        let again = settler.broadcast(&mut world.client, &batch).await.unwrap();
        assert_eq!(again, Step::Waiting, "the chain takes no second copy");
    }
    world.watch().await;
    world.check_books(fri(3)).await;
    assert_eq!(settler.step(&mut world.client).await.unwrap(), Step::Idle);
}

#[tokio::test]
async fn a_batch_whose_nonce_another_transaction_took_is_given_up_and_settled_by_the_next() {
    let mut world = World::start(DEPOSIT).await;
    world.state(2).await;
    world.settler.record(&mut world.client).await.unwrap().unwrap();
    let allowance = world.pool().set_allowance(world.operator.address(), Fri(1));
    world.operator.execute(vec![allowance]).await.unwrap();
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Failed);
    assert_eq!(world.statuses().await, ["countersigned"]);
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Idle, "it waits");
    world.client.batch_execute("update statement set retry_at = now()").await.unwrap();
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    world.watch().await;
    world.check_books(fri(2)).await;
}

#[tokio::test]
async fn two_watchers_at_once_count_nothing_twice() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    world.settler.step(&mut world.client).await.unwrap();
    let mut other = connect(&world.database).await;
    let (first, second) =
        tokio::join!(world.watcher.step(&mut world.client), world.watcher.step(&mut other));
    first.unwrap();
    second.unwrap();
    world.watch().await;
    world.check_books(fri(3)).await;
}

#[tokio::test]
async fn a_chain_that_has_nothing_in_common_with_the_mirror_stops_the_watcher() {
    let mut world = World::start(DEPOSIT).await;
    let other = "update chain_cursor set last_block_hash = '0xbad'; update chain_checkpoint set hash = '0xbad'";
    world.client.batch_execute(other).await.unwrap();
    let error = world.watcher.step(&mut world.client).await.unwrap_err();
    assert!(matches!(error, WatchError::Diverged { .. }), "{error}");
    assert!(error.is_fatal());
}

#[tokio::test]
async fn a_settlement_that_differs_from_our_books_is_a_loud_error_and_changes_nothing() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    world.settler.step(&mut world.client).await.unwrap();
    world.client.batch_execute("update statement set count = 2").await.unwrap();
    let error = world.watcher.step(&mut world.client).await.unwrap_err();
    assert!(matches!(error, WatchError::Mismatch { .. }) && error.is_fatal(), "{error}");
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!((sponsor.spent, sponsor.deposit), (Fri::ZERO, DEPOSIT));
}
