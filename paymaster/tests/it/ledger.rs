//! Holds, voids and receipts, with the chain's word set by hand.

use ciro_api::{Address, Felt, Fri, JobId, SponsorId, felt::Digest};
use ciro_paymaster::{
    ledger::{self, EarnError, Earned, HoldError, VoidError, WantedHold},
    sponsors::{self, NewSponsor, Sponsor},
};
use deadpool_postgres::{Client, Transaction};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::harness::{connect, fresh_database};

pub(crate) const SPONSOR: Address = Address(Felt::from_hex_unchecked("0x50"));
pub(crate) const WORKER: Address = Address(Felt::from_hex_unchecked("0x30"));

pub(crate) fn job() -> JobId {
    JobId(Uuid::now_v7())
}

/// A sponsor that pays 100 for a job and 1,000,000 in all, with this on chain.
pub(crate) async fn sponsor(
    client: &Client,
    deposit: u128,
    announced: u128,
    allowance: u128,
) -> SponsorId {
    let id = SponsorId(Uuid::now_v7());
    let sponsor = NewSponsor {
        id,
        name: "a fleet".to_owned(),
        address: SPONSOR,
        price_ceiling: Fri(100),
        spend_limit: Fri(1_000_000),
    };
    sponsors::create(&***client, &sponsor).await.unwrap();
    let sql = format!(
        "insert into chain_sponsor values ('{SPONSOR}', {deposit}, {announced}, {allowance})"
    );
    client.batch_execute(&sql).await.unwrap();
    id
}

/// Holds money for one job inside of a transaction.
pub(crate) async fn hold_one(
    tx: &Transaction<'_>,
    job: JobId,
    sponsor: SponsorId,
    amount: Fri,
) -> Result<(), HoldError> {
    ledger::hold(tx, &[WantedHold { job, sponsor, amount }]).await?.pop().unwrap()
}

pub(crate) async fn hold(
    client: &mut Client,
    job: JobId,
    sponsor: SponsorId,
    amount: u128,
) -> Result<(), HoldError> {
    let tx = client.transaction().await.unwrap();
    let held = hold_one(&tx, job, sponsor, Fri(amount)).await;
    tx.commit().await.unwrap();
    held
}

pub(crate) async fn void(client: &mut Client, job: JobId) -> Result<(), VoidError> {
    let tx = client.transaction().await.unwrap();
    let voided = ledger::void(&tx, job).await;
    tx.commit().await.unwrap();
    voided
}

pub(crate) fn earned(job: JobId, sponsor: SponsorId, amount: u128) -> Earned {
    let attestation = Digest(job.to_felt());
    Earned { job, sponsor, worker: WORKER, attestation, amount: Fri(amount) }
}

pub(crate) async fn earn(client: &mut Client, earned: &Earned) -> Result<(), EarnError> {
    let tx = client.transaction().await.unwrap();
    let written = ledger::earn(&tx, &[*earned]).await;
    tx.commit().await.unwrap();
    written
}

pub(crate) async fn look(client: &Client, sponsor: SponsorId) -> Sponsor {
    sponsors::get(&***client, sponsor).await.unwrap().unwrap()
}

#[tokio::test]
async fn sixty_four_concurrent_holds_against_a_budget_for_ten_place_exactly_ten() {
    let database = fresh_database().await;
    let mut client = connect(&database).await;
    let id = sponsor(&client, 109, 0, 500).await;
    let mut holds = JoinSet::new();
    for _ in 0..64 {
        let mut client = connect(&database).await;
        holds.spawn(async move { hold(&mut client, job(), id, 10).await });
    }
    let (placed, refused): (Vec<_>, Vec<_>) =
        holds.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((placed.len(), refused.len()), (10, 54));
    for refusal in refused {
        assert!(matches!(refusal, Err(HoldError::OutOfBudget { .. })), "{refusal:?}");
    }
    let after = look(&client, id).await;
    assert_eq!((after.held, after.free), (Fri(100), Fri(9)));
    assert!(hold(&mut client, job(), id, 9).await.is_ok());
}

#[tokio::test]
async fn a_voided_hold_is_free_again_and_only_once() {
    let mut client = connect(&fresh_database().await).await;
    let id = sponsor(&client, 10, 0, 10).await;
    let first = job();
    hold(&mut client, first, id, 10).await.unwrap();
    assert!(hold(&mut client, job(), id, 10).await.is_err());
    void(&mut client, first).await.unwrap();
    let twice = void(&mut client, first).await;
    assert!(matches!(twice, Err(VoidError::NotPending(job)) if job == first), "{twice:?}");
    assert_eq!(look(&client, id).await.held, Fri(0));
    hold(&mut client, job(), id, 10).await.unwrap();
}

#[tokio::test]
async fn a_hold_never_exceeds_the_deposit_minus_what_was_announced_to_leave() {
    let mut client = connect(&fresh_database().await).await;
    let id = sponsor(&client, 50, 20, 1_000).await;
    let refused = hold(&mut client, job(), id, 31).await;
    let Err(HoldError::OutOfBudget { needed, free }) = refused else { panic!("{refused:?}") };
    assert_eq!((needed, free), (Fri(31), Fri(30)));
    hold(&mut client, job(), id, 30).await.unwrap();
    let everything = format!("update chain_sponsor set announced_fri = {}", u128::MAX);
    client.batch_execute(&everything).await.unwrap();
    assert!(hold(&mut client, job(), id, 1).await.is_err());
    assert_eq!(look(&client, id).await.free, Fri(0));
}

