//! A worker that signed two outputs for one job: what the chain does to it, and what our books make of that.

use std::time::Duration;

use ciro_api::{
    Address, Felt, Fri, JobId, ModelId, SettlementStatus,
    felt::Commitment,
    hash::{
        attestation::Attestation,
        batch::{AttestationBatch, BatchTree},
        sign,
        snip12::TypedStruct,
    },
};
use ciro_contracts::Evidence;
use ciro_paymaster::{
    ledger::{self, EarnError, Earned},
    settle::Step,
    sponsors, statements, workers,
};
use deadpool_postgres::Transaction;

use crate::{
    harness::connect,
    ledger::{hold_one, job},
    world::{DEPOSIT, STAKE, TREASURY, WORKER_KEY, World, fri},
};

/// What a requester holds: the worker's signature under this output, as the only result of its batch.
fn evidence(world: &World, job: JobId, output: u64, key: &Felt) -> Evidence {
    let (contract, worker) = (world.deployment.job_manager, world.worker.address());
    let attestation = Attestation {
        job: job.into(),
        epoch: 1,
        model: ModelId(Felt::ONE),
        input: Commitment(Felt::TWO),
        output: Commitment(output.into()),
        contract,
        worker,
    };
    let root = BatchTree::build(&[attestation.struct_hash()]).unwrap().root();
    let batch = AttestationBatch { root, count: 1, contract, worker };
    let signature = sign::sign(key, &batch.message_hash(world.chain_id(), worker)).unwrap();
    let public_key = sign::public_key(&WORKER_KEY);
    Evidence { attestation, index: 0, count: 1, path: Vec::new(), public_key, signature }
}

#[tokio::test]
async fn a_slashed_worker_is_paid_nothing_more_and_its_sponsor_has_everything_back() {
    let mut world = World::start(DEPOSIT).await;
    let worker = world.worker.address();
    world.state(3).await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    world.watch().await;
    let stated = world.earn(2).await;
    statements::close(&mut world.client, Duration::ZERO).await.unwrap();
    world.sign().await;
    world.countersign().await;
    let unstated = world.earn(1).await;
    assert_eq!(world.pool().stake_of(&world.chain, worker).await.unwrap(), STAKE);

    slash_on_chain(&world).await;
    world.watch().await;
    assert_eq!(world.pool().stake_of(&world.chain, worker).await.unwrap(), Fri::ZERO);
    let treasury = world.token().balance_of(&world.chain, TREASURY).await.unwrap();
    assert_eq!(treasury, Fri(STAKE.0 / 2));
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!((sponsor.held, sponsor.spent), (Fri::ZERO, fri(3)));
    for job in [stated[0], unstated[0]] {
        let settlement = ledger::settlement_of(&**world.client, job).await.unwrap().unwrap();
        assert_eq!(settlement.status, SettlementStatus::Voided);
    }
    assert_eq!(world.statuses().await, ["settled", "voided"]);
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Idle);
    let closed = statements::close(&mut world.client, Duration::ZERO).await.unwrap();
    assert!(closed.is_empty(), "a statement for a slashed worker");
    assert!(workers::registered_worker(&world.client, worker).await.unwrap().is_none());

    let wallet = world.token().balance_of(&world.chain, world.sponsor.address()).await.unwrap();
    let back = world.pool().return_pay(worker, &[world.sponsor.address()]);
    world.operator.execute(vec![back]).await.unwrap();
    world.watch().await;
    let wallet_after =
        world.token().balance_of(&world.chain, world.sponsor.address()).await.unwrap();
    assert_eq!(wallet_after.checked_sub(wallet).unwrap(), fri(3), "the sponsor has its money back");
    let left = DEPOSIT.checked_sub(fri(3)).unwrap();
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!((sponsor.deposit, world.deposit().await), (left, left));
    let held = world.token().balance_of(&world.chain, world.deployment.pool).await.unwrap();
    assert_eq!(held, left, "the pool holds what it owes");
}

/// The worker signed two outputs, and the chain knows. Our watcher has not looked yet.
pub(crate) async fn slash_on_chain(world: &World) {
    let job = job();
    let (one, other) = (evidence(world, job, 1, &WORKER_KEY), evidence(world, job, 2, &WORKER_KEY));
    let call = world.job_manager().slash_equivocation(&one, &other);
    world.sponsor.execute(vec![call]).await.unwrap();
}

