//! What policies allow, beside a real database: never more than there is, and nothing of it lost.

use ciro_api::{
    Address, DeviceId, Felt, Fri, OperationId, SponsorId, SponsorKeyId,
    hash::outside_execution::OutsideCall,
};
use ciro_paymaster::policy::{
    self, Decision, EndError, Operation, Policy, PolicyStoreError, ReserveError, Revision, Wanted,
};
use deadpool_postgres::Client;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    harness::{connect, fresh_database},
    ledger::{look, sponsor},
};

const TARGET: Address = Address(Felt::from_hex_unchecked("0x10"));
const FEE: u128 = 7;

/// A policy with these limits for one function of one contract.
fn document(limits: &Value) -> String {
    let calls = json!([{ "to": TARGET, "function": "post_job" }]);
    let rule =
        json!({ "id": "jobs", "when": { "calls": calls }, "limits": limits, "action": "allow" });
    json!({ "version": 1, "rules": [rule] }).to_string()
}

fn limit(measure: &str, per: &str, window: &str, at_most: u128) -> Value {
    json!({ "measure": measure, "per": per, "window": window, "at_most": at_most.to_string() })
}

/// Noon of 26 November 2026, in UTC.
fn noon() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_795_694_400).unwrap()
}

/// Who asks, and when.
#[derive(Clone, Copy)]
struct Asker {
    device: u128,
    account: u64,
    now: OffsetDateTime,
    fee: u128,
}

impl Default for Asker {
    fn default() -> Self {
        Self { device: 1, account: 0xacc, now: noon(), fee: FEE }
    }
}

async fn ask(
    client: &mut Client,
    sponsor: SponsorId,
    asker: Asker,
) -> Result<OperationId, ReserveError> {
    let id = OperationId(Uuid::now_v7());
    ask_as(client, sponsor, asker, id).await.map(|()| id)
}

async fn ask_as(
    client: &mut Client,
    sponsor: SponsorId,
    asker: Asker,
    id: OperationId,
) -> Result<(), ReserveError> {
    let (revision, document) = policy::current(&***client, sponsor).await.unwrap().unwrap();
    let calls = [OutsideCall {
        to: TARGET,
        selector: ciro_contracts::selector("post_job"),
        calldata: Vec::new(),
    }];
    let operation = Operation {
        key: SponsorKeyId(Uuid::from_u128(1)),
        account: Address(Felt::from(asker.account)),
        class_hash: Felt::ONE,
        deploys: false,
        device: Some(DeviceId(Uuid::from_u128(asker.device))),
        from: None,
        origin: None,
        calls: &calls,
        l2_gas: 1,
        l2_gas_price: Fri(1),
        fee: Fri(asker.fee),
        forwarder: Address(Felt::from(0xf0_u64)),
        now: asker.now,
    };
    let policy = Policy::new(document);
    let Decision::Allow(rule) = policy.decide(&operation) else { panic!("not allowed") };
    let wanted = Wanted { id, sponsor, revision, rule, operation: &operation };
    let mut tx = client.transaction().await.unwrap();
    let reserved = policy::reserve(&mut tx, &wanted).await;
    // Also after a refusal: it must have left nothing behind.
    tx.commit().await.unwrap();
    reserved
}

