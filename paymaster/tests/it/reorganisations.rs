//! A chain that takes blocks back: mirror, ledger and relayers follow it, and end where it does.

use ciro_api::Fri;
use ciro_contracts::{ModelTerms, Pool};
use ciro_paymaster::{settle::Step, sponsors, watch::WatchError};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::{
    desk_world::{DeskWorld, Program, RELAYERS, Settings, TO, TOKEN, USER, sponsored},
    harness::Devnet,
    node::{Fault, Node},
    relay::{behind, check_books},
    slashing::slash_on_chain,
    world::{DEPOSIT, PRICE, STAKE, World, fri},
};

/// All that the mirror holds, as text.
async fn mirror(world: &World) -> Vec<String> {
    let sql = "select t::text from (
        select 1 as n, c::text as t from chain_sponsor c
        union all select 2, w::text from chain_worker w
        union all select 3, m::text from chain_model m) t order by t";
    world.client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

fn a_model() -> ModelTerms {
    ModelTerms {
        id: ciro_api::ModelId(0x5a.into()),
        level: ciro_api::Level::Signed,
        adjudicator: None,
        scheme: ciro_api::Scheme::Sha256,
        input_bytes_max: 8_192,
        min_price: PRICE,
        min_stake: STAKE,
        manifest_uri: "https://models.example/model.json".to_owned(),
    }
}

async fn head(world: &World) -> u64 {
    world.chain.head().await.unwrap().number
}

async fn start() -> World {
    World::start_on(Devnet::start_that_takes_back(10), DEPOSIT).await
}

#[tokio::test]
async fn what_was_settled_in_blocks_that_are_gone_is_owed_again_and_settled_again_to_the_fri() {
    let mut world = start().await;
    world.state(3).await;
    let (kept, before) = (head(&world).await, mirror(&world).await);
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    world.operator.execute(vec![world.job_manager().register_model(&a_model())]).await.unwrap();
    let pool = world.pool();
    let more = vec![
        world.token().approve(pool.address, PRICE),
        pool.deposit(world.operator.address(), PRICE),
    ];
    world.sponsor.execute(more).await.unwrap();
    world.watch().await;
    assert_eq!(world.statuses().await, ["settled"]);
    assert_ne!(mirror(&world).await, before);

    world.devnet.take_back(kept + 1).await;
    world.watch().await;
    assert_eq!(mirror(&world).await, before, "as if those blocks had never been");
    assert_eq!(world.statuses().await, ["countersigned"]);
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!((sponsor.held, sponsor.spent), (fri(3), Fri::ZERO));
    world.check_books(Fri::ZERO).await;

    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    world.watch().await;
    assert_eq!(world.statuses().await, ["settled"]);
    world.check_books(fri(3)).await;
}

#[tokio::test]
async fn a_node_that_lags_behind_the_mirror_is_waited_for_and_changes_nothing() {
    let mut world = start().await;
    let kept = head(&world).await;
    world.state(1).await;
    world.settler.step(&mut world.client).await.unwrap();
    world.watch().await;
    let before = mirror(&world).await;
    // As far as it goes, the chain is the one that we know.
    let first = json!({ "starting_block_id": { "block_number": kept + 1 } });
    world.devnet.ask("devnet_abortBlocks", first).await;
    let error = world.watcher.step(&mut world.client).await.unwrap_err();
    assert!(matches!(error, WatchError::Behind { head } if head == kept), "{error}");
    assert!(!error.is_fatal());
    assert_eq!(mirror(&world).await, before);
    assert_eq!(world.statuses().await, ["settled"]);
}

#[tokio::test]
async fn a_worker_that_was_slashed_in_a_block_that_is_gone_stays_out() {
    let mut world = start().await;
    world.state(1).await;
    let kept = head(&world).await;
    slash_on_chain(&world).await;
    world.watch().await;
    assert_eq!(world.statuses().await, ["voided"]);
    world.devnet.take_back(kept + 1).await;
    world.watch().await;
    let sql = "select slashed, public_key is null, stake_fri::text from chain_worker";
    let row = world.client.query_one(sql, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0) && row.get::<_, bool>(1));
    assert_eq!(row.get::<_, String>(2), STAKE.to_string(), "the chain has its stake again");
    assert_eq!(world.statuses().await, ["voided"]);
    // The evidence is as good as before.
    slash_on_chain(&world).await;
    world.watch().await;
    let row = world.client.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(2), "0");
}

