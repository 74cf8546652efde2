use ciro_api::{Address, DeviceId, Felt, Fri, SponsorKeyId, hash::outside_execution::OutsideCall};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::*;

/// Noon of 26 November 2026, in UTC.
fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_795_694_400).unwrap()
}

fn address(number: u64) -> Address {
    Address(Felt::from(number))
}

fn call(to: u64, function: &str, calldata: &[u64]) -> OutsideCall {
    OutsideCall {
        to: address(to),
        selector: ciro_contracts::selector(function),
        calldata: calldata.iter().copied().map(Felt::from).collect(),
    }
}

fn operation(calls: &[OutsideCall]) -> Operation<'_> {
    Operation {
        key: SponsorKeyId(Uuid::from_u128(1)),
        account: address(0xacc),
        class_hash: Felt::from(0xc1a_u64),
        deploys: false,
        device: Some(DeviceId(Uuid::from_u128(7))),
        from: Some([203, 0, 113, 9].into()),
        origin: Some("https://game.example"),
        calls,
        l2_gas: 1_000_000,
        l2_gas_price: Fri(8_000_000_000),
        fee: Fri(8_000_000_000_000_000),
        forwarder: address(0xf0),
        now: now(),
    }
}

fn rule(id: &str, to: &str, function: &str) -> Value {
    json!({ "id": id, "when": { "calls": [{ "to": to, "function": function }] }, "action": "allow" })
}

fn policy(rules: &[Value]) -> Policy {
    Policy::new(parse(&json!({ "version": 1, "rules": rules })).unwrap())
}

fn parse(document: &Value) -> Result<PolicyDocument, DocumentError> {
    PolicyDocument::parse(document.to_string().as_bytes())
}

fn denied(policy: &Policy, operation: &Operation<'_>) -> (Option<String>, Reason) {
    match policy.decide(operation) {
        Decision::Deny(Denial { rule, reason }) => (rule.map(|rule| rule.to_string()), reason),
        other => panic!("not denied: {other:?}"),
    }
}

fn allowed_by(policy: &Policy, operation: &Operation<'_>) -> Option<String> {
    match policy.decide(operation) {
        Decision::Allow(rule) => Some(rule.id.to_string()),
        _ => None,
    }
}

#[test]
fn what_no_rule_allows_is_denied() {
    let calls = [call(0x10, "post_job", &[])];
    assert_eq!(denied(&policy(&[]), &operation(&calls)), (None, Reason::NoRule));
    let allows = policy(&[rule("jobs", "0x10", "post_job")]);
    assert_eq!(allowed_by(&allows, &operation(&calls)).as_deref(), Some("jobs"));
    for other in [call(0x11, "post_job", &[]), call(0x10, "reclaim", &[])] {
        assert_eq!(denied(&allows, &operation(&[other])), (None, Reason::NoRule));
    }
}

#[test]
fn every_call_of_an_operation_must_be_allowed_by_one_rule() {
    let both = json!({
        "id": "both", "action": "allow",
        "when": { "calls": [{ "to": "0x10", "function": "approve" }, { "to": "0x11", "function": "post_job" }] },
    });
    let both = policy(&[both]);
    let calls = [call(0x10, "approve", &[]), call(0x11, "post_job", &[])];
    assert!(allowed_by(&both, &operation(&calls)).is_some());
    let apart = policy(&[rule("one", "0x10", "approve"), rule("two", "0x11", "post_job")]);
    assert_eq!(denied(&apart, &operation(&calls)), (None, Reason::NoRule));
    let smuggled = [calls[0].clone(), calls[1].clone(), call(0x12, "transfer", &[])];
    assert_eq!(denied(&both, &operation(&smuggled)), (None, Reason::NoRule));
}