async fn used(client: &Client) -> String {
    let sql = "select coalesce(string_agg(used::text, ',' order by measure, per, subject, since), '') from limit_use";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn with_limits(client: &Client, limits: &Value) -> SponsorId {
    let sponsor = sponsor(client, 1_000, 0, 1_000).await;
    policy::store(&***client, sponsor, &document(limits)).await.unwrap();
    sponsor
}

/// How many of 64 that ask at the same moment are let in.
async fn race(limits: &Value, deposit: u128) -> (usize, u128) {
    let config = fresh_database().await;
    let client = connect(&config).await;
    let sponsor = sponsor(&client, deposit, 0, deposit).await;
    policy::store(&**client, sponsor, &document(limits)).await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..64 {
        let config = config.clone();
        all.spawn(async move {
            let mut client = connect(&config).await;
            ask(&mut client, sponsor, Asker { device: number, ..Asker::default() }).await.is_ok()
        });
    }
    let reserved = all.join_all().await.into_iter().filter(|reserved| *reserved).count();
    (reserved, look(&client, sponsor).await.held.0)
}

#[tokio::test]
async fn sixty_four_clients_against_money_for_ten_get_exactly_ten() {
    assert_eq!(race(&json!([]), 10 * FEE + FEE - 1).await, (10, 10 * FEE));
}

#[tokio::test]
async fn sixty_four_clients_against_a_limit_of_ten_operations_get_exactly_ten() {
    let limits = json!([limit("operations", "rule", "day", 10)]);
    assert_eq!(race(&limits, 1_000).await, (10, 10 * FEE));
}

#[tokio::test]
async fn sixty_four_clients_against_a_limit_of_spending_for_ten_get_exactly_ten() {
    let limits = json!([limit("spent_fri", "account", "lifetime", 10 * FEE + 1)]);
    assert_eq!(race(&limits, 1_000).await, (10, 10 * FEE));
}

#[tokio::test]
async fn everyone_has_a_limit_of_their_own_and_windows_begin_anew() {
    let mut client = connect(&fresh_database().await).await;
    let limits = json!([limit("operations", "device", "hour", 2)]);
    let sponsor = with_limits(&client, &limits).await;
    let one = Asker::default();
    for _ in 0..2 {
        ask(&mut client, sponsor, one).await.unwrap();
    }
    let refused = ask(&mut client, sponsor, one).await.unwrap_err();
    assert_eq!(refused.to_string(), "rule `jobs`: at most 2 operations per device and hour");
    ask(&mut client, sponsor, Asker { device: 2, ..one }).await.unwrap();
    let later = Asker { now: one.now + Duration::hours(1), ..one };
    ask(&mut client, sponsor, later).await.unwrap();
    assert_eq!(used(&client).await, "2,1,1");
}

#[tokio::test]
async fn a_refusal_by_the_last_limit_takes_nothing_of_the_others_and_no_money() {
    let mut client = connect(&fresh_database().await).await;
    let limits =
        json!([limit("spent_fri", "rule", "day", 100), limit("operations", "account", "day", 1)]);
    let sponsor = with_limits(&client, &limits).await;
    ask(&mut client, sponsor, Asker::default()).await.unwrap();
    let before = (used(&client).await, look(&client, sponsor).await.held);
    ask(&mut client, sponsor, Asker::default()).await.unwrap_err();
    assert_eq!((used(&client).await, look(&client, sponsor).await.held), before);
}

#[tokio::test]
async fn what_an_operation_did_not_cost_is_free_again() {
    let mut client = connect(&fresh_database().await).await;
    let limits =
        json!([limit("spent_fri", "rule", "day", 20), limit("operations", "rule", "day", 5)]);
    let sponsor = with_limits(&client, &limits).await;
    let id = ask(&mut client, sponsor, Asker { fee: 20, ..Asker::default() }).await.unwrap();
    ask(&mut client, sponsor, Asker::default()).await.unwrap_err();
    let tx = client.transaction().await.unwrap();
    assert_eq!(policy::capture(&tx, id, Fri(5)).await.unwrap(), Fri(5));
    tx.commit().await.unwrap();
    assert_eq!(look(&client, sponsor).await.held, Fri(5));
    assert_eq!(used(&client).await, "1,5");
    ask(&mut client, sponsor, Asker { fee: 15, ..Asker::default() }).await.unwrap();
}

#[tokio::test]
async fn of_an_operation_that_cost_more_than_was_reserved_only_that_is_captured() {
    let mut client = connect(&fresh_database().await).await;
    let sponsor = with_limits(&client, &json!([])).await;
    let id = ask(&mut client, sponsor, Asker::default()).await.unwrap();
    let tx = client.transaction().await.unwrap();
    assert_eq!(policy::capture(&tx, id, Fri(1_000)).await.unwrap(), Fri(FEE));
    tx.commit().await.unwrap();
    assert_eq!(look(&client, sponsor).await.held, Fri(FEE));
}

#[tokio::test]
async fn an_operation_that_asks_again_is_not_reserved_twice() {
    let mut client = connect(&fresh_database().await).await;
    let sponsor = with_limits(&client, &json!([limit("operations", "rule", "day", 5)])).await;
    let id = ask(&mut client, sponsor, Asker::default()).await.unwrap();
    let again = ask_as(&mut client, sponsor, Asker::default(), id).await.unwrap_err();
    assert!(matches!(again, ReserveError::Money(_)), "{again}");
    assert_eq!((look(&client, sponsor).await.held, used(&client).await.as_str()), (Fri(FEE), "1"));
}

#[tokio::test]
async fn what_a_process_had_not_committed_when_it_died_has_not_happened() {
    let config = fresh_database().await;
    let mut client = connect(&config).await;
    let sponsor = with_limits(&client, &json!([limit("operations", "rule", "day", 1)])).await;
    let id = ask(&mut client, sponsor, Asker::default()).await.unwrap();
    let tx = client.transaction().await.unwrap();
    policy::release(&tx, id).await.unwrap();
    // The connection goes with its transaction open, as that of a killed process does.
    drop(tx);
    drop(client);
    let mut other = connect(&config).await;
    ask(&mut other, sponsor, Asker::default()).await.unwrap_err();
    let tx = other.transaction().await.unwrap();
    policy::capture(&tx, id, Fri(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(look(&other, sponsor).await.held, Fri(1));
}

#[tokio::test]
async fn a_reservation_ends_once() {
    let mut client = connect(&fresh_database().await).await;
    let limits =
        json!([limit("spent_fri", "rule", "day", 20), limit("operations", "key", "month", 5)]);
    let sponsor = with_limits(&client, &limits).await;
    let id = ask(&mut client, sponsor, Asker::default()).await.unwrap();
    let tx = client.transaction().await.unwrap();
    let nothing = policy::capture(&tx, id, Fri(0)).await.unwrap_err();
    assert!(matches!(nothing, EndError::NothingSpent(_)), "{nothing}");
    policy::release(&tx, id).await.unwrap();
    let again = policy::release(&tx, id).await.unwrap_err();
    assert!(matches!(again, EndError::NotReserved(other) if other == id), "{again}");
    let captured = policy::capture(&tx, id, Fri(1)).await.unwrap_err();
    assert!(matches!(captured, EndError::NotReserved(_)), "{captured}");
    tx.commit().await.unwrap();
    assert_eq!((look(&client, sponsor).await.held, used(&client).await.as_str()), (Fri(0), "0,0"));
    let id = ask(&mut client, sponsor, Asker::default()).await.unwrap();
    let tx = client.transaction().await.unwrap();
    policy::capture(&tx, id, Fri(3)).await.unwrap();
    let released = policy::release(&tx, id).await.unwrap_err();
    assert!(matches!(released, EndError::NotReserved(_)), "{released}");
}

#[tokio::test]
async fn a_newer_revision_holds_at_once_and_counts_go_on() {
    let mut client = connect(&fresh_database().await).await;
    let sponsor = with_limits(&client, &json!([limit("operations", "rule", "day", 1)])).await;
    ask(&mut client, sponsor, Asker::default()).await.unwrap();
    ask(&mut client, sponsor, Asker::default()).await.unwrap_err();
    let wider = document(&json!([limit("operations", "rule", "day", 2)]));
    assert_eq!(policy::store(&**client, sponsor, &wider).await.unwrap(), 2);
    ask(&mut client, sponsor, Asker::default()).await.unwrap();
    ask(&mut client, sponsor, Asker::default()).await.unwrap_err();
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_or_is_nobodys_is_not_stored() {
    let client = connect(&fresh_database().await).await;
    let owner = sponsor(&client, 1, 0, 1).await;
    let bad = policy::store(&**client, owner, "{}").await.unwrap_err();
    assert!(matches!(bad, PolicyStoreError::Document(_)), "{bad}");
    let nobody = SponsorId(Uuid::now_v7());
    let stranger = policy::store(&**client, nobody, &document(&json!([]))).await.unwrap_err();
    assert!(matches!(stranger, PolicyStoreError::UnknownSponsor(_)), "{stranger}");
    assert!(policy::current(&**client, owner).await.unwrap().is_none());
}

#[tokio::test]
async fn writers_at_the_same_moment_get_one_revision_each() {
    let config = fresh_database().await;
    let client = connect(&config).await;
    let owner = sponsor(&client, 1, 0, 1).await;
    let mut writers = JoinSet::new();
    for number in 0..16 {
        let config = config.clone();
        writers.spawn(async move {
            let client = connect(&config).await;
            let document = document(&json!([limit("operations", "rule", "day", number)]));
            policy::store(&**client, owner, &document).await.unwrap()
        });
    }
    let mut revisions = writers.join_all().await;
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=16).collect::<Vec<_>>());
}

#[tokio::test]
async fn of_writers_that_saw_the_same_revision_one_is_taken_and_the_others_are_told() {
    let config = fresh_database().await;
    let client = connect(&config).await;
    let owner = sponsor(&client, 1, 0, 1).await;
    let empty = document(&json!([]));
    let first = policy::store_over(&**client, owner, &empty, 1..=1).await.unwrap_err();
    assert!(matches!(first, PolicyStoreError::Overtaken { newest: 0 }), "{first}");
    let mut writers = JoinSet::new();
    for _ in 0..16 {
        let (config, empty) = (config.clone(), empty.clone());
        writers.spawn(async move {
            let client = connect(&config).await;
            policy::store_over(&**client, owner, &empty, 0..=0).await
        });
    }
    let (stored, refused): (Vec<_>, Vec<_>) =
        writers.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((stored.len(), refused.len()), (1, 15));
    for refusal in refused {
        assert!(matches!(refusal, Err(PolicyStoreError::Overtaken { newest: 1 })), "{refusal:?}");
    }
    assert_eq!(policy::store_over(&**client, owner, &empty, 1..=1).await.unwrap(), 2);
}

#[tokio::test]
async fn every_revision_is_kept_as_it_was_written() {
    let client = connect(&fresh_database().await).await;
    let owner = sponsor(&client, 1, 0, 1).await;
    let odd = "\n{\"rules\" : [ ],\r\n\t\"version\":1 }  ".to_owned();
    for text in [&odd, &document(&json!([]))] {
        policy::store(&**client, owner, text).await.unwrap();
    }
    let found = async |number| policy::revision(&**client, owner, number).await.unwrap();
    let of = |number, document: &str| Some(Revision { number, document: document.to_owned() });
    assert_eq!(found(Some(1)).await, of(1, &odd));
    assert_eq!(found(None).await, of(2, &document(&json!([]))));
    assert_eq!(found(Some(3)).await, None);
    let other = SponsorId(Uuid::now_v7());
    assert_eq!(policy::revision(&**client, other, Some(1)).await.unwrap(), None);
}
