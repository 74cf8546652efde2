//! What a sponsor's servers do with policies: keep them, read them back, and ask what they would decide.

use ciro_api::{ErrorCode, SponsorScope, rest::policies::NewPolicy};
use futures::future::join_all;
use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    net::{Net, refusal, refused, succeed},
    sponsor_desk::{another_sponsor, key, own_key},
};

const PATH: &str = "/v1/sponsors/me/policy";

fn rule(id: &str) -> Value {
    let calls = json!([{ "to": "0x10b", "function": "post_job" }]);
    json!({ "id": id, "when": { "calls": calls }, "action": "allow" })
}

fn document(rules: &[Value]) -> String {
    json!({ "version": 1, "rules": rules }).to_string()
}

async fn managing_key(net: &Net) -> String {
    own_key(net, &[SponsorScope::Read, SponsorScope::Manage]).await
}

fn put(net: &Net, key: &str, document: &str) -> RequestBuilder {
    let request = net.gateway.put(PATH).bearer_auth(key).body(document.to_owned());
    request.header(header::CONTENT_TYPE, "application/json")
}

async fn stored(request: RequestBuilder) -> u32 {
    succeed::<NewPolicy>(request).await.revision
}

fn get(net: &Net, key: &str, more: &str) -> RequestBuilder {
    net.gateway.get(&format!("{PATH}{more}")).bearer_auth(key)
}

fn explain(net: &Net, key: &str, asked: &Value) -> RequestBuilder {
    net.gateway.post(&format!("{PATH}/explain")).bearer_auth(key).json(asked)
}

/// The text of a reply and its tag.
async fn text(request: RequestBuilder) -> (String, String) {
    let reply = request.send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    assert_eq!(reply.headers()[header::CONTENT_TYPE], "application/json");
    let tag = reply.headers()[header::ETAG].to_str().unwrap().to_owned();
    (reply.text().await.unwrap(), tag)
}

#[tokio::test]
async fn a_policy_is_read_back_byte_for_byte_and_every_revision_stays() {
    let net = Net::without_policy().await;
    let key = managing_key(&net).await;
    let none = refusal(get(&net, &key, "")).await;
    assert_eq!(none.code, ErrorCode::NotFound);
    assert!(none.detail.contains("nothing is paid for"), "{none}");

    // Nobody who writes JSON by a library would write it like this.
    let odd = "{\"rules\" : [ ],\r\n\t\"version\":1 , \"ends_at\":\"2027-01-01T00:00:00+00:00\"}";
    assert_eq!(stored(put(&net, &key, odd)).await, 1);
    let (whole, tag) = text(get(&net, &key, "")).await;
    assert_eq!(whole, format!("{{\"revision\":1,\"document\":{odd}}}"));
    assert_eq!(tag, "\"1\"");

    let second = document(&[rule("jobs")]);
    let (reply, tag) = text(put(&net, &key, &second)).await;
    assert_eq!((reply.as_str(), tag.as_str()), ("{\"revision\":2}", "\"2\""));
    assert_eq!(
        text(get(&net, &key, "")).await.0,
        format!("{{\"revision\":2,\"document\":{second}}}")
    );
    assert_eq!(text(get(&net, &key, "/1")).await, (whole, "\"1\"".to_owned()));
    for unknown in ["/3", "/0", "/-1", "/4294967295", "/one"] {
        assert_eq!(refused(get(&net, &key, unknown)).await, ErrorCode::NotFound, "{unknown}");
    }
    // What people see who work at the database is the same.
    assert_eq!(net.sql("SELECT document FROM policy WHERE revision = 1").await, odd);
    net.stop().await;
}

