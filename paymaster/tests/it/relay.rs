//! Relayers beside nodes that fail and processes that die: no operation is lost, and none is sent twice.

use std::time::Duration;

use ciro_api::{
    Address, Felt, Fri, OperationId,
    hash::{
        outside_execution::{OutsideCall, OutsideExecution},
        sign,
    },
};
use ciro_contracts::{Call, Forwarder, Operation, OutsideVersion};
use ciro_paymaster::relay::{self, Carried, Queued, tracking_id};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    desk_world::{DeskWorld, Program, RELAYERS, Settings, TO, TOKEN, USER, sponsored},
    harness::{Devnet, connect},
    node::{Fault, Node},
};

pub(crate) async fn behind(world: &DeskWorld) -> (Node, Settings) {
    let node = Node::start(&world.devnet.url, &world.database).await;
    let env =
        vec![("CIRO_RESEND_AFTER_MS", "300".to_owned()), ("CIRO_LOST_AFTER_MS", "2000".to_owned())];
    let settings = Settings { rpc_url: Some(node.url.clone()), env, ..Settings::default() };
    (node, settings)
}

async fn one(world: &DeskWorld, sql: &str) -> i64 {
    world.client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Everything that was asked for has happened once, and every nonce that was used is accounted for.
pub(crate) async fn check_books(world: &DeskWorld, operations: u128) {
    assert_eq!(world.balance(TO).await, Fri(5 * operations), "what was sent");
    let succeeded = world.operations("succeeded").await;
    assert_eq!(u128::try_from(succeeded).unwrap(), operations);
    for (state, count) in [("queued", 0), ("sent", 0), ("failed", 0), ("dropped", 0)] {
        assert_eq!(world.operations(state).await, count, "{state}");
    }
    let open = "select count(*) from relay_transaction where state <> 'succeeded'";
    assert_eq!(one(world, open).await, 0, "every nonce is one that succeeded");
    let not_captured = "select count(*) from reservation where state <> 'captured'";
    assert_eq!(one(world, not_captured).await, 0);
    let held = "select count(*) from sponsor s where held_fri <> (select coalesce(sum(amount_fri), 0) from hold h where h.sponsor_id = s.sponsor_id and h.state in ('pending', 'earned'))";
    assert_eq!(one(world, held).await, 0, "the ledger's sum is the sum of its holds");
    let over = "select count(*) from (select o.relayer, o.nonce, sum(o.cost_fri) as cost from operation o group by 1, 2) c join relay_transaction t using (relayer, nonce) where c.cost > t.fee_fri";
    assert_eq!(one(world, over).await, 0, "no batch costs its operations more than it did cost");
    for relayer in RELAYERS {
        let nonce = world.accounts[relayer].nonce().await.unwrap();
        let sql = "select count(*) from relay_transaction where relayer = $1";
        let address = world.address(relayer).to_string();
        let used: i64 = world.client.query_one(sql, &[&address]).await.unwrap().get(0);
        assert_eq!(i64::try_from(nonce).unwrap(), used, "nonces of relayer {relayer}");
    }
}

/// Builds and signs a transfer of five; what `execute` takes.
async fn signed(world: &DeskWorld, program: &Program, user: usize) -> Value {
    let call = TOKEN.transfer(TO, Fri(5));
    let built = program.build(world.address(user), &[call], &sponsored()).await;
    Program::executable(world, user, &built, &sponsored())
}

#[tokio::test]
async fn a_transaction_whose_reply_is_lost_is_found_on_chain_and_not_sent_anew() {
    let world = DeskWorld::start().await;
    let (node, settings) = behind(&world).await;
    let program = world.program(&settings).await;
    let params = signed(&world, &program, USER).await;
    node.fail(Fault::LostReply);
    let (answer, ()) =
        tokio::join!(program.ask("paymaster_executeTransaction", params.clone()), async {
            world.until("it is sent", || async { node.sends() > 0 }).await;
            node.fail(Fault::None);
        });
    program.settled(&world).await;
    check_books(&world, 1).await;
    let again = program.result("paymaster_executeTransaction", params).await;
    if let Some(result) = answer.get("result") {
        assert_eq!(*result, again, "the same request has the same answer");
    }
    check_books(&world, 1).await;
}

#[tokio::test]
async fn what_a_node_took_and_forgot_is_sent_again_at_a_higher_price_under_the_same_tracking_id() {
    let world = DeskWorld::start().await;
    let (node, settings) = behind(&world).await;
    let program = world.program(&settings).await;
    let params = signed(&world, &program, USER).await;
    node.fail(Fault::Forgotten);
    let first = program.result("paymaster_executeTransaction", params).await;
    let tracking = json!({ "tracking_id": first["tracking_id"] });
    world
        .until("it is replaced", || async {
            one(&world, "select count(*) from relay_attempt").await > 1
        })
        .await;
    let tracked = program.result("paymaster_trackingIdToLatestHash", tracking.clone()).await;
    assert_eq!(tracked["status"], "active");
    node.fail(Fault::None);
    program.settled(&world).await;
    check_books(&world, 1).await;
    let tracked = program.result("paymaster_trackingIdToLatestHash", tracking).await;
    assert_eq!(tracked["status"], "accepted");
    assert_ne!(
        tracked["transaction_hash"], first["transaction_hash"],
        "another transaction carried it"
    );
    let hash = tracked["transaction_hash"].as_str().unwrap().parse().unwrap();
    assert!(world.chain.receipt(hash).await.unwrap().is_some());
    let sql = "select (bounds->>'l2_gas_price_fri')::numeric::text, tip_fri from relay_attempt order by number";
    let rows = world.client.query(sql, &[]).await.unwrap();
    let price = |row: &tokio_postgres::Row| row.get::<_, String>(0).parse::<u128>().unwrap();
    let (old, new) = (price(&rows[0]), price(&rows[1]));
    assert!(new * 10 >= old * 11 && rows[1].get::<_, i64>(1) > rows[0].get::<_, i64>(1));
}

#[tokio::test]
async fn killed_before_and_after_each_send_the_next_run_goes_on_with_the_same_transaction() {
    let world = DeskWorld::start().await;
    let (node, settings) = behind(&world).await;
    for (round, fault) in [(1, Fault::Lost), (2, Fault::LostReply), (3, Fault::Forgotten)] {
        let program = world.program(&settings).await;
        let params = signed(&world, &program, USER).await;
        let before = node.sends();
        node.fail(fault);
        let asking = program.ask("paymaster_executeTransaction", params.clone());
        tokio::select! {
            _answer = asking => {}
            () = world.until("it is sent", || async { node.sends() > before }) => {}
        }
        assert!(!program.end(Signal::SIGKILL).success());
        node.fail(Fault::None);
        let next = world.program(&settings).await;
        next.settled(&world).await;
        check_books(&world, round).await;
        let answer = next.result("paymaster_executeTransaction", params).await;
        assert!(answer["transaction_hash"].is_string(), "the client learns what became of it");
        assert!(next.end(Signal::SIGTERM).success());
    }
}

#[tokio::test]
async fn what_a_node_refuses_gives_its_nonce_back_and_is_carried_later() {
    let world = DeskWorld::start().await;
    let (node, settings) = behind(&world).await;
    node.fail(Fault::Refused);
    let operations = [queued(&world, USER, 1, TOKEN.transfer(TO, Fri(5)))];
    enqueue_all(&world, &operations).await;
    let program = world.program(&settings).await;
    // More than once, so that no refusal leaves anything behind.
    world.until("it is refused again and again", || async { node.sends() > 2 }).await;
    assert!(one(&world, "select count(*) from relay_transaction").await <= 1, "nonces pile up");
    assert!(one(&world, "select count(*) from relay_attempt").await <= 1, "attempts pile up");
    let is_available = || program.result("paymaster_isAvailable", json!([]));
    world.until("it is said", || async { is_available().await == json!(false) }).await;
    let later = queued(&world, USER + 1, 2, TOKEN.transfer(TO, Fri(5)));
    enqueue_all(&world, &[later]).await;
    node.fail(Fault::None);
    program.settled(&world).await;
    check_books(&world, 2).await;
    world.until("it is available", || async { is_available().await == json!(true) }).await;
}

#[tokio::test]
async fn what_another_node_may_have_taken_keeps_its_nonce_though_it_is_refused_until_that_is_over()
{
    let world = DeskWorld::start().await;
    let (node, mut settings) = behind(&world).await;
    let (short, long) = (settings.env.clone(), ("CIRO_LOST_AFTER_MS", "3600000".to_owned()));
    settings.env.push(long);
    node.fail(Fault::Lost);
    enqueue_all(&world, &[queued(&world, USER, 1, TOKEN.transfer(TO, Fri(5)))]).await;
    let program = world.program(&settings).await;
    world.until("it is sent", || async { node.sends() > 0 }).await;
    node.fail(Fault::Refused);
    let before = node.sends();
    world.until("it is refused", || async { node.sends() > before + 2 }).await;
    assert_eq!(world.operations("sent").await, 1, "{}", program.log());
    assert_eq!(one(&world, "select count(*) from relay_attempt").await, 1);
    assert!(program.end(Signal::SIGTERM).success());
    // What it waits for is over for this one.
    let program = world.program(&Settings { env: short, ..settings }).await;
    world.until("it waits again", || async { world.operations("queued").await == 1 }).await;
    node.fail(Fault::None);
    program.settled(&world).await;
    check_books(&world, 1).await;
}

#[tokio::test]
async fn a_nonce_that_something_else_used_is_given_up_and_its_operations_are_carried() {
    let world = DeskWorld::start().await;
    let (node, settings) = behind(&world).await;
    node.fail(Fault::Forgotten);
    enqueue_all(&world, &[queued(&world, USER, 1, TOKEN.transfer(TO, Fri(5)))]).await;
    let program = world.program(&settings).await;
    world.until("it is sent", || async { node.sends() > 0 }).await;
    // The same key, somewhere else.
    let elsewhere = &world.accounts[RELAYERS[0]];
    elsewhere.execute(vec![TOKEN.transfer(TO, Fri(7))]).await.unwrap();
    node.fail(Fault::None);
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(12), "{}", program.log());
    assert_eq!(world.operations("succeeded").await, 1);
    let lost = "select count(*) from relay_transaction where state = 'lost'";
    assert_eq!(one(&world, lost).await, 1);
}

