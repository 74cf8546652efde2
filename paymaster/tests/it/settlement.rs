//! Statements to money, on a real chain, and everything that may go wrong between.

use ciro_api::{Fri, Level, ModelId, Scheme, SettlementStatus, StatementStatus, hash::sign};
use ciro_contracts::{ModelTerms, deploy};
use ciro_paymaster::{
    ledger,
    settle::{Batch, Step},
    sponsors, statements, workers,
};
use starknet_rust::core::types::Call;

use crate::world::{DEPOSIT, NOTICE_S, PRICE, STAKE, WINDOW_S, World, fri, parameters};

#[tokio::test]
async fn the_money_on_chain_adds_up_to_the_fri_from_deposit_to_claim() {
    let mut world = World::start(DEPOSIT).await;
    let worker = world.worker.address();
    let registered = workers::registered_worker(&world.client, worker).await.unwrap().unwrap();
    assert_eq!(registered.stake, STAKE);
    assert_eq!(registered.public_key, sign::public_key(&0x77.into()));
    let jobs = world.earn(7).await;
    let closed = statements::close(&mut world.client, std::time::Duration::ZERO).await.unwrap();
    world.sign().await;
    world.countersign().await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!((sponsor.held, sponsor.spent), (fri(7), Fri::ZERO), "only an event posts");
    world.watch().await;
    world.check_books(fri(7)).await;
    let settlement = ledger::settlement_of(&**world.client, jobs[0]).await.unwrap().unwrap();
    assert_eq!(settlement.status, SettlementStatus::Settled);
    assert_eq!((settlement.amount_fri, settlement.statement), (PRICE, Some(closed[0])));
    let document = statements::get(&**world.client, closed[0]).await.unwrap().unwrap();
    assert_eq!(document.status, StatementStatus::Settled);
    assert_eq!(document.tx_hash, settlement.tx_hash);
    assert!(document.tx_hash.is_some());
    let before = world.token().balance_of(&world.chain, worker).await.unwrap();
    world.devnet.pass_time(2 * WINDOW_S + 1).await;
    world
        .operator
        .execute(vec![world.pool().claim(worker, &[world.sponsor.address()])])
        .await
        .unwrap();
    let after = world.token().balance_of(&world.chain, worker).await.unwrap();
    assert_eq!(after.checked_sub(before), Some(fri(7)));
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Idle);
    world.watch().await;
}

#[tokio::test]
async fn deploying_again_finds_the_same_contracts_and_models_are_mirrored() {
    let mut world = World::start(DEPOSIT).await;
    let parameters = parameters(&world.operator);
    let again = deploy(&world.operator, &parameters).await.unwrap();
    assert_eq!(again, world.deployment);
    assert!(again.deployed_at_block > 0);
    let model = ModelTerms {
        id: ModelId(0x5a.into()),
        level: Level::ReExecutable,
        adjudicator: Some(world.deployment.sha256_adjudicator),
        scheme: Scheme::Poseidon,
        input_bytes_max: 8_192,
        min_price: PRICE,
        min_stake: STAKE,
        manifest_uri: "https://models.example/a/path/longer/than/one/word.json".to_owned(),
    };
    world.operator.execute(vec![world.job_manager().register_model(&model)]).await.unwrap();
    assert!(world.job_manager().has_model(&world.chain, model.id).await.unwrap());
    world.watch().await;
    let row = world.client.query_one("select model_id, level from chain_model", &[]).await.unwrap();
    assert_eq!((row.get::<_, String>(0), row.get::<_, i16>(1)), (model.id.to_string(), 1));
}

#[tokio::test]
async fn a_statement_over_the_allowance_is_refused_and_settles_once_the_allowance_is_raised() {
    let mut world = World::start(DEPOSIT).await;
    world.state(4).await;
    world.state(1).await;
    // The mirror does not know yet, so both are sent. The chain refuses the first for lack of allowance and the
    // second for being out of its turn.
    let operator = world.operator.address();
    let lower = world.pool().set_allowance(operator, fri(2));
    world.sponsor.execute(vec![lower]).await.unwrap();
    world.devnet.pass_time(NOTICE_S).await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(2));
    world.watch().await;
    assert_eq!(world.statuses().await, ["countersigned", "countersigned"]);
    let rows = world.client.query("select refusal from statement order by seq", &[]).await.unwrap();
    let refusals: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(refusals, ["insufficient_allowance", "wrong_seq"]);
    // The database's clock follows the chain's.
    world.client.batch_execute("update chain_sponsor set allowance_counts_from = 0").await.unwrap();
    world.client.batch_execute("update statement set retry_at = now()").await.unwrap();
    let step = world.settler.step(&mut world.client).await.unwrap();
    assert_eq!(step, Step::Idle, "nothing is sent while the mirror shows too little");
    world.check_books(Fri::ZERO).await;
    let raise = world.pool().set_allowance(operator, fri(5));
    world.sponsor.execute(vec![raise]).await.unwrap();
    world.watch().await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(2));
    world.watch().await;
    assert_eq!(world.statuses().await, ["settled", "settled"]);
    world.check_books(fri(5)).await;
}

