//! Does the bench itself work? Its quick profile, with every server and every peer, and nothing said about time.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail")]

use std::process::Command;

use serde_json::Value;

/// May be nothing at all: a worker that is faster than the reply, a machine that has nothing else to do, a program
/// that used less than the kernel counts, a warm-up that there is none of.
const MAY_BE_ZERO: [&str; 4] = ["/commit_to_worker_ms/", "/load_average", "cores/", "/warm_up_s"];

fn numbers(at: &str, value: &Value, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => found.push((at.to_owned(), number.as_f64().unwrap())),
        Value::Array(all) => {
            for (place, one) in all.iter().enumerate() {
                numbers(&format!("{at}/{place}"), one, found);
            }
        }
        Value::Object(all) => {
            for (name, one) in all {
                numbers(&format!("{at}/{name}"), one, found);
            }
        }
        _ => {}
    }
}

/// The report of a suite's quick profile, of which every number is positive.
fn report(suite: &str) -> (Value, Vec<(String, f64)>) {
    let ran = Command::new(env!("CARGO_BIN_EXE_ciro-bench")).args([suite, "--quick"]).output();
    let ran = ran.unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}");
    let said = String::from_utf8(ran.stdout).unwrap();
    let report: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let mut found = Vec::new();
    numbers("", &report, &mut found);
    for (at, number) in &found {
        let may_be_zero = MAY_BE_ZERO.iter().any(|name| at.contains(name));
        assert!(*number > 0.0 || may_be_zero && *number >= 0.0, "{at} is {number}");
    }
    (report, found)
}

#[test]
fn every_figure_of_the_paymaster_suite_is_there_and_positive() {
    let (report, _) = report("paymaster");
    for part in
        ["build_ms", "block_each", "block_each_second", "policy_decision_us", "l2_gas", "ratios"]
    {
        assert!(report[part].is_object(), "{part} is not there");
    }
    for chain in ["block_each", "block_each_second"] {
        for part in ["by_the_account_itself", "relayed_one_at_a_time", "relayed_together", "shared"]
        {
            assert!(report[chain][part].is_object(), "{chain}/{part} is not there");
        }
    }
}

#[test]
fn every_figure_of_the_queue_suite_is_there_and_positive() {
    let (report, found) = report("queue");
    for part in
        ["accept_single", "lives_batched", "pickup", "crowd", "released_after_kill", "flush"]
    {
        let prefix = format!("/ciro/{part}/");
        assert!(found.iter().any(|(at, _)| at.starts_with(&prefix)), "{part} is not there");
    }
    for peer in ["bullmq_always", "bullmq_everysec", "graphile_worker", "pg_boss"] {
        let lives = format!("/peers/{peer}/lives_per_s");
        assert!(found.iter().any(|(at, _)| *at == lives), "{peer} is not there");
    }
    // A lease that came back early would be a job run twice.
    let released = &report["ciro"]["released_after_kill"];
    assert!(released["last_s"].as_f64() >= released["first_s"].as_f64(), "{released}");
}
