//! Devices of a whole network before its paymaster: with the token that the gateway gives them, until their sponsor revokes them.

use std::time::{Duration, Instant};

use ciro::demo::device::Device;
use ciro_api::{
    Felt, Fri, SponsorScope,
    felt::parse_felt,
    hash::sign,
    rest::{devices::Device as Shown, operations::OperationsReport},
};
use ciro_paymaster::snip29::typed_data;
use serde_json::{Value, json};

use crate::{
    net::{HandWorker, Net, succeed},
    sponsor_desk::own_key,
};

/// An account that acts, and its key. Its devices own nothing of it.
struct User {
    address: String,
    key: Felt,
}

impl User {
    /// The worker's account, which has STRK to send.
    async fn of(net: &Net) -> Self {
        let request = json!({
            "jsonrpc": "2.0", "id": 1, "method": "devnet_getPredeployedAccounts", "params": {}
        });
        let post = reqwest::Client::new().post(&net.dev.network.rpc_url).json(&request);
        let reply: Value = post.send().await.unwrap().json().await.unwrap();
        let worker = net.dev.network.worker;
        let accounts = reply["result"].as_array().unwrap();
        let address = |account: &&Value| account["address"].as_str().unwrap().parse() == Ok(worker);
        let found = accounts.iter().find(address).unwrap();
        let key = parse_felt(found["private_key"].as_str().unwrap()).unwrap();
        Self { address: worker.to_string(), key }
    }

    fn sign(&self, typed: &Value) -> Value {
        let read = typed_data::read(typed).unwrap();
        let hash = read.message_hash(self.address.parse().unwrap());
        let signature = sign::sign(&self.key, &hash).unwrap();
        json!([format!("{:#x}", signature.r.0), format!("{:#x}", signature.s.0)])
    }
}

async fn ask(net: &Net, token: &str, method: &str, params: Value) -> Value {
    let network = &net.dev.network;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let post = reqwest::Client::new()
        .post(&network.snip29_url)
        .header("x-paymaster-api-key", &network.sponsorship_key)
        .header("x-ciro-device-token", token)
        .json(&request);
    post.send().await.unwrap().json().await.unwrap()
}

fn reason(reply: &Value) -> &str {
    reply["error"]["data"]["reason"].as_str().unwrap_or_else(|| panic!("{reply}"))
}

/// What it takes to build a transfer of one fri.
fn transfer(net: &Net, user: &User) -> Value {
    let network = &net.dev.network;
    let selector = format!("{:#x}", ciro_contracts::selector("transfer"));
    let call = json!({ "to": network.contracts.token, "selector": selector, "calldata": ["0x70", "0x1", "0x0"] });
    let invoke = json!({ "user_address": user.address, "calls": [call] });
    json!({
        "transaction": { "type": "invoke", "invoke": invoke },
        "parameters": { "version": "0x1", "fee_mode": { "mode": "sponsored" } },
    })
}

/// Builds a transfer, signs it and has it carried, as the device; what is answered.
async fn carry(net: &Net, user: &User, device: &Device) -> Value {
    let wanted = transfer(net, user);
    let built = ask(net, &device.token, "paymaster_buildTransaction", wanted.clone()).await;
    let typed = &built["result"]["typed_data"];
    assert!(typed.is_object(), "{built}");
    let invoke = json!({
        "user_address": user.address, "typed_data": typed, "signature": user.sign(typed),
    });
    let transaction = json!({ "type": "invoke", "invoke": invoke });
    let params = json!({ "transaction": transaction, "parameters": wanted["parameters"] });
    ask(net, &device.token, "paymaster_executeTransaction", params).await
}

/// Waits until the report says that so many operations succeeded.
async fn succeeded(net: &Net, read: &str, wanted: u64) -> OperationsReport {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let get = net.gateway.get("/v1/sponsors/me/operations?days=1").bearer_auth(read);
        let report: OperationsReport = succeed(get).await;
        if report.in_all.succeeded == wanted {
            return report;
        }
        assert!(Instant::now() < deadline, "still {report:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn each_device_of_a_network_has_its_own_limit_and_account_of_costs_and_ends_when_it_is_revoked()
 {
    let net = Net::start().await;
    let (read, manage) =
        (own_key(&net, &[SponsorScope::Read]).await, own_key(&net, &[SponsorScope::Manage]).await);
    let calls = json!([{ "to": net.dev.network.contracts.token, "function": "transfer" }]);
    let limits = json!([
        { "measure": "operations", "per": "device", "window": "lifetime", "at_most": "1" },
    ]);
    let rule =
        json!({ "id": "once", "when": { "calls": calls }, "limits": limits, "action": "allow" });
    let document = json!({ "version": 1, "rules": [rule] });
    let put = net.gateway.put("/v1/sponsors/me/policy").bearer_auth(&manage).json(&document);
    let _: Value = succeed(put).await;
    let (user, one) = (User::of(&net).await, &net.device);
    let other = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();

    let carried = carry(&net, &user, one).await;
    assert!(carried.get("result").is_some(), "{carried}");
    assert_eq!(reason(&carry(&net, &user, one).await), "limit_reached");
    let carried = carry(&net, &user, &other).await;
    assert!(carried.get("result").is_some(), "{carried}");
    let report = succeeded(&net, &read, 2).await;
    for device in [one, &other] {
        let of = report.by_device.iter().find(|of| of.device == device.id);
        let of = of.unwrap_or_else(|| panic!("{report:?}")).operations;
        assert_eq!(of.succeeded, 1);
        assert!(of.cost_fri > Fri::ZERO, "{report:?}");
    }

    let can_sponsor =
        async |token: &str| ask(&net, token, "paymaster_canSponsor", transfer(&net, &user)).await;
    let worker = HandWorker::log_in(&net).await;
    assert_eq!(reason(&can_sponsor(&worker.token).await), "invalid_device_token");
    assert_eq!(can_sponsor(&other.token).await["result"]["sponsored"], true);
    let path = format!("/v1/devices/{}/revoke", other.id);
    let revoked: Shown = succeed(net.gateway.post(&path).bearer_auth(&manage)).await;
    assert!(revoked.revoked_at.is_some());
    assert_eq!(reason(&can_sponsor(&other.token).await), "device_revoked");
    assert_eq!(can_sponsor(&one.token).await["result"]["sponsored"], true);
    net.stop().await;
}