#[tokio::test]
async fn a_policy_that_is_none_is_refused_where_it_is_wrong_and_stored_by_nobody() {
    let net = Net::without_policy().await;
    let key = managing_key(&net).await;
    let with = |pointer: &str, value: Value| {
        let mut document = json!({ "version": 1, "rules": [rule("a"), rule("b")] });
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[member] = value;
        document.to_string()
    };
    for (pointer, at, value) in [
        ("/version", "/version", json!(2)),
        ("/surprise", "/surprise", json!(1)),
        ("/rules/1/id", "/rules/1/id", json!("a")),
        ("/rules/1/id", "/rules/1/id", json!("A rule")),
        ("/rules/1/action", "/rules/1/action", json!("maybe")),
        ("/rules/1/when", "/rules/1", json!({})),
        ("/rules/0/when/calls", "/rules/0", json!([])),
        ("/rules/0/when/networks", "/rules/0/when/networks/0", json!(["203.0.113.0/99"])),
    ] {
        let problem = refusal(put(&net, &key, &with(pointer, value))).await;
        assert_eq!(problem.code, ErrorCode::InvalidRequest, "{pointer}: {problem}");
        assert_eq!(problem.errors[0].pointer, at, "{problem}");
    }
    for (body, code) in [
        ("{", ErrorCode::InvalidJson),
        ("", ErrorCode::InvalidJson),
        ("{\"version\":1,\"rules\":[]} more", ErrorCode::InvalidJson),
        ("[]", ErrorCode::InvalidRequest),
        ("{\"version\":1}", ErrorCode::InvalidRequest),
        ("{\"version\":1,\"version\":1,\"rules\":[]}", ErrorCode::InvalidRequest),
    ] {
        assert_eq!(refused(put(&net, &key, body)).await, code, "{body}");
    }
    let large = format!("{}{}", document(&[]), " ".repeat(1024 * 1024));
    assert_eq!(refused(put(&net, &key, &large)).await, ErrorCode::BodyTooLarge);
    let cbor = net.gateway.put(PATH).bearer_auth(&key).body("a0");
    let cbor = cbor.header(header::CONTENT_TYPE, "application/cbor");
    assert_eq!(refused(cbor).await, ErrorCode::UnsupportedMediaType);
    assert_eq!(refused(get(&net, &key, "")).await, ErrorCode::NotFound);
    // As large as one may be.
    let smallest = document(&[]);
    let largest = format!("{smallest}{}", " ".repeat(1024 * 1024 - smallest.len()));
    assert_eq!(stored(put(&net, &key, &largest)).await, 1);
    net.stop().await;
}

#[tokio::test]
async fn only_a_key_of_its_own_sponsor_with_the_scope_stores_sees_or_tries_a_policy() {
    let net = Net::without_policy().await;
    let own = managing_key(&net).await;
    let read = own_key(&net, &[SponsorScope::Read]).await;
    let manage = own_key(&net, &[SponsorScope::Manage]).await;
    let theirs = another_sponsor(&net).await;
    let theirs = key(&net, theirs, &[SponsorScope::Read, SponsorScope::Manage]).await;
    let asked = json!({ "account": "0xacc", "calls": [{ "to": "0x10b", "function": "post_job" }] });
    stored(put(&net, &own, &document(&[rule("jobs")]))).await;

    assert_eq!(refused(put(&net, &read, &document(&[]))).await, ErrorCode::Forbidden);
    for more in ["", "/1"] {
        assert_eq!(refused(get(&net, &manage, more)).await, ErrorCode::Forbidden);
        assert_eq!(refused(get(&net, &theirs, more)).await, ErrorCode::NotFound);
        let device = net.device.token.clone();
        assert_eq!(refused(get(&net, &device, more)).await, ErrorCode::Forbidden);
        assert_eq!(
            refused(net.gateway.get(&format!("{PATH}{more}"))).await,
            ErrorCode::Unauthenticated
        );
    }
    assert_eq!(refused(explain(&net, &manage, &asked)).await, ErrorCode::Forbidden);
    assert_eq!(refused(explain(&net, &theirs, &asked)).await, ErrorCode::NotFound);
    let _: Value = succeed(explain(&net, &read, &asked)).await;

    // Each sponsor counts its own revisions.
    assert_eq!(stored(put(&net, &theirs, &document(&[]))).await, 1);
    let (own_text, _) = text(get(&net, &read, "")).await;
    assert!(own_text.contains("post_job"), "{own_text}");
    net.stop().await;
}

