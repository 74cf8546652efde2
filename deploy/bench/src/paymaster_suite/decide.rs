//! How long a policy of a thousand rules takes to decide, where the last one does.

use std::{hint::black_box, time::Instant};

use ciro_api::{Address, Felt, Fri, SponsorKeyId, hash::outside_execution::OutsideCall};
use ciro_paymaster::policy::{Operation, Policy, PolicyDocument, Selector};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::latency::round;

const RULES: usize = 1_000;
const TIMES: u32 = 20_000;

/// Microseconds for one decision, the mean of many.
#[derive(Debug, Serialize)]
pub(super) struct Decisions {
    pub(super) named_calls: f64,
    pub(super) looking_at_all: f64,
}

pub(super) fn measure() -> anyhow::Result<Decisions> {
    Ok(Decisions {
        named_calls: one(|n| json!({ "to": format!("{n:#x}"), "function": format!("f{n}") }))?,
        looking_at_all: one(|n| json!({ "function": format!("f{n}") }))?,
    })
}

fn one(pattern: impl Fn(usize) -> Value) -> anyhow::Result<f64> {
    let rule = |n: usize| json!({ "id": format!("r{n}"), "when": { "calls": [pattern(n)] }, "action": "allow" });
    let rules: Vec<Value> = (0..RULES).map(rule).collect();
    let document = json!({ "version": 1, "rules": rules }).to_string();
    let policy = Policy::new(PolicyDocument::parse(document.as_bytes())?);
    let last = RULES - 1;
    let function = Selector::parse(&format!("f{last}")).map_err(anyhow::Error::msg)?;
    let calls = [OutsideCall {
        to: Address(Felt::from(last)),
        selector: function.felt(),
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
    let begun = Instant::now();
    for _ in 0..TIMES {
        black_box(policy.decide(black_box(&operation)));
    }
    Ok(round(begun.elapsed().as_secs_f64() * 1_000_000.0 / f64::from(TIMES)))
}
