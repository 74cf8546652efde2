//! What operations cost comes back: from the sponsor's deposit, over a settled statement, to the treasury.

use ciro_api::Fri;
use ciro_contracts::Pool;
use ciro_paymaster::forget::forget;
use serde_json::json;

use crate::desk_world::{
    DEPOSIT, DeskWorld, Program, RELAYERS, Settings, TO, TOKEN, USER, sponsored,
};

async fn owed(world: &DeskWorld) -> Fri {
    let sql = "select coalesce(sum(cost_fri), 0)::text from operation";
    world.client.query_one(sql, &[]).await.unwrap().get::<_, String>(0).parse().unwrap()
}

async fn deposit(world: &DeskWorld) -> Fri {
    let pool = Pool { address: world.deployment.pool };
    pool.deposit_of(&world.chain, world.sponsor_address(), world.operator_address()).await.unwrap()
}

#[tokio::test]
async fn what_operations_cost_is_settled_from_the_deposit_and_claimed_for_the_treasury_to_the_fri()
{
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    for round in 0..5 {
        let call = TOKEN.transfer(TO, Fri(5));
        program.carry(&world, USER + round % 3, &[call], &sponsored()).await;
    }
    program.settled(&world).await;
    let owed = owed(&world).await;
    let left = DEPOSIT.checked_sub(owed).unwrap();
    world.until("it is settled", || async { deposit(&world).await == left }).await;
    let spent = "select spent_fri::text, held_fri::text from sponsor";
    world
        .until("it is posted", || async {
            let row = world.client.query_one(spent, &[]).await.unwrap();
            row.get::<_, String>(0) == owed.to_string() && row.get::<_, String>(1) == "0"
        })
        .await;
    let report =
        ciro_paymaster::sponsors::operations(&world.client, world.sponsor, 1).await.unwrap();
    assert_eq!((report.in_all.succeeded, report.in_all.cost_fri), (5, owed));
    let [rule] = &report.by_rule[..] else { panic!("{:?}", report.by_rule) };
    assert_eq!((rule.rule.as_str(), rule.operations), ("transfers", report.in_all));
    assert_eq!(report.by_key.len(), 1);
    world.pass_challenge_window().await;
    world.until("it is claimed", || async { world.paid_to_treasury().await == owed }).await;
    // The receipts name the transactions that carried the operations.
    let sql = "select count(*) from receipt r join operation o on o.operation_id = r.job_id join relay_transaction t using (relayer, nonce) where r.attestation::text = t.tx_hash and r.amount_fri = o.cost_fri";
    let named: i64 = world.client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(named, 5);
}

#[tokio::test]
async fn a_relayer_with_little_strk_is_filled_up_by_the_treasury() {
    let world = DeskWorld::start().await;
    let relayer = world.address(RELAYERS[0]);
    let has = world.balance(relayer).await;
    let full = Fri(has.0 + 3 * Fri::ONE_STRK.0);
    let env = vec![
        ("CIRO_RELAYER_LOW_FRI", (has.0 + Fri::ONE_STRK.0).to_string()),
        ("CIRO_RELAYER_FULL_FRI", full.to_string()),
    ];
    let program = world.program(&Settings { env, ..Settings::default() }).await;
    world.until("it is filled up", || async { world.balance(relayer).await == full }).await;
    drop(program);
}

#[tokio::test]
async fn a_relayer_without_strk_takes_nothing_on_until_it_has_some() {
    let world = DeskWorld::start().await;
    let relayer = world.address(RELAYERS[0]);
    let empty = Fri(world.balance(relayer).await.0 + 1);
    let env = vec![
        ("CIRO_RELAYER_EMPTY_FRI", empty.to_string()),
        ("CIRO_RELAYER_LOW_FRI", empty.to_string()),
        // It has more, so the treasury gives it nothing.
        ("CIRO_RELAYER_FULL_FRI", "1".to_owned()),
    ];
    let program = world.program(&Settings { env, ..Settings::default() }).await;
    let is_available = || program.result("paymaster_isAvailable", json!([]));
    world.until("it is said", || async { is_available().await == json!(false) }).await;
    let call = TOKEN.transfer(TO, Fri(5));
    let built = program.build(world.address(USER), &[call], &sponsored()).await;
    let params = Program::executable(&world, USER, &built, &sponsored());
    let asking = program.ask("paymaster_executeTransaction", params);
    let filling = async {
        world.until("it is queued", || async { world.operations("queued").await == 1 }).await;
        let sql = "select count(*) from relay_transaction";
        assert_eq!(world.client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
        let (treasury, _) = world.treasury();
        treasury.execute(vec![TOKEN.transfer(relayer, Fri::ONE_STRK)]).await.unwrap();
    };
    let (answer, ()) = tokio::join!(asking, filling);
    assert!(answer["result"].is_object(), "{answer}");
    program.settled(&world).await;
    assert_eq!(world.operations("succeeded").await, 1);
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_its_money_is_not() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    for _ in 0..2 {
        let call = TOKEN.transfer(TO, Fri(5));
        program.carry(&world, USER, &[call], &sponsored()).await;
    }
    program.settled(&world).await;
    drop(program);
    let count = async |table: &str| -> i64 {
        let sql = format!("select count(*) from {table}");
        world.client.query_one(&sql, &[]).await.unwrap().get(0)
    };
    let now = time::OffsetDateTime::now_utc();
    let forgotten = forget(&world.client, now).await.unwrap();
    assert_eq!((forgotten.operations, forgotten.transactions), (0, 0), "not yet");
    let age = "update operation set ended_at = now() - interval '63 days'
               where operation_id = (select min(operation_id::text)::uuid from operation);
               update relay_transaction set opened_at = now() - interval '63 days';
               insert into limit_use values
                   ((select sponsor_id from sponsor), 'r', 'operations', 'rule', '', 'day', now() - interval '63 days', 1),
                   ((select sponsor_id from sponsor), 'r', 'operations', 'rule', '', 'lifetime', 'epoch', 1)";
    world.client.batch_execute(age).await.unwrap();
    let forgotten = forget(&world.client, now).await.unwrap();
    assert_eq!((forgotten.operations, forgotten.limits), (1, 1));
    for (table, left) in [("operation", 1), ("reservation", 1), ("hold", 2), ("receipt", 2)] {
        assert_eq!(count(table).await, left, "{table}");
    }
    // A transaction that carried the other one too would have to stay.
    let carries = count("relay_transaction t where exists (select from operation o where o.relayer = t.relayer and o.nonce = t.nonce)").await;
    assert_eq!(count("relay_transaction").await, carries);
    assert_eq!(count("limit_use where rule_id = 'r'").await, 1, "what is for ever stays");
}
