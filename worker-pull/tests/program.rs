//! The `ciro-worker` program as an operator meets it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

fn run(dir: &Path, key_mode: u32, gateway_url: &str) -> Output {
    let key = dir.join("worker.key");
    fs::write(&key, "0x1234567").expect("a temporary directory can be written");
    fs::set_permissions(&key, fs::Permissions::from_mode(key_mode)).expect("it is our file");
    Command::new(env!("CARGO_BIN_EXE_ciro-worker"))
        .env_clear()
        .env("CIRO_GATEWAY_URL", gateway_url)
        .env("CIRO_WORKER_ADDRESS", "0xabc")
        .env("CIRO_WORKER_KEY_FILE", &key)
        .env("CIRO_CHAIN_ID", "SN_SEPOLIA")
        .env("CIRO_JOB_MANAGER", "0xdef")
        .env("CIRO_OPERATOR_ADDRESS", "0xabe")
        .env("CIRO_OPERATOR_PUBLIC_KEY", "0xbee")
        .env("CIRO_WORKER_STATE_DIR", dir.join("state"))
        .output()
        .expect("the program can be started")
}

#[test]
fn a_key_that_others_can_read_is_refused_and_never_shown() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = run(dir.path(), 0o644, "http://127.0.0.1:9");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("worker.key") && said.contains("chmod"), "{said}");
    assert!(!said.contains("1234567"), "the key was shown: {said}");
}

#[test]
fn a_gateway_url_that_this_build_cannot_speak_is_refused_at_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = run(dir.path(), 0o600, "https://gateway.example");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("http://host:port"), "{said}");
}