#[test]
fn one_forbidden_call_forbids_the_whole_operation() {
    let forbids = json!({
        "id": "no-approvals", "action": "deny", "when": { "calls": [{ "function": "approve" }] },
    });
    let allows = json!({
        "id": "game", "action": "allow",
        "when": { "calls": [{ "to": "0x10", "function": "move" }, { "to": "0x10", "function": "approve" }] },
    });
    let policy = policy(&[forbids, allows]);
    let good = [call(0x10, "move", &[])];
    assert_eq!(allowed_by(&policy, &operation(&good)).as_deref(), Some("game"));
    let bad = [call(0x10, "move", &[]), call(0x10, "approve", &[])];
    assert_eq!(
        denied(&policy, &operation(&bad)),
        (Some("no-approvals".to_owned()), Reason::Denied)
    );
}

#[test]
fn the_first_rule_that_fits_decides() {
    let user_pays = json!({
        "id": "dear", "action": "user_pays", "when": { "calls": [{ "to": "0x10", "function": "mint" }] },
    });
    let policy = policy(&[user_pays, rule("cheap", "0x10", "mint")]);
    let calls = [call(0x10, "mint", &[])];
    assert!(
        matches!(policy.decide(&operation(&calls)), Decision::UserPays(rule) if rule.id.to_string() == "dear")
    );
}

#[test]
fn arguments_are_compared_as_numbers_and_one_that_is_missing_fits_nothing() {
    let with = |is: Value| {
        let arguments = json!([{ "at": 1, "is": is }]);
        policy(&[json!({
            "id": "a", "action": "allow",
            "when": { "calls": [{ "to": "0x10", "function": "pay", "arguments": arguments }] },
        })])
    };
    let fits = |is: Value, calldata: &[u64]| {
        allowed_by(&with(is), &operation(&[call(0x10, "pay", calldata)])).is_some()
    };
    assert!(fits(json!({ "equals": "0x0a" }), &[0, 10]));
    assert!(!fits(json!({ "equals": "10" }), &[10, 0]));
    assert!(fits(json!({ "one_of": ["1", "2"] }), &[0, 2]));
    assert!(!fits(json!({ "one_of": ["1", "2"] }), &[0, 3]));
    assert!(
        fits(json!({ "at_most": "100" }), &[0, 100])
            && !fits(json!({ "at_most": "100" }), &[0, 101])
    );
    assert!(
        fits(json!({ "at_least": "100" }), &[0, 100])
            && !fits(json!({ "at_least": "100" }), &[0, 99])
    );
    assert!(!fits(json!({ "at_most": "100" }), &[0]));
}

#[test]
fn who_asks_and_from_where_are_conditions() {
    let calls = [call(0x10, "post_job", &[])];
    let with = |condition: &str, value: Value| {
        let mut rule = rule("r", "0x10", "post_job");
        rule["when"][condition] = json!([value]);
        policy(&[rule])
    };
    let key = |number| json!(SponsorKeyId(Uuid::from_u128(number)));
    let device = |number| json!(DeviceId(Uuid::from_u128(number)));
    for (condition, own, others) in [
        ("keys", key(1), key(2)),
        ("accounts", json!("0xacc"), json!("0xacd")),
        ("classes", json!("0xc1a"), json!("0xc1b")),
        ("devices", device(7), device(8)),
        ("networks", json!("203.0.113.0/24"), json!("198.51.100.0/24")),
        ("origins", json!("https://game.example"), json!("https://evil.example")),
    ] {
        assert!(allowed_by(&with(condition, own), &operation(&calls)).is_some(), "{condition}");
        let policy = with(condition, others);
        assert_eq!(denied(&policy, &operation(&calls)), (None, Reason::NoRule), "{condition}");
        let [(_, why)] = policy.explain(&operation(&calls))[..] else { panic!() };
        assert!(why.is_some(), "{condition}");
    }
    let nobody = Operation { device: None, from: None, origin: None, ..operation(&calls) };
    for condition in ["devices", "networks", "origins"] {
        let own = match condition {
            "devices" => device(7),
            "networks" => json!("0.0.0.0/0"),
            _ => json!("https://game.example"),
        };
        assert_eq!(denied(&with(condition, own), &nobody).1, Reason::NoRule, "{condition}");
    }
}

