//! Unmodified starknet.js, in the newest version and in one from before it checked what a paymaster builds.

use std::{
    env,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use ciro_contracts::token::STRK;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::desk_world::{DeskWorld, Program, Settings, USER};

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/starknetjs")
}

/// Installs the clients as their lockfile pins them, where that was not done yet.
async fn install() {
    let directory = clients();
    // Each test is a process, and npm takes no notice of another one in the same directory.
    let turn = File::create(env::temp_dir().join("ciro-starknetjs.lock")).unwrap();
    turn.lock().unwrap();
    let wanted = std::fs::read(directory.join("package-lock.json")).unwrap();
    // Written last, so that half an installation never looks whole.
    let mark = directory.join("node_modules/.installed-from");
    if std::fs::read(&mark).is_ok_and(|installed| installed == wanted) {
        return;
    }
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&directory)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(&mark, wanted).unwrap();
}

/// Transfers, also of accounts that are made first.
async fn allow_deployments(world: &DeskWorld) -> String {
    let class = world.chain.class_at(world.address(USER)).await.unwrap().unwrap();
    let class = format!("{class:#x}");
    let argent = "0x36078334509b514626504edc9fb252328d1a240e4e948bef8d0c08dff45927f";
    let transfers = json!([{ "to": STRK, "function": "transfer" }]);
    let new = json!({ "deploys": true, "classes": [class, argent] });
    let acting = json!({ "calls": transfers, "deploys": true, "classes": [class, argent] });
    let document = json!({ "version": 1, "rules": [
        { "id": "transfers", "when": { "calls": transfers }, "action": "allow" },
        { "id": "first-transfers", "when": acting, "action": "allow" },
        { "id": "accounts", "when": new, "action": "allow" },
    ] });
    world.allow(&document).await;
    class
}

async fn run(library: &str) {
    install().await;
    let world = DeskWorld::start().await;
    let class = allow_deployments(&world).await;
    let program: Program = world.program(&Settings { relayers: 2, ..Settings::default() }).await;
    let settings: Value = json!({
        "rpc": world.devnet.url, "paymaster": program.url, "key": program.key,
        "ozClass": class,
    });
    let output = Command::new("node")
        .arg("clients.mjs")
        .args([library, &settings.to_string()])
        .current_dir(clients())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}\n{}", program.log());
    assert_eq!(said.lines().count(), 19, "{said}");
    program.settled(&world).await;
    assert_eq!(world.operations("failed").await + world.operations("dropped").await, 0);
}

#[tokio::test]
async fn starknet_js_10_8_0_does_every_type_of_transaction_in_both_fee_modes() {
    run("starknet").await;
}

#[tokio::test]
async fn starknet_js_10_0_2_does_every_type_of_transaction_in_both_fee_modes() {
    run("starknet-10-0").await;
}