#[tokio::test]
async fn what_was_relayed_in_a_block_that_is_gone_is_on_its_way_again_and_happens_once() {
    let world = DeskWorld::start_on(Devnet::start_that_takes_back(12)).await;
    let program = world.program(&Settings::default()).await;
    let call = TOKEN.transfer(TO, Fri(5));
    let first = program.carry(&world, USER, std::slice::from_ref(&call), &sponsored()).await;
    program.settled(&world).await;
    check_books(&world, 1).await;
    let sql = "select block from relay_transaction";
    let block: i64 = world.client.query_one(sql, &[]).await.unwrap().get(0);
    world.devnet.take_back(u64::try_from(block).unwrap()).await;
    assert_eq!(world.balance(TO).await, Fri::ZERO, "it has not happened");
    world
        .until("it is relayed again", || async {
            let again =
                "select count(*) from relay_transaction where state = 'succeeded' and block > $1";
            let row = world.client.query_one(again, &[&block]).await.unwrap();
            row.get::<_, i64>(0) == 1
        })
        .await;
    check_books(&world, 1).await;
    let tracking = json!({ "tracking_id": first["tracking_id"] });
    let tracked = program.result("paymaster_trackingIdToLatestHash", tracking).await;
    assert_eq!(
        tracked,
        json!({ "transaction_hash": first["transaction_hash"], "status": "accepted" })
    );
    // What it did cost was captured once, and is settled on the chain as it is now.
    let owed = "select cost_fri::text from operation";
    let owed: Fri =
        world.client.query_one(owed, &[]).await.unwrap().get::<_, String>(0).parse().unwrap();
    let pool = Pool { address: world.deployment.pool };
    let (sponsor, operator) = (world.sponsor_address(), world.operator_address());
    world
        .until("it is settled", || async {
            let left = pool.deposit_of(&world.chain, sponsor, operator).await.unwrap();
            left == crate::desk_world::DEPOSIT.checked_sub(owed).unwrap()
        })
        .await;
}

/// A relayed transfer of `amount` whose block is gone, while the node loses whatever relayers send; what its client was told.
async fn taken_back(world: &DeskWorld, node: &Node, program: &Program, amount: Fri) -> Value {
    let call = TOKEN.transfer(TO, amount);
    let told = program.carry(world, USER, &[call], &sponsored()).await;
    program.settled(world).await;
    node.fail(Fault::Lost);
    let sql = "select block from relay_transaction";
    let block: i64 = world.client.query_one(sql, &[]).await.unwrap().get(0);
    world.devnet.take_back(u64::try_from(block).unwrap()).await;
    world.until("it is open again", || async { transactions(world, "open").await == 1 }).await;
    told
}

async fn transactions(world: &DeskWorld, state: &str) -> i64 {
    let sql = "select count(*) from relay_transaction where state = $1";
    world.client.query_one(sql, &[&state]).await.unwrap().get(0)
}

async fn cost(world: &DeskWorld) -> (String, String) {
    let sql = "select cost_fri::text, (select fee_fri::text from reservation) from operation";
    let row = world.client.query_one(sql, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn what_fails_where_it_had_succeeded_before_its_block_was_gone_is_told_to_have_failed() {
    let world = DeskWorld::start_on(Devnet::start_that_takes_back(12)).await;
    let (node, settings) = behind(&world).await;
    let program = world.program(&settings).await;
    let most = Fri(world.balance(world.address(USER)).await.0 / 3 * 2);
    let told = taken_back(&world, &node, &program, most).await;
    let paid = cost(&world).await;
    let tracking = json!({ "tracking_id": told["tracking_id"] });
    let tracked = program.result("paymaster_trackingIdToLatestHash", tracking.clone()).await;
    assert_eq!(tracked["status"], "active");
    // There is less to send now.
    let away = TOKEN.transfer(world.address(USER + 1), most);
    world.accounts[USER].execute(vec![away]).await.unwrap();
    node.fail(Fault::None);
    world
        .until("it is in a block", || async { transactions(&world, "succeeded").await == 1 })
        .await;
    assert_eq!(world.operations("failed").await, 1, "{}", program.log());
    assert_eq!(world.balance(TO).await, Fri::ZERO);
    assert_eq!(cost(&world).await, paid, "captured once");
    let tracked = program.result("paymaster_trackingIdToLatestHash", tracking).await;
    assert_eq!(
        tracked,
        json!({ "transaction_hash": told["transaction_hash"], "status": "accepted" })
    );
}

#[tokio::test]
async fn what_had_happened_under_a_nonce_that_something_else_has_now_is_told_to_have_failed_also_after_a_crash()
 {
    let world = DeskWorld::start_on(Devnet::start_that_takes_back(12)).await;
    let (node, settings) = behind(&world).await;
    let program = world.program(&settings).await;
    taken_back(&world, &node, &program, Fri(5)).await;
    assert!(!program.end(Signal::SIGKILL).success());
    let elsewhere = &world.accounts[RELAYERS[0]];
    elsewhere.execute(vec![TOKEN.transfer(TO, Fri(7))]).await.unwrap();
    node.fail(Fault::None);
    let program = world.program(&settings).await;
    world.until("it is given up", || async { transactions(&world, "lost").await == 1 }).await;
    assert_eq!(world.operations("failed").await, 1, "{}", program.log());
    assert_eq!(world.balance(TO).await, Fri(7));
    let reason = "select reason from operation";
    let reason: String = world.client.query_one(reason, &[]).await.unwrap().get(0);
    assert!(reason.contains("taken its block back"), "{reason}");
}