/// Deploys for everyone, and is written in Cairo 0: its failures cannot be caught.
const OLD_DEPLOYER: Felt =
    Felt::from_hex_unchecked("0x41a78e741e5af2fec34b695679bc6891742439f7afb8484ecd7766661ad02bf");

#[tokio::test]
async fn a_batch_that_was_reverted_whole_is_divided_and_all_but_its_cause_are_carried() {
    let world = DeskWorld::start().await;
    let (node, settings) = behind(&world).await;
    let class = world.chain.class_at(world.address(USER)).await.unwrap().unwrap();
    let deploy = Call {
        to: OLD_DEPLOYER,
        selector: ciro_contracts::selector("deployContract"),
        calldata: vec![class, Felt::from(9_u64), Felt::ZERO, Felt::ONE, Felt::from(0x77_u64)],
    };
    let mut operations = vec![queued(&world, USER, 1, deploy.clone())];
    for number in 2..6_u8 {
        let user = USER + usize::from(number % 4);
        operations.push(queued(&world, user, u64::from(number), TOKEN.transfer(TO, Fri(5))));
    }
    node.fail(Fault::Lost);
    enqueue_all(&world, &operations).await;
    let program = world.program(&settings).await;
    world.until("it is sent", || async { node.sends() > 0 }).await;
    // It was good when it was simulated, and is not any more.
    world.accounts[USER + 4].execute(vec![deploy]).await.unwrap();
    node.fail(Fault::None);
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(20), "{}", program.log());
    assert_eq!((world.operations("succeeded").await, world.operations("dropped").await), (4, 1));
    let reverted = "select count(*) from relay_transaction where state = 'reverted'";
    assert_eq!(one(&world, reverted).await, 1);
    let divided = "select count(*) from operation where together_max = 2";
    assert_eq!(one(&world, divided).await, 5, "five were divided into at most two");
}

