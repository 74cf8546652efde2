//! What is wrong with a request is told in the code of SNIP-29 that fits, and then nothing is reserved and nothing sent.

use ciro_api::{Address, Felt, Fri};
use ciro_contracts::{Call, token::STRK};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::desk_world::{
    DeskWorld, Program, Settings, TO, TOKEN, USER, paid_in, sponsored, transfers_allowed, wire,
};

const EXECUTE: &str = "paymaster_executeTransaction";
const BUILD: &str = "paymaster_buildTransaction";

fn transfer(amount: u128) -> Call {
    TOKEN.transfer(TO, Fri(amount))
}

fn invoke(account: Address, calls: &[Call], parameters: &Value) -> Value {
    let calls: Vec<Value> = calls.iter().map(wire).collect();
    let transaction =
        json!({ "type": "invoke", "invoke": { "user_address": account, "calls": calls } });
    json!({ "transaction": transaction, "parameters": parameters })
}

/// The same typed data with one member of its message or domain changed, signed anew by the user.
fn changed(world: &DeskWorld, built: &Value, pointer: &str, value: Value) -> Value {
    let mut built = built.clone();
    *built["typed_data"].pointer_mut(pointer).unwrap() = value;
    Program::executable(world, USER, &built, &sponsored())
}

/// The code, and where one is named the reason.
async fn assert_refused(program: &Program, method: &str, case: (&str, Value, i64, &str)) {
    let (name, params, code, reason) = case;
    let (found, data) = program.fault(method, params).await;
    assert_eq!(found, code, "{name}: {data}");
    if !reason.is_empty() {
        assert_eq!(data["reason"], reason, "{name}: {data}");
    }
}

async fn assert_nothing_happened(world: &DeskWorld) {
    for table in ["operation", "reservation", "hold", "relay_transaction"] {
        let sql = format!("select count(*) from {table}");
        let count: i64 = world.client.query_one(&sql, &[]).await.unwrap().get(0);
        assert_eq!(count, 0, "{table}");
    }
    assert_eq!(world.balance(TO).await, Fri(0));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_to_build_is_told_and_nothing_is_kept() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let user = world.address(USER);
    let other = Address(Felt::from(0xdead_u64));
    let long = Call { calldata: vec![Felt::ONE; 3_000], ..transfer(1) };
    let to_itself = Call { to: user.0, ..transfer(1) };
    let to_forwarder = Call { to: world.forwarder().0, ..transfer(1) };
    let late = json!({
        "version": "0x1", "fee_mode": { "mode": "sponsored" },
        "time_bounds": { "execute_after": 1, "execute_before": 2 },
    });
    let early = json!({
        "version": "0x1", "fee_mode": { "mode": "sponsored" },
        "time_bounds": { "execute_after": 4_000_000_000_u64, "execute_before": 4_000_000_001_u64 },
    });
    let cases = [
        ("no account", invoke(other, &[transfer(1)], &sponsored()), 150, ""),
        ("no token", invoke(user, &[transfer(1)], &paid_in(other)), 151, ""),
        ("no SNIP-9", invoke(STRK, &[transfer(1)], &sponsored()), 155, ""),
        ("too much money", invoke(user, &[transfer(u128::MAX)], &sponsored()), 156, ""),
        ("late", invoke(user, &[transfer(1)], &late), 157, ""),
        ("early", invoke(user, &[transfer(1)], &early), 157, ""),
        ("long", invoke(user, &[long], &sponsored()), 163, "too_large"),
        ("itself", invoke(user, &[to_itself], &sponsored()), 156, ""),
        ("the forwarder", invoke(user, &[to_forwarder], &sponsored()), 163, "calls_forwarder"),
        ("nothing", invoke(user, &[], &sponsored()), -32_602, ""),
        (
            "forbidden",
            invoke(user, &[TOKEN.approve(TO, Fri(1))], &sponsored()),
            156,
            "policy_denied",
        ),
    ];
    for case in cases {
        assert_refused(&program, BUILD, case).await;
    }
    for key in [None, Some("key_01jd0000000000000000000000.x"), Some("nonsense")] {
        let reply = program.ask_as(key, BUILD, invoke(user, &[transfer(1)], &sponsored())).await;
        assert_eq!(reply["error"]["code"], 163);
        assert_eq!(reply["error"]["data"]["reason"], "invalid_key");
    }
    let (code, _) =
        program.fault("paymaster_trackingIdToLatestHash", json!({ "tracking_id": "0x7" })).await;
    assert_eq!(code, 160);
    let (code, _) = program.fault("paymaster_everything", json!({})).await;
    assert_eq!(code, -32_601);
    assert_nothing_happened(&world).await;
}

