//! What operations cost on chain, out of `contracts/gas.json`, which a test measures and holds; nothing is measured here.

use std::{collections::BTreeMap, fs};

use anyhow::Context;
use serde::Serialize;

use crate::latency::round;

/// A transfer of STRK by an `OpenZeppelin` account through AVNU's forwarder, sponsored, as it was measured on the same devnet. It
/// relays one operation in a transaction, so this is its figure however many there are.
const AVNU: f64 = 2_960_720.0;
/// The same transfer by the account itself.
const ITSELF: f64 = 1_447_040.0;

/// L2 gas for each operation: a sponsored transfer of STRK.
#[derive(Debug, Serialize)]
pub(super) struct Gas {
    by_the_account_itself: f64,
    avnu: f64,
    /// By how many share a transaction.
    openzeppelin: BTreeMap<u32, f64>,
    /// A fleet's owner, whose account keeps its nonces in bitmaps.
    fleet_owner: BTreeMap<u32, f64>,
    /// A device of a fleet whose tree is ten deep, before any call of its own.
    fleet_device_without_calls: BTreeMap<u32, f64>,
}

pub(super) fn read() -> anyhow::Result<Gas> {
    let path = crate::root()?.join("contracts/gas.json");
    let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let measured: BTreeMap<String, u32> = serde_json::from_slice(&text)?;
    let each = |counts: &[u32], name: &dyn Fn(u32) -> String| {
        let one = |count: &u32| {
            let name = name(*count);
            let gas = measured.get(&name).with_context(|| format!("no `{name}` was measured"))?;
            Ok((*count, (f64::from(*gas) / f64::from(*count)).round()))
        };
        counts.iter().map(one).collect::<anyhow::Result<BTreeMap<u32, f64>>>()
    };
    Ok(Gas {
        by_the_account_itself: ITSELF,
        avnu: AVNU,
        openzeppelin: each(&[1, 10, 50, 100, 200], &|n| format!("forward_{n}"))?,
        fleet_owner: each(&[1, 10, 50], &|n| format!("fleet_owner_forward_{n}"))?,
        fleet_device_without_calls: each(&[1, 10, 50], &|n| {
            format!("fleet_depth_10_forward_{n}_without_calls")
        })?,
    })
}

impl Gas {
    pub(super) fn ratios(&self) -> BTreeMap<&'static str, f64> {
        let at_50 =
            |by: &BTreeMap<u32, f64>, of: f64| round(by.get(&50).map_or(f64::NAN, |gas| gas / of));
        BTreeMap::from([
            ("gas_at_50_over_avnu", at_50(&self.openzeppelin, AVNU)),
            ("gas_at_50_over_the_account_itself", at_50(&self.openzeppelin, ITSELF)),
            ("fleet_owner_gas_at_50_over_avnu", at_50(&self.fleet_owner, AVNU)),
            ("fleet_owner_gas_at_50_over_the_account_itself", at_50(&self.fleet_owner, ITSELF)),
        ])
    }

    pub(super) fn rows(&self) -> [(&'static str, &BTreeMap<u32, f64>); 3] {
        [
            ("OpenZeppelin account, transfer", &self.openzeppelin),
            ("fleet's owner, transfer", &self.fleet_owner),
            ("fleet's device, no call", &self.fleet_device_without_calls),
        ]
    }
}