#[tokio::test]
async fn a_soak_of_kills_with_two_relayers_loses_nothing_and_sends_nothing_twice() {
    const OPERATIONS: usize = 60;
    let world = DeskWorld::start().await;
    let settings = Settings { relayers: 2, ..Settings::default() };
    let mut program = world.program(&settings).await;
    let mut wanted = Vec::new();
    for number in 0..OPERATIONS {
        wanted.push(signed(&world, &program, USER + number % 4).await);
    }
    let mut round = 0_u64;
    while !wanted.is_empty() {
        let (url, key) = (program.url.clone(), program.key.clone());
        let mut asking = JoinSet::new();
        for params in &wanted {
            let (url, key, params) = (url.clone(), key.clone(), params.clone());
            asking.spawn(async move {
                let request = json!({
                    "jsonrpc": "2.0", "id": 1, "method": "paymaster_executeTransaction", "params": params,
                });
                let post = reqwest::Client::new().post(url).header("x-paymaster-api-key", key).json(&request);
                let reply: Option<Value> = async { post.send().await.ok()?.json().await.ok() }.await;
                (params, reply.is_some_and(|reply| reply.get("result").is_some()))
            });
        }
        // Each round it lives a little longer, so that it dies at every step at some time.
        tokio::time::sleep(Duration::from_millis(150 + 120 * round)).await;
        assert!(!program.end(Signal::SIGKILL).success());
        wanted =
            asking.join_all().await.into_iter().filter(|(_, done)| !done).map(|(p, _)| p).collect();
        program = world.program(&settings).await;
        round += 1;
        assert!(round < 40, "{} are left", wanted.len());
    }
    program.settled(&world).await;
    check_books(&world, u128::try_from(OPERATIONS).unwrap()).await;
}