#[tokio::test]
async fn what_was_owed_when_a_sponsor_revoked_its_allowance_and_left_is_settled_during_the_notice()
{
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    let operator = world.operator.address();
    let leave = vec![
        world.pool().set_allowance(operator, Fri::ZERO),
        world.pool().announce_withdrawal(operator, Fri(u128::MAX)),
    ];
    world.sponsor.execute(leave).await.unwrap();
    world.watch().await;
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!((sponsor.allowance, sponsor.free), (Fri::ZERO, Fri::ZERO), "no new jobs");
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    world.watch().await;
    assert_eq!(world.statuses().await, ["settled"]);
    world.devnet.pass_time(NOTICE_S).await;
    world.sponsor.execute(vec![world.pool().withdraw(operator)]).await.unwrap();
    world.watch().await;
    assert_eq!((world.paid().await, world.deposit().await), (fri(3), Fri::ZERO));
}

#[tokio::test]
async fn what_a_sponsor_does_with_another_operator_changes_nothing_in_our_books() {
    let mut world = World::start(DEPOSIT).await;
    let (pool, other) = (world.pool(), world.worker.address());
    let before = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    let calls = vec![
        world.token().approve(pool.address, fri(7)),
        pool.deposit(other, fri(7)),
        pool.set_allowance(other, fri(5)),
        pool.announce_withdrawal(other, fri(7)),
    ];
    world.sponsor.execute(calls).await.unwrap();
    world.devnet.pass_time(NOTICE_S).await;
    world.sponsor.execute(vec![pool.withdraw(other)]).await.unwrap();
    world.watch().await;
    let after = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!(
        (before.deposit, before.announced, before.allowance, before.free),
        (after.deposit, after.announced, after.allowance, after.free)
    );
    world.check_books(Fri::ZERO).await;
}

#[tokio::test]
async fn a_statement_of_ours_that_another_operator_sends_moves_nothing_and_ours_settles() {
    let mut world = World::start(DEPOSIT).await;
    world.state(2).await;
    let batch = world.settler.record(&mut world.client).await.unwrap().unwrap();
    // The sponsor has read our transaction and sends the same statement through an operator of its own.
    let (pool, other) = (world.pool(), world.worker.address());
    let calls = vec![
        world.token().approve(pool.address, fri(2)),
        pool.deposit(other, fri(2)),
        pool.set_allowance(other, fri(2)),
    ];
    world.sponsor.execute(calls).await.unwrap();
    world.worker.execute(vec![recorded_call(&batch)]).await.unwrap();
    assert_eq!(world.paid().await, Fri::ZERO, "the worker signed for our operator");
    world.settler.broadcast(&mut world.client, &batch).await.unwrap();
    world.watch().await;
    assert_eq!(world.statuses().await, ["settled"]);
    world.check_books(fri(2)).await;
}

/// The one call of a recorded transaction: after the number of calls come its address, its selector and its length.
fn recorded_call(batch: &Batch) -> Call {
    let calldata = &batch.transaction.body.broadcasted_invoke_txn_v3.calldata;
    Call { to: calldata[1], selector: calldata[2], calldata: calldata[4..].to_vec() }
}

async fn rotate(world: &World, key: u64) {
    let register = world.job_manager().register_worker(sign::public_key(&key.into()));
    world.worker.execute(vec![register]).await.unwrap();
}

#[tokio::test]
async fn a_rotated_key_has_the_statement_countersigned_again() {
    let mut world = World::start(DEPOSIT).await;
    world.state(1).await;
    rotate(&world, 0x78).await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    world.watch().await;
    assert_eq!(world.statuses().await, ["closed"], "the worker is asked again");
    rotate(&world, 0x77).await;
    world.watch().await;
    world.countersign().await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    world.watch().await;
    world.check_books(fri(1)).await;
}

#[tokio::test]
async fn a_withdrawal_is_mirrored_from_its_announcement_to_its_end() {
    let mut world = World::start(DEPOSIT).await;
    let operator = world.operator.address();
    let announce = world.pool().announce_withdrawal(operator, Fri(u128::MAX));
    world.sponsor.execute(vec![announce]).await.unwrap();
    world.watch().await;
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!((sponsor.deposit, sponsor.free), (DEPOSIT, Fri::ZERO));
    world.devnet.pass_time(2 * WINDOW_S + 1).await;
    world.sponsor.execute(vec![world.pool().withdraw(operator)]).await.unwrap();
    world.watch().await;
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!((sponsor.deposit, sponsor.announced), (Fri::ZERO, Fri::ZERO));
}