#[tokio::test]
async fn accounts_that_are_made_must_follow_from_what_they_are_made_of() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let class = world.chain.class_at(world.address(USER)).await.unwrap().unwrap();
    let address = ciro_contracts::account_address(class, Felt::ONE, &[Felt::TWO]);
    let good = json!({
        "address": address, "class_hash": format!("{class:#x}"), "salt": "0x1", "calldata": ["0x2"], "version": 1,
    });
    let with = |member: &str, value: Value| {
        let mut deployment = good.clone();
        deployment[member] = value;
        json!({ "transaction": { "type": "deploy", "deployment": deployment }, "parameters": sponsored() })
    };
    let cases = [
        ("another address", with("address", json!("0x123")), 158, ""),
        ("another salt", with("salt", json!("0x2")), 158, ""),
        ("another version", with("version", json!(2)), 158, ""),
        ("no class", with("class_hash", json!("0x123")), 158, ""),
        // It would be there, and the sponsor pays for no deployments.
        ("not allowed", with("version", json!(1)), 156, "policy_denied"),
    ];
    for (name, params, code, reason) in cases {
        for method in [BUILD, EXECUTE] {
            let (found, data) = program.fault(method, params.clone()).await;
            assert_eq!(found, code, "{method} with {name}: {data}");
            if !reason.is_empty() {
                assert_eq!(data["reason"], reason, "{method} with {name}: {data}");
            }
        }
    }
    let unknown = ciro_contracts::account_address(Felt::from(0x123), Felt::ONE, &[Felt::TWO]);
    let mut params = with("class_hash", json!("0x123"));
    params["transaction"]["deployment"]["address"] = json!(unknown);
    assert_eq!(program.fault(BUILD, params).await.0, 159);
    assert_nothing_happened(&world).await;
}

#[tokio::test]
async fn what_was_changed_after_it_was_built_is_refused_and_nothing_is_sent() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let user = world.address(USER);
    let built = program.build(user, &[transfer(5)], &sponsored()).await;
    let good = Program::executable(&world, USER, &built, &sponsored());
    let mut tampered = good.clone();
    tampered["transaction"]["invoke"]["typed_data"]["message"]["Calls"][0]["Calldata"][1] =
        json!("0x6");
    let mut stolen = good.clone();
    stolen["transaction"]["invoke"]["user_address"] = json!(world.address(USER + 1));
    let mut unsigned = good.clone();
    unsigned["transaction"]["invoke"]["signature"] = json!([]);
    let mut padded = good.clone();
    padded["transaction"]["invoke"]["signature"] = json!(vec!["0x1"; 600]);
    let paid = Program::executable(&world, USER, &built, &paid_in(STRK));
    let cases = [
        ("tampered", tampered, 153, ""),
        ("stolen", stolen, 153, ""),
        ("unsigned", unsigned, 153, ""),
        ("a padded signature", padded, 163, "too_large"),
        (
            "another caller",
            changed(&world, &built, "/message/Caller", json!("0x123")),
            163,
            "other_caller",
        ),
        (
            "any caller",
            changed(&world, &built, "/message/Caller", json!("0x414e595f43414c4c4552")),
            163,
            "other_caller",
        ),
        (
            "another chain",
            changed(&world, &built, "/domain/chainId", json!("0x534e5f4d41494e")),
            163,
            "other_chain",
        ),
        ("over", changed(&world, &built, "/message/Execute Before", json!("0x2")), 157, ""),
        (
            "not begun",
            changed(&world, &built, "/message/Execute After", json!("0xf0000000")),
            157,
            "",
        ),
        (
            "another call",
            changed(
                &world,
                &built,
                "/message/Calls/0/Selector",
                json!(format!("{:#x}", ciro_contracts::selector("approve"))),
            ),
            156,
            "policy_denied",
        ),
        ("no fee", paid, 163, "no_fee"),
        ("no typed data", changed(&world, &built, "/message/Calls", json!([])), -32_602, ""),
    ];
    for case in cases {
        assert_refused(&program, EXECUTE, case).await;
    }
    let mut wild = good.clone();
    wild["transaction"]["invoke"]["typed_data"]["primaryType"] = json!("Permit");
    assert_eq!(program.fault(EXECUTE, wild).await.0, -32_602);
    assert_nothing_happened(&world).await;
    // And as it was built it is taken.
    program.result(EXECUTE, good).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5));
}