/// An operation as it is after all checks, whatever it does.
fn queued(world: &DeskWorld, user: usize, nonce: u64, call: Call) -> (OperationId, Carried, Felt) {
    let id = OperationId(Uuid::now_v7());
    let execution = OutsideExecution {
        caller: world.forwarder(),
        nonce: Felt::from(nonce),
        execute_after: 1,
        execute_before: u64::from(u32::MAX),
        calls: vec![OutsideCall {
            to: Address(call.to),
            selector: call.selector,
            calldata: call.calldata,
        }],
    };
    let account = world.address(user);
    let hash = execution.message_hash_v2(world.chain.chain_id(), account);
    let signature = sign::sign(&world.keys[user], &hash).unwrap();
    let operation = Operation {
        id: tracking_id(id),
        account,
        version: OutsideVersion::V2,
        charge: None,
        calldata: execution.calldata(&[signature.r.0, signature.s.0]),
    };
    (id, Carried::Execute(operation), hash)
}

async fn enqueue_all(world: &DeskWorld, operations: &[(OperationId, Carried, Felt)]) {
    let mut client = connect(&world.database).await;
    let tx = client.transaction().await.unwrap();
    for (id, carried, message_hash) in operations {
        let queued = Queued {
            id: *id,
            class_hash: Felt::ONE,
            message_hash: *message_hash,
            carried,
            sponsor: None,
            device: None,
            l2_gas: 3_000_000,
            alone: false,
            expires_at: OffsetDateTime::now_utc() + Duration::from_mins(5),
            trace: None,
        };
        relay::enqueue(&tx, Forwarder { address: world.forwarder() }, &queued).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_would_take_a_batch_down_is_found_before_it_is_sent_and_the_others_are_carried() {
    let world = DeskWorld::start().await;
    let nowhere = Call { to: Felt::from(0xdead_u64), selector: Felt::ONE, calldata: Vec::new() };
    let mut operations = Vec::new();
    for number in 0..9_u8 {
        let call = if number == 5 { nowhere.clone() } else { TOKEN.transfer(TO, Fri(5)) };
        operations.push(queued(&world, USER + usize::from(number % 4), u64::from(number), call));
    }
    enqueue_all(&world, &operations).await;
    let program = world.program(&Settings::default()).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(40), "{}", program.log());
    assert_eq!((world.operations("succeeded").await, world.operations("dropped").await), (8, 1));
    let row = world
        .client
        .query_one("select operation_id, reason from operation where state = 'dropped'", &[]);
    let row = row.await.unwrap();
    assert_eq!(row.get::<_, Uuid>(0), operations[5].0.0);
    assert!(row.get::<_, String>(1).contains("not deployed"), "{}", row.get::<_, String>(1));
    assert_eq!(seen_and_included(&world).await, (9, 8), "what made us look again counts");
    assert_eq!(
        one(&world, "select count(*) from relay_transaction where state <> 'succeeded'").await,
        0
    );
}

#[tokio::test]
async fn a_hundred_operations_and_more_share_one_transaction_and_its_fee() {
    let world = DeskWorld::start().await;
    let mut operations = Vec::new();
    for number in 0..150_u64 {
        let user = USER + usize::try_from(number % 6).unwrap();
        operations.push(queued(&world, user, number, TOKEN.transfer(TO, Fri(5))));
    }
    enqueue_all(&world, &operations).await;
    let program = world.program(&Settings::default()).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5 * 150), "{}", program.log());
    assert_eq!(one(&world, "select count(*) from relay_transaction").await, 1);
    let lost = "select (t.fee_fri - (select sum(cost_fri) from operation))::bigint from relay_transaction t";
    let lost = one(&world, lost).await;
    assert!((0..150).contains(&lost), "{lost} fri of the fee are nobody's");
}

