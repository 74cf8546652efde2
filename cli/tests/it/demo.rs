//! The first thing that anyone will run.

use std::process::Command;

use serde_json::Value;

use crate::room::{Room, eventually, processes_on};

fn ciro(room: &Room, arguments: &[&str]) -> std::process::Output {
    let output = Command::new(env!("CARGO_BIN_EXE_ciro"))
        .arg("--state-dir")
        .arg(room.path())
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ciro {arguments:?}: {}\n{text}\n{errors}", output.status);
    output
}

#[test]
fn the_demo_settles_every_job_twice_over_and_leaves_nothing_running() {
    let room = Room::new();
    ciro(&room, &["demo"]);
    check_report(&room);
    eventually("everything has ended", || processes_on(room.path()).is_empty());

    // Again on the same data, and left up this time.
    let output = ciro(&room, &["demo", "--keep"]);
    check_report(&room);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("the network stays up"), "{text}");
    assert!(!processes_on(room.path()).is_empty(), "nothing was kept");
    ciro(&room, &["down"]);
    eventually("everything has ended", || processes_on(room.path()).is_empty());
}

#[test]
fn a_network_whose_holder_is_killed_leaves_no_process_behind() {
    let room = Room::new();
    ciro(&room, &["demo", "--keep"]);
    let text = std::fs::read_to_string(room.path().join("network/network.json")).unwrap();
    let network: Value = serde_json::from_str(&text).unwrap();
    let holder = i32::try_from(network["pid"].as_i64().unwrap()).unwrap();
    let kept = processes_on(room.path()).len();
    assert!(
        kept >= 7,
        "only {kept} processes were kept: three servers, three services, one holder"
    );
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(holder), nix::sys::signal::SIGKILL).unwrap();
    eventually("everything has ended", || processes_on(room.path()).is_empty());
    let output = ciro(&room, &["down"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing runs"));
}

fn check_report(room: &Room) {
    let text = std::fs::read_to_string(room.path().join("demo/report.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let jobs = report["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 102);
    for job in jobs {
        assert_eq!(job["status"], "succeeded");
        for field in ["id", "model", "output", "attestation", "statement", "tx_hash"] {
            assert!(!job[field].is_null(), "a job lacks its {field}: {job}");
        }
    }
    let money = |pointer: &str| -> u128 {
        report.pointer(pointer).unwrap().as_str().unwrap().parse().unwrap()
    };
    let spent = money("/sponsor/deposit_before_fri") - money("/sponsor/deposit_after_fri");
    assert!(spent > 0);
    assert_eq!(spent, money("/worker/paid_fri"));
    assert_eq!(money("/device/strk_fri"), 0);
}