#[tokio::test]
async fn a_fee_that_was_signed_too_low_is_told_with_what_it_needs() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let parameters = paid_in(STRK);
    let mut built = program.build(world.address(USER), &[transfer(5)], &parameters).await;
    let fee = built["typed_data"]["message"]["Calls"][1]["Calldata"][1].take();
    built["typed_data"]["message"]["Calls"][1]["Calldata"][1] = json!("0x64");
    let params = Program::executable(&world, USER, &built, &parameters);
    let (code, data) = program.fault(EXECUTE, params).await;
    assert_eq!((code, &data["signed"]), (154, &json!("0x64")));
    let felt = |text: &Value| Felt::from_hex(text.as_str().unwrap()).unwrap();
    assert!(felt(&data["needed"]) <= felt(&fee), "what was suggested would do");
    // More than a u128 in the high half is no fee at all.
    built["typed_data"]["message"]["Calls"][1]["Calldata"][2] = json!("0x1");
    let params = Program::executable(&world, USER, &built, &parameters);
    let (code, data) = program.fault(EXECUTE, params).await;
    assert_eq!((code, &data["reason"]), (163, &json!("no_fee")));
    assert_nothing_happened(&world).await;
}

#[tokio::test]
async fn the_same_request_is_carried_once_however_often_and_wherever_it_is_made() {
    let world = DeskWorld::start().await;
    let (one, other) =
        (world.program(&Settings::default()).await, world.program(&Settings::default()).await);
    let built = one.build(world.address(USER), &[transfer(5)], &sponsored()).await;
    let params = Program::executable(&world, USER, &built, &sponsored());
    let mut asked = Vec::new();
    for number in 0..16 {
        let program = if number % 2 == 0 { &one } else { &other };
        asked.push(program.result(EXECUTE, params.clone()));
    }
    let answers = futures::future::join_all(asked).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    one.settled(&world).await;
    assert_eq!(one.result(EXECUTE, params).await, answers[0], "also afterwards");
    assert_eq!(world.balance(TO).await, Fri(5));
    assert_eq!(world.operations("succeeded").await, 1);
    // Another operation with the same nonce is none.
    let mut second = built.clone();
    second["typed_data"]["message"]["Calls"][0]["Calldata"][1] = json!("0x7");
    let params = Program::executable(&world, USER, &second, &sponsored());
    let (code, data) = one.fault(EXECUTE, params).await;
    assert_eq!((code, &data["reason"]), (163, &json!("nonce_used")), "{data}");
}

#[tokio::test]
async fn of_64_clients_at_once_with_a_budget_for_ten_exactly_ten_are_carried() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings { relayers: 2, ..Settings::default() }).await;
    let mut document = transfers_allowed();
    document["rules"][0]["limits"] =
        json!([{ "measure": "operations", "per": "rule", "window": "lifetime", "at_most": "10" }]);
    world.allow(&document).await;
    let mut asking = JoinSet::new();
    for number in 0..64 {
        let user = USER + number % 4;
        let built = program.build(world.address(user), &[transfer(5)], &sponsored()).await;
        let params = Program::executable(&world, user, &built, &sponsored());
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": EXECUTE, "params": params });
        let post = reqwest::Client::new()
            .post(&program.url)
            .header("x-paymaster-api-key", &program.key)
            .json(&request);
        asking.spawn(async move { post.send().await.unwrap().json::<Value>().await.unwrap() });
    }
    let replies = asking.join_all().await;
    let carried = replies.iter().filter(|reply| reply.get("result").is_some()).count();
    let limited = |reply: &&Value| reply["error"]["data"]["reason"] == "limit_reached";
    assert_eq!((carried, replies.iter().filter(limited).count()), (10, 54), "{replies:?}");
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(50));
}