#[tokio::test]
async fn on_a_chain_with_slow_blocks_many_are_on_their_way_and_that_counts_against_nobody() {
    const OPERATIONS: usize = 130;
    let world = DeskWorld::start_on(Devnet::start_with_slow_blocks(12)).await;
    let program = world.program(&Settings { relayers: 2, ..Settings::default() }).await;
    let mut wanted = Vec::new();
    for number in 0..OPERATIONS {
        wanted.push(signed(&world, &program, USER + number % 4).await);
    }
    for reply in program.execute_all(wanted).await {
        assert!(reply["result"].is_object(), "{reply}");
    }
    program.settled(&world).await;
    check_books(&world, u128::try_from(OPERATIONS).unwrap()).await;
    let operations = i64::try_from(OPERATIONS).unwrap();
    assert_eq!(seen_and_included(&world).await, (operations, operations));
}

/// Of the one class that all accounts here have.
async fn seen_and_included(world: &DeskWorld) -> (i64, i64) {
    let sql = "select seen_millionths / 1000000, included_millionths / 1000000 from reputation where kind = 'class'";
    let row = world.client.query_one(sql, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn of_two_operations_that_spend_the_same_money_one_happens_and_those_beside_them_do() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let most = Fri(world.balance(world.address(USER)).await.0 / 3 * 2);
    let mut wanted = Vec::new();
    for number in 0..6 {
        let (user, amount) = if number < 2 { (USER, most) } else { (USER + 1, Fri(5)) };
        let call = TOKEN.transfer(TO, amount);
        let built = program.build(world.address(user), &[call], &sponsored()).await;
        wanted.push(Program::executable(&world, user, &built, &sponsored()));
    }
    let replies = program.execute_all(wanted).await;
    program.settled(&world).await;
    assert_eq!(world.operations("succeeded").await, 5, "{replies:?}\n{}", program.log());
    assert_eq!(world.balance(TO).await, Fri(most.0 + 4 * 5));
}
