//! Several nodes of one chain: when one does not answer, the next does.

use std::time::Duration;

use ciro_api::{ChainId, Felt};
use ciro_contracts::{Chain, PrivateKey, PrivateKeyError};
use ciro_testbed::Devnet;

/// Nobody listens on it.
const NOBODY: &str = "http://127.0.0.1:1/rpc";

#[tokio::test]
async fn a_node_that_is_away_or_stands_still_is_passed_over() {
    let (still, lively) = (Devnet::start_with(1), Devnet::start_with(1));
    still.pause();
    let urls = [NOBODY.parse().unwrap(), still.url.clone(), lively.url.clone()];
    let chain = Chain::among(&urls, ChainId(Felt::ONE), Duration::from_secs(6));
    chain.head().await.unwrap();
    lively.pause();
    still.resume();
    chain.head().await.unwrap();
}

#[tokio::test]
async fn when_no_node_answers_the_error_names_none_of_their_urls() {
    let urls = [NOBODY.parse().unwrap(), "http://127.0.0.1:1/secret-key".parse().unwrap()];
    let chain = Chain::among(&urls, ChainId(Felt::ONE), Duration::from_secs(2));
    let error = chain.head().await.unwrap_err();
    assert!(error.is_unreachable());
    assert!(!error.to_string().contains("secret-key"), "{error}");
}

#[test]
fn a_keystore_opens_with_its_password_alone() {
    let dir = std::env::temp_dir().join(format!("ciro-keystore-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&dir).unwrap();
    let path = dir.join("key.json");
    let key = PrivateKey::new(Felt::from(0x1234_5678_u64));
    key.write_keystore(&path, "right").unwrap();
    assert!(!std::fs::read_to_string(&path).unwrap().contains("12345678"), "the key lies open");
    let opened = PrivateKey::from_keystore(&path, "right").unwrap();
    assert_eq!(opened.reveal(), key.reveal());
    let wrong = PrivateKey::from_keystore(&path, "wrong").unwrap_err();
    assert!(matches!(wrong, PrivateKeyError::Keystore { .. }), "{wrong}");
    std::fs::remove_dir_all(&dir).unwrap();
}
