//! Rules that ask the sponsor's own server, through the whole program: its word decides, at each step anew.

use ciro_api::Fri;
use ciro_contracts::Call;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    desk_world::{
        DeskWorld, Program, Settings, TO, TOKEN, USER, sponsored, transfers_allowed, wire,
    },
    sponsor_server::{Manner, SponsorServer, allows, denies},
};

const EXECUTE: &str = "paymaster_executeTransaction";
const BUILD: &str = "paymaster_buildTransaction";
const CAN_SPONSOR: &str = "paymaster_canSponsor";
const YES: &str = r#"{"decision":"allow"}"#;

fn transfer(amount: u128) -> Call {
    TOKEN.transfer(TO, Fri(amount))
}

/// A policy whose transfers the server decides about.
fn asks(url: &str, on_failure: &str) -> Value {
    let mut document = transfers_allowed();
    document["rules"][0]["action"] =
        json!({ "ask": { "url": url, "timeout_ms": 3_000, "on_failure": on_failure } });
    document
}

fn request(world: &DeskWorld, user: usize) -> Value {
    let invoke = json!({ "user_address": world.address(user), "calls": [wire(&transfer(5))] });
    let transaction = json!({ "type": "invoke", "invoke": invoke });
    json!({ "transaction": transaction, "parameters": sponsored() })
}

/// A world whose sponsor asks `server`, and the program that does.
async fn world_that_asks(server: &SponsorServer) -> (DeskWorld, Program) {
    let world = DeskWorld::start().await;
    world.allow(&asks(&server.url(), "deny")).await;
    let program = world.program(&Settings { env: server.env(), ..Settings::default() }).await;
    (world, program)
}

async fn built(world: &DeskWorld, program: &Program) -> Value {
    let built = program.build(world.address(USER), &[transfer(5)], &sponsored()).await;
    Program::executable(world, USER, &built, &sponsored())
}

async fn assert_denied(program: &Program, method: &str, params: Value, reason: &str) -> Value {
    let (code, data) = program.fault(method, params).await;
    assert_eq!((code, &data["reason"]), (156, &json!(reason)), "{method}: {data}");
    data
}

async fn count(world: &DeskWorld, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    world.client.query_one(&sql, &[]).await.unwrap().get(0)
}

async fn assert_nothing_happened(world: &DeskWorld) {
    for table in ["operation", "reservation", "hold", "relay_transaction"] {
        assert_eq!(count(world, table).await, 0, "{table}");
    }
    assert_eq!(world.balance(TO).await, Fri(0));
}

/// How often it was refused, by reason.
async fn denials(world: &DeskWorld) -> Vec<(String, String, i64)> {
    let sql = "select reason, rule_id, denials::bigint from denial order by reason";
    let rows = world.client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn what_the_sponsors_server_allows_is_carried_and_it_was_asked_at_each_step_by_who_it_knows()
{
    let server = SponsorServer::start().await;
    let (world, program) = world_that_asks(&server).await;
    let dry = program.result(CAN_SPONSOR, request(&world, USER)).await;
    assert_eq!(dry["sponsored"], true, "{dry}");
    program.carry(&world, USER, &[transfer(5)], &sponsored()).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5));
    let keys: Value =
        reqwest::get(format!("{}webhook-key", program.url)).await.unwrap().json().await.unwrap();
    let [key] = &keys["keys"].as_array().unwrap()[..] else { panic!("{keys}") };
    let asked = server.asked();
    let phases: Vec<Value> = asked.iter().map(|asked| asked.json()["phase"].take()).collect();
    assert_eq!(phases, ["dry_run", "build", "execute"]);
    for asked in &asked {
        assert!(asked.is_signed(key.as_str().unwrap(), &asked.body));
        let body = asked.json();
        assert_eq!(body["account"], json!(format!("{:#x}", world.address(USER).0)));
        assert_eq!(body["calls"], json!([wire(&transfer(5))]));
        assert_eq!((&body["rule"], &body["policy_revision"]), (&json!("transfers"), &json!(2)));
        assert_eq!(body["message_hash"].is_string(), body["phase"] == "execute", "{body}");
    }
    // What was signed is what the chain was told.
    let sql = "select message_hash from operation";
    let stored: String = world.client.query_one(sql, &[]).await.unwrap().get(0);
    let said =
        asked[2].json()["message_hash"].as_str().unwrap().trim_start_matches("0x").to_owned();
    assert!(stored.ends_with(&said), "{stored} and {said}");
}

#[tokio::test]
async fn what_it_denies_is_not_paid_for_and_a_change_of_mind_counts() {
    let server = SponsorServer::start().await;
    let (world, program) = world_that_asks(&server).await;
    let params = built(&world, &program).await;
    server.behave(denies("enough for today"));
    let data = assert_denied(&program, EXECUTE, params.clone(), "webhook_denied").await;
    assert_eq!(data["rule"], "transfers");
    let words = data["execution_error"].as_str().unwrap();
    assert!(words.contains("enough for today"), "{words}");
    assert_denied(&program, BUILD, request(&world, USER), "webhook_denied").await;
    let dry = program.result(CAN_SPONSOR, request(&world, USER)).await;
    assert_eq!(
        (&dry["sponsored"], &dry["denial"]["reason"]),
        (&json!(false), &json!("webhook_denied"))
    );
    assert_nothing_happened(&world).await;
    assert_eq!(
        denials(&world).await,
        [("webhook_denied".to_owned(), "transfers".to_owned(), 3)],
        "each is counted"
    );
    // And back: what was refused a moment ago is not refused for ever.
    server.behave(allows());
    program.result(EXECUTE, params).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5));
}