/// What was built, as a call into the account.
pub(crate) fn direct(world: &DeskWorld, built: &Value) -> Value {
    let read = ciro_paymaster::snip29::typed_data::read(&built["typed_data"]).unwrap();
    let signature: Vec<Felt> = world
        .sign(USER, &built["typed_data"])
        .iter()
        .map(|felt| Felt::from_hex(felt).unwrap())
        .collect();
    let calldata: Vec<String> =
        read.execution.calldata(&signature).iter().map(|felt| format!("{felt:#x}")).collect();
    let user = world.address(USER);
    let selector = format!("{:#x}", ciro_contracts::selector("execute_from_outside_v2"));
    let call = json!({ "to": user, "selector": selector, "calldata": calldata });
    let invoke = json!({ "user_address": user, "execute_from_outside_call": call });
    json!({ "transaction": { "type": "invoke", "invoke": invoke }, "parameters": sponsored() })
}

#[tokio::test]
async fn what_is_wrong_with_a_direct_call_is_told_and_nothing_is_sent() {
    const DIRECT: &str = "paymaster_executeDirectTransaction";
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let built = program.build(world.address(USER), &[transfer(5)], &sponsored()).await;
    let good = direct(&world, &built);
    let with = |pointer: &str, value: Value| {
        let mut params = good.clone();
        *params["transaction"]["invoke"].pointer_mut(pointer).unwrap() = value;
        params
    };
    let call = "/execute_from_outside_call";
    let cases = [
        ("another contract", with(&format!("{call}/to"), json!(STRK)), -32_602),
        ("another function", with(&format!("{call}/selector"), json!("0x1")), -32_602),
        (
            "a count of calls that are not there",
            with(&format!("{call}/calldata/4"), json!("0xffffffffffff")),
            -32_602,
        ),
        (
            "a length beyond the end",
            with(&format!("{call}/calldata/7"), json!("0xffffffffffffffff")),
            -32_602,
        ),
        ("another amount", with(&format!("{call}/calldata/9"), json!("0x6")), 153),
        ("another caller", with(&format!("{call}/calldata/0"), json!("0x1")), 163),
        ("no calldata", with(&format!("{call}/calldata"), json!([])), -32_602),
    ];
    for (name, params, code) in cases {
        let (found, data) = program.fault(DIRECT, params).await;
        assert_eq!(found, code, "{name}: {data}");
    }
    assert_nothing_happened(&world).await;
    let answer = program.result(DIRECT, good.clone()).await;
    assert_eq!(program.result(DIRECT, good).await, answer);
    // The same by its fields is the same.
    let message = &built["typed_data"]["message"];
    let fields = json!({
        "caller": message["Caller"], "nonce": message["Nonce"],
        "execute_after": message["Execute After"], "execute_before": message["Execute Before"],
        "calls": [wire(&transfer(5))],
    });
    let signature = world.sign(USER, &built["typed_data"]);
    let params = json!([world.address(USER), fields, signature]);
    assert_eq!(program.result("cartridge_addExecuteOutsideTransaction", params).await, answer);
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5));
}