#[test]
fn what_is_over_a_ceiling_is_denied_with_both_numbers() {
    let calls = [call(0x10, "post_job", &[])];
    let with = |ceilings: Value| {
        let mut rule = rule("r", "0x10", "post_job");
        rule["ceilings"] = ceilings;
        policy(&[rule])
    };
    assert!(allowed_by(&with(json!({ "l2_gas": 1_000_000 })), &operation(&calls)).is_some());
    let (rule, reason) = denied(&with(json!({ "l2_gas": 999_999 })), &operation(&calls));
    assert_eq!(rule.as_deref(), Some("r"));
    assert_eq!(reason, Reason::GasOverCeiling { found: 1_000_000, most: 999_999 });
    let (_, reason) = denied(&with(json!({ "l2_gas_price_fri": "1" })), &operation(&calls));
    assert!(matches!(reason, Reason::PriceOverCeiling { .. }), "{reason}");
    let (_, reason) = denied(&with(json!({ "fee_fri": "1" })), &operation(&calls));
    assert!(matches!(reason, Reason::FeeOverCeiling { .. }), "{reason}");
}

#[test]
fn nothing_is_paid_for_outside_of_a_policys_time() {
    let calls = [call(0x10, "post_job", &[])];
    let document = json!({
        "version": 1, "rules": [rule("r", "0x10", "post_job")],
        "starts_at": "2026-11-26T11:00:00Z", "ends_at": "2026-11-26T13:00:00Z",
    });
    let policy = Policy::new(parse(&document).unwrap());
    let at = |hours| Operation { now: now() + Duration::hours(hours), ..operation(&calls) };
    assert!(allowed_by(&policy, &at(0)).is_some() && allowed_by(&policy, &at(-1)).is_some());
    assert_eq!(denied(&policy, &at(-2)).1, Reason::NotStarted);
    assert_eq!(denied(&policy, &at(1)).1, Reason::Ended);
}

#[test]
fn no_rule_allows_what_a_sponsor_never_pays_for() {
    let everything = json!({
        "id": "all", "action": "allow",
        "when": { "calls": [{ "function": "set_public_key" }, { "function": "execute_batch" }] },
    });
    let policy = policy(&[everything]);
    for (to, reason) in [(0xacc, Reason::CallsItself), (0xf0, Reason::CallsForwarder)] {
        for function in ["set_public_key", "execute_batch"] {
            let calls = [call(0x10, "set_public_key", &[]), call(to, function, &[])];
            assert_eq!(denied(&policy, &operation(&calls)), (None, reason));
        }
    }
    assert_eq!(denied(&policy, &operation(&[])), (None, Reason::NoCall));
}