#[tokio::test]
async fn without_an_answer_the_rule_says_what_holds() {
    let server = SponsorServer::start().await;
    let (world, program) = world_that_asks(&server).await;
    let params = built(&world, &program).await;
    server.behave(Manner::Says(500, YES.to_owned()));
    let data = assert_denied(&program, EXECUTE, params.clone(), "webhook_failed").await;
    assert_eq!(data["rule"], "transfers");
    server.behave(Manner::Never);
    assert_denied(&program, BUILD, request(&world, USER), "webhook_failed").await;
    assert_nothing_happened(&world).await;
    assert_eq!(denials(&world).await, [("webhook_failed".to_owned(), "transfers".to_owned(), 2)]);
    server.behave(Manner::Says(500, YES.to_owned()));
    world.allow(&asks(&server.url(), "allow")).await;
    program.result(EXECUTE, params).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5));
    // A clear no is no failure.
    server.behave(denies(""));
    assert_denied(&program, BUILD, request(&world, USER), "webhook_denied").await;
}

#[tokio::test]
async fn a_paymaster_without_a_key_asks_nobody_and_pays_for_nothing_by_such_a_rule() {
    let server = SponsorServer::start().await;
    let world = DeskWorld::start().await;
    world.allow(&asks(&server.url(), "allow")).await;
    let env = server.env().into_iter().filter(|(name, _)| !name.ends_with("KEY_FILE")).collect();
    let program = world.program(&Settings { env, ..Settings::default() }).await;
    assert_denied(&program, BUILD, request(&world, USER), "webhook_unsupported").await;
    let keys: Value =
        reqwest::get(format!("{}webhook-key", program.url)).await.unwrap().json().await.unwrap();
    assert_eq!((keys, server.count()), (json!({ "keys": [] }), 0));
    drop(program);
    // Nor does one that must not call this machine.
    let env = server.env().into_iter().filter(|(name, _)| !name.ends_with("PRIVATE")).collect();
    let program = world.program(&Settings { env, ..Settings::default() }).await;
    world.allow(&asks("https://localhost/", "deny")).await;
    assert_denied(&program, BUILD, request(&world, USER), "webhook_failed").await;
    assert_eq!(server.count(), 0);
    assert_nothing_happened(&world).await;
}

#[tokio::test]
async fn the_limits_of_a_rule_hold_whatever_the_server_allows() {
    let server = SponsorServer::start().await;
    let (world, program) = world_that_asks(&server).await;
    let mut document = asks(&server.url(), "deny");
    document["rules"][0]["limits"] =
        json!([{ "measure": "operations", "per": "rule", "window": "lifetime", "at_most": "1" }]);
    world.allow(&document).await;
    program.carry(&world, USER, &[transfer(5)], &sponsored()).await;
    let params = built(&world, &program).await;
    assert_denied(&program, EXECUTE, params, "limit_reached").await;
    program.settled(&world).await;
    assert_eq!((world.balance(TO).await, count(&world, "reservation").await), (Fri(5), 1));
}

#[tokio::test]
async fn a_policy_that_changes_while_its_server_thinks_is_asked_anew() {
    let server = SponsorServer::start().await;
    let (world, program) = world_that_asks(&server).await;
    let params = built(&world, &program).await;
    server.behave(Manner::Holds(YES.to_owned()));
    let executing = program.ask(EXECUTE, params.clone());
    let meanwhile = async {
        server.until_asked(2).await;
        let mut document = transfers_allowed();
        document["rules"][0]["action"] = json!("deny");
        world.allow(&document).await;
        server.release();
    };
    let (reply, ()) = tokio::join!(executing, meanwhile);
    assert_eq!(reply["error"]["data"]["reason"], "policy_denied", "{reply}");
    assert_nothing_happened(&world).await;
    // Where the new one asks too, its answer is the one that counts, and is what is written down.
    world.allow(&asks(&server.url(), "deny")).await;
    let newest = asks(&server.url(), "allow");
    let before = server.count();
    let executing = program.ask(EXECUTE, params);
    let meanwhile = async {
        server.until_asked(before + 1).await;
        world.allow(&newest).await;
        server.behave(allows());
        server.release();
    };
    let (reply, ()) = tokio::join!(executing, meanwhile);
    assert!(reply.get("result").is_some(), "{reply}");
    assert_eq!(server.count(), before + 2);
    let revision: i32 =
        world.client.query_one("select revision from reservation", &[]).await.unwrap().get(0);
    assert_eq!(json!(revision), server.asked()[before + 1].json()["policy_revision"]);
    program.settled(&world).await;
}

#[tokio::test]
async fn who_waits_for_a_sponsors_server_keeps_no_connection_from_others() {
    // More than there are connections for requests.
    const SLOW: usize = 20;
    let server = SponsorServer::start().await;
    let (world, program) = world_that_asks(&server).await;
    server.behave(Manner::Holds(YES.to_owned()));
    let slow = join_all((0..SLOW).map(|_| program.ask(CAN_SPONSOR, request(&world, USER))));
    let meanwhile = async {
        server.until_asked(SLOW).await;
        let tracking = json!({ "tracking_id": "0x7" });
        let (code, _) = program.fault("paymaster_trackingIdToLatestHash", tracking).await;
        assert_eq!(code, 160, "it has looked");
        server.release();
    };
    let (replies, ()) = tokio::join!(slow, meanwhile);
    let yes = |reply: &&Value| reply["result"]["sponsored"] == true;
    assert_eq!(replies.iter().filter(yes).count(), SLOW, "{replies:?}");
}