#[tokio::test]
async fn a_key_that_was_revoked_or_is_another_sponsors_pays_for_nothing() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let params = invoke(world.address(USER), &[transfer(1)], &sponsored());
    let told = program.result("paymaster_canSponsor", params.clone()).await;
    assert_eq!(told["sponsored"], true);
    let forbidden = invoke(world.address(USER), &[TOKEN.approve(TO, Fri(1))], &sponsored());
    let told = program.result("paymaster_canSponsor", forbidden).await;
    assert_eq!(
        (&told["sponsored"], &told["denial"]["reason"]),
        (&json!(false), &json!("policy_denied"))
    );
    let other = ciro_paymaster::sponsors::NewSponsor {
        id: ciro_api::SponsorId(uuid::Uuid::now_v7()),
        name: "another studio".to_owned(),
        address: world.address(USER),
        price_ceiling: Fri(1),
        spend_limit: Fri(1),
    };
    ciro_paymaster::sponsors::create(&world.client, &other).await.unwrap();
    let key =
        ciro_paymaster::sponsors::create_sponsorship_key(&world.client, other.id, "theirs", 1)
            .await
            .unwrap();
    let reply = program.ask_as(Some(&key), BUILD, params.clone()).await;
    assert_eq!(reply["error"]["data"]["reason"], "no_policy");
    let report =
        ciro_paymaster::sponsors::operations(&world.client, world.sponsor, 1).await.unwrap();
    let [denied] = &report.denials[..] else { panic!("{:?}", report.denials) };
    assert_eq!((denied.reason.as_str(), denied.denials), ("policy_denied", 1), "it is counted");
    let id = program.key.split_once('.').unwrap().0.parse().unwrap();
    assert!(ciro_paymaster::sponsors::revoke_sponsorship_key(&world.client, id).await.unwrap());
    let (code, data) = program.fault(BUILD, params).await;
    assert_eq!((code, &data["reason"]), (163, &json!("invalid_key")));
    assert_nothing_happened(&world).await;
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_back_and_those_elsewhere_are_served() {
    let world = DeskWorld::start().await;
    let env = vec![
        ("CIRO_NETWORK_TOKENS_PER_S", "1".to_owned()),
        ("CIRO_NETWORK_TOKENS_AT_ONCE", "60".to_owned()),
        ("CIRO_CLIENT_ADDRESS_HEADER", "x-forwarded-for".to_owned()),
    ];
    let program = world.program(&Settings { env, ..Settings::default() }).await;
    let params = invoke(world.address(USER), &[transfer(1)], &sponsored());
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": BUILD, "params": params });
    let ask = async |from: &str| -> Value {
        let post = reqwest::Client::new()
            .post(&program.url)
            .header("x-paymaster-api-key", &program.key)
            .header("x-forwarded-for", from)
            .json(&request);
        post.send().await.unwrap().json().await.unwrap()
    };
    for _ in 0..3 {
        assert!(ask("203.0.113.1").await.get("result").is_some());
    }
    // The neighbour is of the same network, and what comes before the last address is anybody's word.
    for from in ["203.0.113.1", "203.0.113.200", "198.51.100.7, 203.0.113.1"] {
        let reply = ask(from).await;
        assert_eq!(reply["error"]["code"], -32_005, "{reply}");
        assert!(reply["error"]["data"]["retry_after"].as_u64().unwrap() >= 1);
    }
    assert!(ask("198.51.100.7").await.get("result").is_some());
}

#[tokio::test]
async fn an_account_whose_operations_failed_too_dearly_has_to_wait() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let built = program.build(world.address(USER), &[transfer(5)], &sponsored()).await;
    let params = Program::executable(&world, USER, &built, &sponsored());
    let subject = ciro_paymaster::reputation::Subject::Account(world.address(USER));
    let mut client = crate::harness::connect(&world.database).await;
    let tx = client.transaction().await.unwrap();
    let outcome = ciro_paymaster::reputation::Outcome::Reverted { cost: Fri(6 * Fri::ONE_STRK.0) };
    let event = ciro_paymaster::reputation::Event { subjects: &[subject], outcome };
    let now = time::OffsetDateTime::now_utc();
    ciro_paymaster::reputation::record(&tx, &[event], now).await.unwrap();
    tx.commit().await.unwrap();
    let (code, data) = program.fault(EXECUTE, params).await;
    assert_eq!((code, &data["reason"]), (163, &json!("banned")), "{data}");
    assert!(data["retry_after"].as_u64().unwrap() > 60);
    assert_nothing_happened(&world).await;
    // Others are carried, and it counts for them.
    program.carry(&world, USER + 1, &[transfer(5)], &sponsored()).await;
    program.settled(&world).await;
    let subject = ciro_paymaster::reputation::Subject::Account(world.address(USER + 1));
    let now = time::OffsetDateTime::now_utc();
    let found = ciro_paymaster::reputation::of(&world.client, subject, now).await.unwrap();
    let counted = (found.seen.millionths, found.included.millionths, found.reverted.millionths);
    assert!(counted.0 > 0 && counted.0 == counted.1 && counted.2 == 0, "{counted:?}");
}