async fn held(world: &World) -> Fri {
    sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap().held
}

/// Runs the watcher while `blocker` has an open transaction, until the watcher waits for it; then commits it.
async fn watch_against(world: &mut World, blocker: Transaction<'_>) {
    let looker = connect(&world.database).await;
    let waiting = "select exists (
        select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
    )";
    let commit = async {
        while !looker.query_one(waiting, &[]).await.unwrap().get::<_, bool>(0) {
            tokio::task::yield_now().await;
        }
        blocker.commit().await.unwrap();
    };
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::join!(world.watch(), commit);
    });
    patience.await.expect("the watcher waits for the open transaction");
}

#[tokio::test]
async fn a_result_that_is_stored_while_its_worker_is_slashed_holds_no_money_for_good() {
    let mut world = World::start(DEPOSIT).await;
    slash_on_chain(&world).await;
    let mut gateway = connect(&world.database).await;
    let job = job();
    let tx = gateway.transaction().await.unwrap();
    hold_one(&tx, job, world.sponsor_id, fri(1)).await.unwrap();
    tx.commit().await.unwrap();
    let tx = gateway.transaction().await.unwrap();
    ledger::earn(&tx, &[world.earned(job)]).await.unwrap();
    watch_against(&mut world, tx).await;
    assert_eq!(held(&world).await, Fri::ZERO);
    let settlement = ledger::settlement_of(&**world.client, job).await.unwrap().unwrap();
    assert_eq!(settlement.status, SettlementStatus::Voided);
}

#[tokio::test]
async fn a_statement_that_is_closed_while_its_worker_is_slashed_is_voided_too() {
    let mut world = World::start(DEPOSIT).await;
    world.earn(2).await;
    slash_on_chain(&world).await;
    let mut closer = connect(&world.database).await;
    let tx = closer.transaction().await.unwrap();
    statements::close_in(&tx, Duration::ZERO).await.unwrap();
    watch_against(&mut world, tx).await;
    assert_eq!(world.statuses().await, ["voided"]);
    assert_eq!(held(&world).await, Fri::ZERO);
}

#[tokio::test]
async fn nothing_is_earned_by_a_slashed_worker_and_the_job_may_still_be_another_workers() {
    let mut world = World::start(DEPOSIT).await;
    slash_on_chain(&world).await;
    world.watch().await;
    let job = job();
    let tx = world.client.transaction().await.unwrap();
    hold_one(&tx, job, world.sponsor_id, fri(1)).await.unwrap();
    tx.commit().await.unwrap();
    let earned = world.earned(job);
    let tx = world.client.transaction().await.unwrap();
    let refused = ledger::earn(&tx, &[earned]).await;
    assert!(
        matches!(refused, Err(EarnError::WorkerSlashed(w)) if w == earned.worker),
        "{refused:?}"
    );
    ledger::earn(&tx, &[Earned { worker: Address(Felt::THREE), ..earned }]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_batch_on_its_way_when_its_worker_is_slashed_blocks_no_later_settlement() {
    let mut world = World::start(DEPOSIT).await;
    world.state(2).await;
    world.settler.record(&mut world.client).await.unwrap().unwrap();
    assert_eq!(world.statuses().await, ["sent"]);
    slash_on_chain(&world).await;
    world.watch().await;
    assert_eq!(world.statuses().await, ["voided"]);
    assert_eq!(held(&world).await, Fri::ZERO);
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Idle);
    let open = "select count(*) from settlement_batch where state = 'open'";
    assert_eq!(world.client.query_one(open, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_forged_signature_slashes_nobody_and_its_sender_learns_why() {
    let world = World::start(DEPOSIT).await;
    let job = job();
    let one = evidence(&world, job, 1, &WORKER_KEY);
    let forged = evidence(&world, job, 2, &Felt::from(0x78));
    let call = world.job_manager().slash_equivocation(&one, &forged);
    let error = world.sponsor.execute(vec![call]).await.unwrap_err();
    let mut reasons = Vec::new();
    let mut source: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = source {
        reasons.push(format!("{error:?}"));
        source = error.source();
    }
    assert!(reasons.join(" ").contains("bad signature"), "{reasons:?}");
    let stake = world.pool().stake_of(&world.chain, world.worker.address()).await.unwrap();
    assert_eq!(stake, STAKE);
}