#[tokio::test]
async fn a_hold_exceeds_neither_allowance_nor_lifetime_limit_nor_ceiling() {
    let mut client = connect(&fresh_database().await).await;
    let id = sponsor(&client, 10_000, 0, 7).await;
    assert!(matches!(hold(&mut client, job(), id, 8).await, Err(HoldError::OutOfBudget { .. })));
    let over = hold(&mut client, job(), id, 101).await;
    assert!(
        matches!(over, Err(HoldError::OverCeiling { price: Fri(101), ceiling: Fri(100) })),
        "{over:?}"
    );
    client
        .batch_execute("update chain_sponsor set allowance_per_epoch_fri = 10000; update sponsor set spend_limit_fri = 6")
        .await
        .unwrap();
    assert!(matches!(hold(&mut client, job(), id, 7).await, Err(HoldError::OutOfBudget { .. })));
    let nobody = SponsorId(Uuid::now_v7());
    let unknown = hold(&mut client, job(), nobody, 1).await;
    assert!(matches!(unknown, Err(HoldError::UnknownSponsor(id)) if id == nobody), "{unknown:?}");
}

#[tokio::test]
async fn what_was_spent_counts_against_the_allowance_of_its_own_epoch_only() {
    let mut client = connect(&fresh_database().await).await;
    let id = sponsor(&client, 10_000, 0, 50).await;
    let cursor = "insert into chain_cursor values (true, 'c', 'p', 'j', 'o', 0, null, 86400)";
    client.batch_execute(cursor).await.unwrap();
    let spend = |epochs_ago: i32| {
        format!(
            "update chain_sponsor set epoch_spent_fri = 45,
             spent_epoch = floor(extract(epoch from now()) / 86400) - ({epochs_ago})"
        )
    };
    client.batch_execute(&spend(0)).await.unwrap();
    assert_eq!(look(&client, id).await.allowance, Fri(5));
    assert!(matches!(hold(&mut client, job(), id, 6).await, Err(HoldError::OutOfBudget { .. })));
    client.batch_execute("update chain_sponsor set allowance_per_epoch_fri = 40").await.unwrap();
    assert_eq!(look(&client, id).await.allowance, Fri(0), "lowered below what was spent");
    client.batch_execute(&spend(-1)).await.unwrap();
    assert_eq!(look(&client, id).await.allowance, Fri(0), "the chain's clock is ahead of ours");
    client.batch_execute(&spend(1)).await.unwrap();
    assert_eq!(look(&client, id).await.allowance, Fri(40));
    hold(&mut client, job(), id, 40).await.unwrap();
}

#[tokio::test]
async fn a_job_is_earned_once_and_stays_held_and_is_never_voided_after() {
    let mut client = connect(&fresh_database().await).await;
    let id = sponsor(&client, 10, 0, 10).await;
    let done = job();
    hold(&mut client, done, id, 10).await.unwrap();
    let wrong_amount = earn(&mut client, &earned(done, id, 9)).await;
    assert!(matches!(wrong_amount, Err(EarnError::NotHeld { .. })), "{wrong_amount:?}");
    earn(&mut client, &earned(done, id, 10)).await.unwrap();
    let again = earn(&mut client, &earned(done, id, 10)).await;
    assert!(matches!(again, Err(EarnError::NotHeld { .. })), "{again:?}");
    assert!(matches!(void(&mut client, done).await, Err(VoidError::NotPending(_))));
    assert_eq!(look(&client, id).await.held, Fri(10));
    let settlement = ledger::settlement_of(&**client, done).await.unwrap().unwrap();
    assert_eq!(settlement.status.as_str(), "pending");
    assert!(ledger::settlement_of(&**client, job()).await.unwrap().is_none());
}

/// The trap: a settlement takes from the deposit and from the holds in one commit, and holds wait meanwhile.
#[tokio::test]
async fn holds_that_waited_for_a_settlement_see_both_sides_of_it() {
    let database = fresh_database().await;
    let mut settling = connect(&database).await;
    let watching = connect(&database).await;
    let id = sponsor(&settling, 100, 0, 100).await;
    hold(&mut settling, job(), id, 50).await.unwrap();
    let tx = settling.transaction().await.unwrap();
    tx.batch_execute(
        "update chain_sponsor set deposit_fri = 50, allowance_per_epoch_fri = 50;
         update sponsor set held_fri = 0, spent_fri = 50",
    )
    .await
    .unwrap();
    let mut holds = JoinSet::new();
    for _ in 0..2 {
        let mut client = connect(&database).await;
        holds.spawn(async move { hold(&mut client, job(), id, 50).await });
    }
    let blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' \
                   and datname = current_database()";
    while watching.query_one(blocked, &[]).await.unwrap().get::<_, i64>(0) < 2 {
        tokio::task::yield_now().await;
    }
    tx.commit().await.unwrap();
    let placed = holds.join_all().await.iter().filter(|held| held.is_ok()).count();
    assert_eq!(placed, 1, "there are 50 left, for one of the two");
    assert_eq!(look(&watching, id).await.held, Fri(50));
}
