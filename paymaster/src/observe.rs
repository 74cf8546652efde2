//! What a paymaster measures. Labels take few values, and all of them are words.

use ciro_api::{Address, Fri};
use ciro_contracts::{Chain, Token};
use ciro_telemetry::{Family, Kind};
use metrics::{counter, gauge};

use crate::{health::StatementCounts, settle::Step, snip29::Method, watch::Progress};

/// Everything that a paymaster measures.
pub static FAMILIES: [Family; 15] = [
    Family {
        name: "ciro_paymaster_statements_closed_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Statements that were closed",
    },
    Family {
        name: "ciro_paymaster_statements_signed_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Statements that were signed as the operator",
    },
    Family {
        name: "ciro_paymaster_statements",
        kind: Kind::Gauge,
        labels: &["state"],
        help: "Statements by where they stand: closed, countersigned, sent, settled, refused or uncovered",
    },
    Family {
        name: "ciro_paymaster_settlements_total",
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "Settlement transactions: sent, as often as it took, or failed for good",
    },
    Family {
        name: "ciro_paymaster_watcher_lag_blocks",
        kind: Kind::Gauge,
        labels: &[],
        help: "How many blocks the mirror is behind the chain",
    },
    Family {
        name: "ciro_paymaster_chain_reachable",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 if the node answered the watcher the last time, else 0",
    },
    Family {
        name: "ciro_paymaster_reorganisations_total",
        kind: Kind::Counter,
        labels: &[],
        help: "How often the chain has taken blocks back that were mirrored",
    },
    Family {
        name: "ciro_paymaster_operator_balance_strk",
        kind: Kind::Gauge,
        labels: &[],
        help: "What the operator's account has left for fees",
    },
    Family {
        name: "ciro_paymaster_loop_failures_total",
        kind: Kind::Counter,
        labels: &["part"],
        help: "Rounds that came to nothing: of the watcher, the closer, the settler, a relayer, the treasurer or the collector",
    },
    Family {
        name: "ciro_paymaster_relayer_balance_strk",
        kind: Kind::Gauge,
        labels: &["relayer"],
        help: "What a relayer's account has left for fees",
    },
    Family {
        name: "ciro_paymaster_operations_total",
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "Operations that ended: succeeded, failed on chain, or dropped before they were sent",
    },
    Family {
        name: "ciro_paymaster_price_failures_total",
        kind: Kind::Counter,
        labels: &[],
        help: "How often a source of prices of gas tokens named none",
    },
    Family {
        name: "ciro_paymaster_requests_total",
        kind: Kind::Counter,
        labels: &["method", "code"],
        help: "Requests of SNIP-29 by method and by the code that they were answered with; 0 is a result",
    },
    Family {
        name: "ciro_paymaster_device_key_reads_total",
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "How often the gateways' keys of devices' tokens were asked for: read, or failed",
    },
    Family {
        name: "ciro_paymaster_webhooks_total",
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "Questions to sponsors' servers: allowed, denied, or failed, when there was no answer",
    },
];

pub(crate) fn closed() {
    counter!("ciro_paymaster_statements_closed_total").increment(1);
}

pub(crate) fn signed() {
    counter!("ciro_paymaster_statements_signed_total").increment(1);
}

pub(crate) fn settled(step: Step) {
    // Both are there from the start: a rate needs a first value.
    let sent = counter!("ciro_paymaster_settlements_total", "outcome" => "sent");
    let failed = counter!("ciro_paymaster_settlements_total", "outcome" => "failed");
    match step {
        Step::Sent(_) => sent.increment(1),
        Step::Failed => failed.increment(1),
        Step::Idle | Step::Waiting => {}
    }
}

pub(crate) fn failed(part: &'static str) {
    counter!("ciro_paymaster_loop_failures_total", "part" => part).increment(1);
}

/// What has not happened yet is there all the same, at zero.
pub(crate) fn greet() {
    for part in ["watcher", "closer", "settler", "relayer", "treasurer", "collector"] {
        counter!("ciro_paymaster_loop_failures_total", "part" => part).increment(0);
    }
    for outcome in ["succeeded", "failed", "dropped"] {
        counter!("ciro_paymaster_operations_total", "outcome" => outcome).increment(0);
    }
    counter!("ciro_paymaster_reorganisations_total").increment(0);
    counter!("ciro_paymaster_price_failures_total").increment(0);
    for outcome in ["read", "failed"] {
        counter!("ciro_paymaster_device_key_reads_total", "outcome" => outcome).increment(0);
    }
    for outcome in ["allowed", "denied", "failed"] {
        counter!("ciro_paymaster_webhooks_total", "outcome" => outcome).increment(0);
    }
    for method in Method::ALL {
        counter!("ciro_paymaster_requests_total", "method" => method.name(), "code" => "0")
            .increment(0);
    }
}

pub(crate) fn mirrored(progress: Progress) {
    gauge!("ciro_paymaster_chain_reachable").set(1.0);
    gauge!("ciro_paymaster_watcher_lag_blocks").set(number(progress.lag_blocks()));
}

pub(crate) fn chain_away() {
    gauge!("ciro_paymaster_chain_reachable").set(0.0);
}

pub(crate) fn price_failed() {
    counter!("ciro_paymaster_price_failures_total").increment(1);
}

pub(crate) fn taken_back() {
    counter!("ciro_paymaster_reorganisations_total").increment(1);
}

pub(crate) fn statements(counts: &StatementCounts) {
    let states = [
        ("closed", counts.closed),
        ("countersigned", counts.countersigned),
        ("sent", counts.sent),
        ("settled", counts.settled),
        ("refused", counts.refused),
        ("uncovered", counts.uncovered),
    ];
    for (state, statements) in states {
        gauge!("ciro_paymaster_statements", "state" => state).set(number(statements));
    }
}

/// Asks the chain what the operator has left. A chain that does not answer changes nothing; the watcher tells of it.
pub(crate) async fn balance(chain: &Chain, token: Address, operator: Address) {
    match (Token { address: token }).balance_of(chain, operator).await {
        Ok(balance) => {
            gauge!("ciro_paymaster_operator_balance_strk").set(strk(balance));
        }
        Err(error) => tracing::debug!(%error, "the operator's balance could not be read"),
    }
}

pub(crate) fn relayer_balance(relayer: Address, balance: Fri) {
    gauge!("ciro_paymaster_relayer_balance_strk", "relayer" => relayer.to_string())
        .set(strk(balance));
}

pub(crate) fn ended(outcome: &'static str) {
    counter!("ciro_paymaster_operations_total", "outcome" => outcome).increment(1);
}

pub(crate) fn requested(method: &'static str, code: i32) {
    counter!("ciro_paymaster_requests_total", "method" => method, "code" => code.to_string())
        .increment(1);
}

pub(crate) fn device_keys_read(is_read: bool) {
    let outcome = if is_read { "read" } else { "failed" };
    counter!("ciro_paymaster_device_key_reads_total", "outcome" => outcome).increment(1);
}

pub(crate) fn asked(outcome: &'static str) {
    counter!("ciro_paymaster_webhooks_total", "outcome" => outcome).increment(1);
}

/// A float holds it to 15 digits, which is enough for an alarm.
fn strk(amount: Fri) -> f64 {
    amount.to_string().parse::<f64>().unwrap_or(f64::NAN) / 1e18
}

/// Counts here stay far below 2^53, up to which a float is exact.
fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