#[tokio::test]
async fn of_two_writers_that_know_the_same_revision_one_is_told_that_it_is_late() {
    let net = Net::without_policy().await;
    let key = managing_key(&net).await;
    let empty = document(&[]);
    let over = |tag: &str| put(&net, &key, &empty).header(header::IF_MATCH, tag);
    let first = || put(&net, &key, &empty).header(header::IF_NONE_MATCH, "*");
    for tag in ["\"1\"", "*"] {
        let early = refusal(over(tag)).await;
        assert_eq!((early.code, early.status), (ErrorCode::PreconditionFailed, 412), "{early}");
    }
    assert_eq!(stored(first()).await, 1);
    assert_eq!(refused(first()).await, ErrorCode::PreconditionFailed);

    let writers = join_all((0..8).map(|_| over("\"1\"").send())).await;
    let statuses: Vec<StatusCode> =
        writers.into_iter().map(|reply| reply.unwrap().status()).collect();
    let of = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((of(StatusCode::OK), of(StatusCode::PRECONDITION_FAILED)), (1, 7), "{statuses:?}");
    let late = refusal(over("\"1\"")).await;
    assert!(late.detail.contains("the newest revision is 2"), "{late}");
    // Who names nothing takes the next place, whoever is beside it.
    let writers = join_all((0..8).map(|_| stored(put(&net, &key, &empty)))).await;
    let mut revisions = writers;
    revisions.sort_unstable();
    assert_eq!(revisions, (3..=10).collect::<Vec<_>>());
    assert_eq!(stored(over("*")).await, 11);
    assert_eq!(refused(over("\"1\", \"2\"")).await, ErrorCode::InvalidRequest);
    net.stop().await;
}

#[tokio::test]
async fn a_dry_run_tells_the_rule_and_what_others_miss_in_the_words_of_the_command() {
    let net = Net::without_policy().await;
    let key = managing_key(&net).await;
    let mut page = rule("page");
    page["when"]["origins"] = json!(["https://game.example"]);
    page["ceilings"] = json!({ "l2_gas": 100 });
    let user = json!({
        "id": "user", "action": "user_pays", "when": { "calls": [{ "function": "transfer" }] },
    });
    stored(put(&net, &key, &document(&[page.clone(), user]))).await;
    let asked = |more: Value| {
        let call = json!({ "to": "0x10b", "function": "post_job", "calldata": ["1", "0x2"] });
        let mut asked = json!({ "account": "0xacc", "calls": [call] });
        for (name, value) in more.as_object().unwrap() {
            asked[name] = value.clone();
        }
        asked
    };
    let answer = async |more: Value| succeed::<Value>(explain(&net, &key, &asked(more))).await;

    let from_page = json!({ "origin": "https://game.example" });
    let misses = "call 0 fits none of its calls";
    assert_eq!(
        answer(from_page.clone()).await,
        json!({
            "revision": 1, "decision": "allow", "rule": "page", "explanation": "allowed by rule `page`",
            "rules": [{ "id": "page" }, { "id": "user", "mismatch": misses }],
        })
    );
    let elsewhere = answer(json!({})).await;
    assert_eq!(elsewhere["explanation"], "denied: no rule allows it");
    assert_eq!(elsewhere["rules"][0]["mismatch"], "it is not for this origin");
    assert!(elsewhere.get("rule").is_none() && elsewhere["decision"] == "deny", "{elsewhere}");
    let dear = answer(json!({ "origin": "https://game.example", "l2_gas": 101 })).await;
    assert_eq!(
        (dear["rule"].as_str(), dear["explanation"].as_str()),
        (
            Some("page"),
            Some("denied: rule `page`: it takes 101 units of L2 gas; at most 100 are paid for")
        )
    );
    let transfer = json!({ "calls": [{ "to": "0x1", "function": "transfer" }] });
    assert_eq!(answer(transfer).await["decision"], "user_pays");

    // A document that is not stored is tried in the place of the one that is.
    let other = json!({ "document": { "version": 1, "rules": [rule("other")] } });
    let tried = answer(other).await;
    assert_eq!(tried["explanation"], "allowed by rule `other`");
    assert!(tried.get("revision").is_none(), "{tried}");
    for (more, at) in [
        (json!({ "calls": [{ "to": "0x1", "function": "no name" }] }), "/calls/0/function"),
        (
            json!({ "calls": [{ "to": "0x1", "function": "f", "calldata": ["1", "x"] }] }),
            "/calls/0/calldata/1",
        ),
        (json!({ "account": "acc" }), "/account"),
        (json!({ "document": { "version": 1, "rules": [{ "id": "a" }] } }), "/document/rules/0"),
        (json!({ "document": { "version": 2, "rules": [] } }), "/document/version"),
        (json!({ "surprise": 1 }), "/surprise"),
    ] {
        let problem = refusal(explain(&net, &key, &asked(more))).await;
        assert_eq!(problem.code, ErrorCode::InvalidRequest, "{problem}");
        assert_eq!(problem.errors[0].pointer, at, "{problem}");
    }
    // Nothing was reserved, and no other revision was made.
    assert_eq!(net.sql("SELECT count(*)::text FROM reservation").await, "0");
    assert_eq!(text(get(&net, &key, "")).await.1, "\"1\"");
    net.stop().await;
}
