//! The key that signs tokens is replaced while everyone works.

use std::time::{Duration, Instant};

use ciro::demo::device::Device;
use ciro::token_key::{self, TokenKeyCommand, TokenKeyFlags};
use ciro_api::ErrorCode;
use serde_json::Value;

use crate::net::{Net, hash_job, refused, succeed};

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

async fn published(net: &Net) -> Vec<String> {
    let set: Value = succeed(net.gateway.get("/.well-known/jwks.json")).await;
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the gateway publishes what `wanted` says.
async fn until(net: &Net, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let keys = published(net).await;
        if wanted(&keys) {
            return keys;
        }
        assert!(Instant::now() < deadline, "the gateway still publishes {keys:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn step(net: &Net, command: fn(TokenKeyFlags) -> TokenKeyCommand) {
    let file = net.room.path().join("network/token-key.pem");
    let mut out = Vec::new();
    token_key::run(&command(TokenKeyFlags { file }), &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("every gateway"));
}

#[tokio::test]
async fn a_token_key_is_replaced_without_a_refusal() {
    let net = Net::start().await;
    let before = published(&net).await;
    let old = net.device.token.clone();
    assert_eq!(before, [kid(&old)]);

    step(&net, TokenKeyCommand::Add);
    let both = until(&net, |keys| keys.len() == 2).await;
    assert_eq!(both[0], before[0], "the old one signs");
    net.works_for(&old).await;

    step(&net, TokenKeyCommand::Promote);
    until(&net, |keys| keys[0] == both[1]).await;
    let new = Device::enrol(&net.gateway, &net.dev.network).await.unwrap().token;
    assert_eq!(kid(&new), both[1]);
    net.works_for(&old).await;
    net.works_for(&new).await;

    step(&net, TokenKeyCommand::Drop);
    until(&net, |keys| keys.len() == 1).await;
    net.works_for(&new).await;
    let by_old = net.gateway.post("/v1/jobs").bearer_auth(&old).json(&hash_job(b"x"));
    assert_eq!(refused(by_old).await, ErrorCode::InvalidToken, "though it was checked before");
    net.stop().await;
}

#[tokio::test]
async fn a_key_file_that_cannot_be_read_changes_nothing_and_is_told() {
    let net = Net::start().await;
    let (file, before) = (net.room.path().join("network/token-key.pem"), published(&net).await);
    std::fs::write(&file, "half a key").unwrap();
    let log = net.room.path().join("log/ciro-gateway.log");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !std::fs::read_to_string(&log).unwrap().contains("the token keys stay as they were") {
        assert!(Instant::now() < deadline, "the gateway says nothing of the file");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(published(&net).await, before);
    net.works_for(&net.device.token).await;
    net.stop().await;
}
