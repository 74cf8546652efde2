//! The paymaster of a whole network, and what the sponsor's server is told of it.

use ciro_api::{ErrorCode, SponsorScope, rest::operations::OperationsReport};
use serde_json::{Value, json};

use crate::{
    net::{Net, refused, succeed},
    sponsor_desk::own_key,
};

/// Asks whether the sponsor would pay for a call of the token by the worker's account.
async fn would_pay(net: &Net, function: &str) -> Value {
    let network = &net.dev.network;
    let selector = format!("{:#x}", ciro_contracts::selector(function));
    let call = json!({ "to": network.contracts.token, "selector": selector, "calldata": ["0x70", "0x1", "0x0"] });
    let invoke = json!({ "user_address": network.worker, "calls": [call] });
    let params = json!({
        "transaction": { "type": "invoke", "invoke": invoke },
        "parameters": { "version": "0x1", "fee_mode": { "mode": "sponsored" } },
    });
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "paymaster_canSponsor", "params": params });
    let post = reqwest::Client::new()
        .post(&network.snip29_url)
        .header("x-paymaster-api-key", &network.sponsorship_key)
        .json(&request);
    let reply: Value = post.send().await.unwrap().json().await.unwrap();
    reply.get("result").unwrap_or_else(|| panic!("{reply}")).clone()
}

#[tokio::test]
async fn a_development_network_has_a_paymaster_whose_refusals_its_sponsors_server_is_told_of() {
    let net = Net::start().await;
    let read = own_key(&net, &[SponsorScope::Read]).await;
    let path = "/v1/sponsors/me/operations";
    let get = |path: &str| net.gateway.get(path).bearer_auth(&read);
    let before: OperationsReport = succeed(get(path)).await;
    assert_eq!((before.days, before.in_all.succeeded, before.denials.len()), (7, 0, 0));
    let told = would_pay(&net, "transfer").await;
    assert_eq!(told["sponsored"], true, "{told}");
    for _ in 0..2 {
        let told = would_pay(&net, "approve").await;
        assert_eq!(told["denial"]["reason"], "policy_denied", "{told}");
    }
    let after: OperationsReport = succeed(get(&format!("{path}?days=1"))).await;
    let [denied] = &after.denials[..] else { panic!("{:?}", after.denials) };
    assert_eq!((denied.reason.as_str(), denied.denials, &denied.rule), ("policy_denied", 2, &None));
    for bad in ["days=0", "days=32", "since=1"] {
        assert_eq!(
            refused(get(&format!("{path}?{bad}"))).await,
            ErrorCode::InvalidRequest,
            "{bad}"
        );
    }
    let manage = own_key(&net, &[SponsorScope::Manage]).await;
    for token in [&manage, &net.device.token] {
        let asked = net.gateway.get(path).bearer_auth(token);
        assert_eq!(refused(asked).await, ErrorCode::Forbidden);
    }
    net.stop().await;
}
