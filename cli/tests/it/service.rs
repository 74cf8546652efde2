//! One supervised child.

use std::future::ready;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use ciro::stack::StackError;
use ciro::stack::service::{Service, ServiceSpec};
use nix::sys::signal::Signal;

use crate::room::{Room, eventually};

const PATIENCE: Duration = Duration::from_secs(20);

async fn shell(room: &Room, script: &str) -> Service {
    let spec = ServiceSpec::new("shell", "/bin/sh", room.path().join("shell.log"));
    let mut spec = spec.args(["-c", script]).env("GREETING", "hello");
    spec.stop_patience = Duration::from_millis(300);
    Service::spawn(spec).await.unwrap()
}

/// Waits until the shell has logged the word.
async fn wait_for(service: &mut Service, word: &str) {
    let log = service.log_path().to_owned();
    let probe = || {
        let text = std::fs::read_to_string(&log).unwrap();
        ready(if text.contains(word) { Ok(()) } else { Err("not yet".to_owned()) })
    };
    service.wait_ready(PATIENCE, probe).await.unwrap();
}

#[tokio::test]
async fn a_program_that_ends_early_is_reported_with_its_status_and_last_lines() {
    let room = Room::new();
    let mut service = shell(&room, "seq 100; echo $GREETING boom >&2; exit 3").await;
    let error =
        service.wait_ready(PATIENCE, || ready(Err("no".to_owned()))).await.unwrap_err().to_string();
    assert!(error.starts_with("shell ended with exit status: 3; the end of "), "{error}");
    assert!(error.ends_with("\n99\n100\nhello boom"), "{error}");
    assert_eq!(error.lines().count(), 21, "{error}");
}

#[tokio::test]
async fn a_program_that_cannot_be_executed_is_reported_by_its_path() {
    let room = Room::new();
    let spec = ServiceSpec::new("ghost", "/nowhere/ghost", room.path().join("ghost.log"));
    let error = Service::spawn(spec).await.unwrap().wait_done().await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/ghost"), "{error}");
}

#[tokio::test]
async fn a_program_that_never_answers_is_reported_with_the_last_probe() {
    let room = Room::new();
    let mut service = shell(&room, "echo waiting; exec sleep 600").await;
    wait_for(&mut service, "waiting").await;
    let error = service
        .wait_ready(Duration::from_millis(50), || ready(Err("refused".to_owned())))
        .await
        .unwrap_err();
    assert!(matches!(error, StackError::NotReady { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("(last try: refused)") && error.ends_with("\nwaiting"), "{error}");
    service.stop().await.unwrap();
}

#[tokio::test]
async fn stopping_asks_first() {
    let room = Room::new();
    let mut service =
        shell(&room, "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done").await;
    wait_for(&mut service, "up").await;
    assert_eq!(service.stop().await.unwrap().code(), Some(7));
    assert_eq!(service.stop().await.unwrap().code(), Some(7), "a second stop is the same answer");
    assert_eq!(service.pid(), None);
}

#[tokio::test]
async fn a_service_that_ignores_the_stop_signal_is_killed() {
    let room = Room::new();
    let mut service = shell(&room, "trap '' TERM; echo up; while :; do sleep 0.01; done").await;
    wait_for(&mut service, "up").await;
    assert_eq!(service.stop().await.unwrap().signal(), Some(9));
}

#[tokio::test]
async fn a_frozen_service_still_stops() {
    let room = Room::new();
    let mut service =
        shell(&room, "trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done").await;
    wait_for(&mut service, "up").await;
    service.signal(Signal::SIGSTOP).unwrap();
    assert_eq!(service.stop().await.unwrap().code(), Some(7));
}

#[tokio::test]
async fn a_service_does_not_see_the_callers_environment() {
    let room = Room::new();
    let mut service = shell(&room, "env; echo done").await;
    service.wait_done().await.unwrap();
    let seen = std::fs::read_to_string(service.log_path()).unwrap();
    assert!(seen.contains("GREETING=hello") && seen.contains("PATH="), "{seen}");
    assert!(!seen.contains("CARGO_"), "{seen}");
}

#[tokio::test]
async fn a_service_that_is_dropped_ends() {
    let room = Room::new();
    let service = shell(&room, "exec sleep 600").await;
    let pid = service.pid().unwrap();
    drop(service);
    eventually("the dropped service is gone", || !crate::room::runs(pid));
}
