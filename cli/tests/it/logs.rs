//! What processes write of a job's whole life: lines that machines can read and find by request, and no secret.

use std::{collections::BTreeSet, fs, path::Path};

use ciro_api::{
    EventKind, SponsorScope,
    rest::{
        jobs::{CreateJob, Job},
        webhooks::{NewWebhookSecret, Webhook},
    },
};
use serde_json::Value;

use crate::{
    net::{HandWorker, Net, hash_job, succeed},
    receiver::{Manner, Receiver},
    sponsor_desk::own_key,
};

fn lines_of(state_dir: &Path, process: &str) -> Vec<Value> {
    let text = fs::read_to_string(state_dir.join(format!("log/{process}.log"))).unwrap();
    let read = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{process} wrote `{line}`: {e}"))
    };
    text.lines().map(read).collect()
}

/// Every secret that a development network keeps in a file.
fn kept_secrets(network: &Path) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    for entry in fs::read_dir(network).unwrap() {
        let path = entry.unwrap().path();
        let is_key = path.extension().is_some_and(|end| end == "key" || end == "pem");
        if is_key {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with("-----"));
            secrets.extend(lines.map(|line| line.trim().trim_start_matches("0x").to_owned()));
        }
    }
    secrets
}

#[tokio::test]
async fn the_logs_of_a_jobs_whole_life_hold_no_secret_and_name_each_request() {
    let net = Net::start().await;
    // A second session of the network's worker, for its token; the process itself runs the job.
    let worker = HandWorker::log_in(&net).await;
    let receiver = Receiver::start().await;
    receiver.behave("/gone", Manner::Says(axum::http::StatusCode::GONE));
    let key = own_key(&net, &[SponsorScope::Read, SponsorScope::Manage]).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let made = net.gateway.post("/v1/webhooks/secrets").bearer_auth(&key);
    let made = made.header("traceparent", trace).send().await.unwrap();
    let request_id = made.headers()["request-id"].to_str().unwrap().to_owned();
    let made: NewWebhookSecret = made.json().await.unwrap();
    let url = format!("{}?token=in-the-query", receiver.url("/gone"));
    let webhook = Webhook { url, events: vec![EventKind::JobCompleted] };
    let body = CreateJob { webhook: Some(webhook), ..hash_job(b"a job with a life") };
    let _: Job = succeed(net.post_job(&body)).await;
    receiver.until("/gone", 1).await;
    // Refusals are logged too, and must not repeat what came with them.
    for token in [&net.device.token, &key, &format!("{key}0"), &"x".repeat(40)] {
        net.gateway.get("/v1/statements/pending").bearer_auth(token).send().await.unwrap();
    }

    let mut secrets = kept_secrets(&net.room.path().join("network"));
    assert!(secrets.len() >= 3, "two keys and a PEM were not all found: {}", secrets.len());
    let password = net.dev.network.database_url.split(['@', ':']).nth(2).unwrap();
    let claim = net.dev.network.claim_token.as_str();
    let shown = made.secret.trim_start_matches("whsec_");
    let (_, api_secret) = key.split_once('.').unwrap();
    for secret in
        [password, claim, shown, api_secret, &net.device.token, &worker.token, "in-the-query"]
    {
        secrets.insert(secret.to_owned());
    }
    let state_dir = net.stop().await;
    let state_dir = state_dir.path();
    for process in ["ciro-gateway", "ciro-paymaster", "ciro-worker"] {
        let text = fs::read_to_string(state_dir.join(format!("log/{process}.log"))).unwrap();
        assert!(text.lines().count() > 3, "{process} says nothing");
        for secret in &secrets {
            assert!(
                secret.len() > 8,
                "a secret of {} characters would be found anywhere",
                secret.len()
            );
            assert!(!text.contains(secret.as_str()), "{process} has written a secret down");
        }
        // A token begins so, whoever's it is: its header is always the same.
        assert!(!text.contains("eyJ"), "{process} has written a token down");
    }
    let told = lines_of(state_dir, "ciro-gateway");
    let made = told.iter().find(|line| line["fields"]["message"] == "a webhook secret was made");
    let made = made.expect("what a sponsor changed is logged");
    assert_eq!(made["span"]["id"], request_id);
    assert_eq!(made["span"]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    lines_of(state_dir, "ciro-paymaster");
    lines_of(state_dir, "ciro-worker");
}
