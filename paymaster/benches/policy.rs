//! How long a decision takes, where the rule that decides is the last of a thousand: found by the call that it names, and by
//! looking at every rule because none names a contract.

use std::hint::black_box;

use ciro_api::{Address, Felt, Fri, SponsorKeyId, hash::outside_execution::OutsideCall};
use ciro_paymaster::policy::{Decision, Operation, Policy, PolicyDocument};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

const RULES: usize = 1_000;

fn policy(pattern: impl Fn(usize) -> Value) -> Policy {
    let rule = |number: usize| json!({ "id": format!("r{number}"), "when": { "calls": [pattern(number)] }, "action": "allow" });
    let rules: Vec<Value> = (0..RULES).map(rule).collect();
    let document = json!({ "version": 1, "rules": rules }).to_string();
    match PolicyDocument::parse(document.as_bytes()) {
        Ok(document) => Policy::new(document),
        Err(error) => unreachable!("the document is good: {error}"),
    }
}

fn decide(criterion: &mut Criterion) {
    let last = RULES - 1;
    let calls = [OutsideCall {
        to: Address(Felt::from(last)),
        selector: ciro_contracts::selector(&format!("f{last}")),
        calldata: vec![Felt::ONE; 8],
    }];
    let operation = Operation {
        key: SponsorKeyId(Uuid::nil()),
        account: Address(Felt::from(0xacc_u64)),
        class_hash: Felt::ONE,
        deploys: false,
        device: None,
        from: None,
        origin: None,
        calls: &calls,
        l2_gas: 1,
        l2_gas_price: Fri(1),
        fee: Fri(1),
        forwarder: Address(Felt::from(0xf0_u64)),
        now: OffsetDateTime::UNIX_EPOCH,
    };
    let named = policy(|n| json!({ "to": format!("{n:#x}"), "function": format!("f{n}") }));
    let anywhere = policy(|n| json!({ "function": format!("f{n}") }));
    for (name, policy) in [("named", &named), ("anywhere", &anywhere)] {
        assert!(matches!(policy.decide(&operation), Decision::Allow(_)), "{name}");
        criterion.bench_function(&format!("policy/1000-rules/{name}"), |bencher| {
            bencher.iter(|| black_box(policy.decide(black_box(&operation))));
        });
    }
}

criterion_group!(benches, decide);
criterion_main!(benches);