#[test]
fn a_document_that_means_something_else_than_it_says_is_refused() {
    let good = json!({ "version": 1, "rules": [rule("r", "0x10", "post_job")] });
    assert!(parse(&good).is_ok());
    let with = |pointer: &str, value: Value| {
        let mut document = good.clone();
        match pointer.rsplit_once('/') {
            Some((parent, member)) => {
                document.pointer_mut(parent).unwrap()[member] = value;
            }
            None => panic!("{pointer}"),
        }
        parse(&document)
    };
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/surprise", json!(1)),
        ("/rules/0/surprise", json!(1)),
        ("/rules/0/when/contracts", json!(["0x1"])),
        ("/rules/0/when/calls", json!([])),
        ("/rules/0/when", json!({})),
        ("/rules/0/id", json!("A rule")),
        ("/rules/0/action", json!("maybe")),
        ("/rules/0/when/calls/0/function", json!("post job")),
        ("/rules/0/when/calls/0/to", json!("0xg")),
        ("/rules/0/when/networks", json!(["203.0.113.0/99"])),
        (
            "/rules/0/action",
            json!({ "ask": { "url": "http://a.example", "timeout_ms": 9, "on_failure": "deny" } }),
        ),
        ("/rules/0/action", json!({ "ask": { "url": "https://a.example", "timeout_ms": 9 } })),
        (
            "/rules/0/action",
            json!({ "ask": { "url": "https://a.example", "timeout_ms": 9_000, "on_failure": "deny" } }),
        ),
        ("/ends_at", json!("yesterday")),
        ("/ends_at", json!(null)),
        ("/rules/0/when/devices", json!(null)),
        ("/rules/0/when/calls/0/to", json!(null)),
        ("/rules/0/ceilings", json!({ "l2_gas": null })),
    ] {
        assert!(with(pointer, value.clone()).is_err(), "{pointer}: {value} was accepted");
    }
    let twice = json!({ "version": 1, "rules": [rule("r", "0x1", "a"), rule("r", "0x2", "b")] });
    assert!(matches!(parse(&twice), Err(DocumentError::RuleTwice { place: 1, .. })));
    let many: Vec<Value> = (0..1_001).map(|n| rule(&format!("r{n}"), "0x1", "a")).collect();
    let many = json!({ "version": 1, "rules": many });
    assert!(matches!(parse(&many), Err(DocumentError::TooManyRules(1_001))));
    let backwards = json!({
        "version": 1, "rules": [], "starts_at": "2026-11-26T11:00:00Z", "ends_at": "2026-11-26T11:00:00Z",
    });
    assert!(matches!(parse(&backwards), Err(DocumentError::NoTime)));
    let limited = json!({ "version": 1, "rules": [{
        "id": "r", "action": "deny",
        "limits": [{ "measure": "operations", "per": "device", "window": "day", "at_most": "5" }],
    }] });
    assert!(matches!(parse(&limited), Err(DocumentError::Rule { .. })));
}

/// The index must find what looking at every rule in order would.
fn by_looking_at_all<'a>(
    document: &'a PolicyDocument,
    operation: &Operation<'_>,
) -> Option<&'a RuleId> {
    let fits = |rule: &Rule| {
        let alone = PolicyDocument { rules: vec![rule.clone()], ..document.clone() };
        matches!(Policy::new(alone).explain(operation)[..], [(_, None)])
    };
    document.rules.iter().find(|rule| fits(rule)).map(|rule| &rule.id)
}

fn any_rule(number: usize) -> impl Strategy<Value = Value> {
    let pattern = (prop::option::of(0..3_u64), 0..3_u64).prop_map(|(to, function)| match to {
        Some(to) => json!({ "to": format!("{to:#x}"), "function": format!("f{function}") }),
        None => json!({ "function": format!("f{function}") }),
    });
    let action = prop_oneof![Just("allow"), Just("deny"), Just("user_pays")];
    (prop::collection::vec(pattern, 1..3), action).prop_map(move |(calls, action)| {
        json!({ "id": format!("r{number}"), "when": { "calls": calls }, "action": action })
    })
}

proptest! {
    #[test]
    fn the_index_finds_the_rule_that_looking_at_all_finds(
        rules in (1..12_usize).prop_flat_map(|count| (0..count).map(any_rule).collect::<Vec<_>>()),
        calls in prop::collection::vec((0..3_u64, 0..3_u64), 1..4),
    ) {
        let calls: Vec<OutsideCall> =
            calls.into_iter().map(|(to, function)| call(to, &format!("f{function}"), &[])).collect();
        let operation = operation(&calls);
        let document = parse(&json!({ "version": 1, "rules": rules })).unwrap();
        let expected = by_looking_at_all(&document, &operation).map(ToString::to_string);
        let policy = Policy::new(document.clone());
        let found = match policy.decide(&operation) {
            Decision::Allow(rule) | Decision::Ask(rule, _) | Decision::UserPays(rule) => Some(rule.id.to_string()),
            Decision::Deny(Denial { rule, .. }) => rule.map(|rule| rule.to_string()),
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn wild_documents_never_panic(text in ".{0,300}") {
        let _parsed = PolicyDocument::parse(text.as_bytes());
    }
}
