//! How sponsors' servers are asked, and what of their answers counts: before a server with TLS, without a chain.

use ciro_api::{
    Address, ChainId, Felt, Fri, SponsorId, SponsorKeyId, hash::outside_execution::OutsideCall,
};
use ciro_egress::PostError;
use ciro_paymaster::{
    ask::{Answer, AskError, Asker, Failure, PLACES, Phase, Question, Settings},
    policy::{OnFailure, Operation, RuleId, Webhook},
};
use futures::future::join_all;
use serde_json::json;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::sponsor_server::{Manner, SponsorServer, allows, denies};

fn webhook(url: &str, timeout_ms: u32) -> Webhook {
    Webhook { url: url.parse().unwrap(), timeout_ms, on_failure: OnFailure::Deny }
}

fn operation(calls: &[OutsideCall]) -> Operation<'_> {
    Operation {
        key: SponsorKeyId(Uuid::from_u128(2)),
        account: Address(Felt::from(0xacc_u64)),
        class_hash: Felt::from(0xc1a55_u64),
        deploys: false,
        device: None,
        from: Some("203.0.113.7".parse().unwrap()),
        origin: Some("https://game.example"),
        calls,
        l2_gas: 1_000,
        l2_gas_price: Fri(30),
        fee: Fri(30_000_000_000_000_000_000_000),
        forwarder: Address(Felt::from(7_u64)),
        now: OffsetDateTime::UNIX_EPOCH,
    }
}

/// Asks for a sponsor of this number.
async fn ask(asker: &Asker, webhook: &Webhook, sponsor: u128) -> Result<Answer, AskError> {
    let calls = [OutsideCall {
        to: Address(Felt::from(0x10b_u64)),
        selector: Felt::from(5_u64),
        calldata: vec![Felt::ONE, Felt::from(255_u64)],
    }];
    let operation = operation(&calls);
    let question = Question {
        phase: Phase::Execute,
        chain: ChainId(Felt::from_bytes_be_slice(b"SN_SEPOLIA")),
        sponsor: SponsorId(Uuid::from_u128(sponsor)),
        revision: 3,
        rule: &RuleId::parse("ask-us").unwrap(),
        operation: &operation,
        message_hash: Some(Felt::from(0xabc_u64)),
    };
    asker.ask(webhook, &question).await
}

async fn answer_of(server: &SponsorServer, manner: Manner, timeout_ms: u32) -> Answer {
    server.behave(manner);
    let asker = Asker::new(server.settings()).unwrap();
    ask(&asker, &webhook(&server.url(), timeout_ms), 1).await.unwrap()
}

#[tokio::test]
async fn a_server_is_told_everything_that_the_decision_is_about_and_can_check_who_asks() {
    let server = SponsorServer::start().await;
    let asker = Asker::new(server.settings()).unwrap();
    for _ in 0..2 {
        let answer = ask(&asker, &webhook(&server.url(), 3_000), 1).await.unwrap();
        assert!(matches!(answer, Answer::Allowed), "{answer:?}");
    }
    let [first, second] = &server.asked()[..] else {
        panic!("it was asked {} times", server.count())
    };
    let expected = json!({
        "phase": "execute", "chain_id": "0x534e5f5345504f4c4941", "sponsor": SponsorId(Uuid::from_u128(1)),
        "key": SponsorKeyId(Uuid::from_u128(2)), "policy_revision": 3, "rule": "ask-us", "account": "0xacc",
        "class_hash": "0xc1a55", "deploys": false, "device": null, "from": "203.0.113.7",
        "origin": "https://game.example", "l2_gas": 1_000, "l2_gas_price_fri": "30",
        "fee_fri": "30000000000000000000000", "message_hash": "0xabc",
        "calls": [{ "to": "0x10b", "selector": "0x5", "calldata": ["0x1", "0xff"] }],
    });
    assert_eq!(first.json(), expected);
    assert_eq!(first.header("content-type"), "application/json");
    assert!(first.header("user-agent").starts_with("ciro-paymaster/"));
    assert!(first.header("webhook-id").starts_with("ask_"));
    assert_ne!(first.header("webhook-id"), second.header("webhook-id"));
    let public = asker.public_key();
    assert!(first.is_signed(&public, &first.body));
    let changed = String::from_utf8(first.body.to_vec()).unwrap().replace("0xacc", "0xacd");
    assert!(!first.is_signed(&public, changed.as_bytes()), "the account was changed");
    let other = Asker::new(SponsorServer::start().await.settings()).unwrap().public_key();
    assert!(!first.is_signed(&other, &first.body), "another paymaster has not signed it");
}

#[tokio::test]
async fn a_no_is_passed_on_with_its_reason() {
    let server = SponsorServer::start().await;
    let answer = answer_of(&server, denies("enough\nfor today"), 3_000).await;
    let Answer::Denied(Some(reason)) = answer else { panic!("{answer:?}") };
    assert_eq!(reason, "enoughfor today");
}

#[tokio::test]
async fn whatever_is_no_clear_word_is_a_failure() {
    let server = SponsorServer::start().await;
    let yes = r#"{"decision":"allow"}"#;
    for (manner, why) in [
        (Manner::Says(500, yes.to_owned()), "it answered with status 500, not 200"),
        (Manner::Says(201, yes.to_owned()), "it answered with status 201, not 200"),
        (Manner::SendsTo(server.url()), "it answered with status 307, not 200"),
        (Manner::Says(200, "yes".to_owned()), "it answered something else than a decision"),
        (
            Manner::Says(200, format!("{yes}{}", " ".repeat(16 * 1024))),
            "the answer has more than 16384 bytes",
        ),
    ] {
        let answer = answer_of(&server, manner.clone(), 3_000).await;
        let Answer::Failed(failure) = answer else { panic!("{manner:?}: {answer:?}") };
        assert_eq!(failure.to_string(), why);
    }
    assert_eq!(server.count(), 5, "each was asked once, and a redirect was not followed");
    let answer = answer_of(&server, Manner::Never, 200).await;
    let Answer::Failed(Failure::Post(PostError::TimedOut(_))) = answer else {
        panic!("{answer:?}")
    };
    // As long as is possible, it is an answer.
    let padded = format!("{yes}{}", " ".repeat(16 * 1024 - yes.len()));
    let answer = answer_of(&server, Manner::Says(200, padded), 3_000).await;
    assert!(matches!(answer, Answer::Allowed), "{answer:?}");
}

#[tokio::test]
async fn who_is_not_there_or_cannot_show_who_it_is_or_is_private_has_not_answered() {
    let server = SponsorServer::start().await;
    let failure = async |settings: Settings, url: &str| {
        let asker = Asker::new(settings).unwrap();
        match ask(&asker, &webhook(url, 3_000), 1).await.unwrap() {
            Answer::Failed(failure) => failure.to_string(),
            answer => panic!("{url}: {answer:?}"),
        }
    };
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", nobody.local_addr().unwrap().port());
    drop(nobody);
    assert_eq!(failure(server.settings(), &url).await, "no connection could be made");
    let strange = SponsorServer::start().await;
    assert_eq!(
        failure(server.settings(), &strange.url()).await,
        "the receiver's certificate is by an authority that we do not trust"
    );
    let public = Settings { allow_private: false, ..server.settings() };
    for (url, why) in [
        ("https://localhost/", "the host has no public address"),
        (
            "https://127.0.0.1:8443/",
            "the address may not be called: must not be a private or special address",
        ),
        (&server.url(), "the address may not be called: must be port 443 or 8443"),
    ] {
        assert_eq!(failure(public.clone(), url).await, why, "{url}");
    }
    assert_eq!((server.count(), strange.count()), (0, 0));
}

#[tokio::test]
async fn one_sponsor_has_so_many_questions_in_flight_and_another_is_not_held_up_by_them() {
    let server = SponsorServer::start().await;
    server.behave(Manner::Holds(r#"{"decision":"allow"}"#.to_owned()));
    let asker = Asker::new(server.settings()).unwrap();
    let webhook = webhook(&server.url(), 60_000);
    let held = join_all((0..PLACES).map(|_| ask(&asker, &webhook, 1)));
    let meanwhile = async {
        server.until_asked(PLACES).await;
        let crowded = ask(&asker, &webhook, 1).await;
        assert!(matches!(crowded, Err(AskError::Crowded(_))), "{crowded:?}");
        assert_eq!(server.count(), PLACES, "nobody was asked");
        server.behave(allows());
        let other = ask(&asker, &webhook, 2).await.unwrap();
        assert!(matches!(other, Answer::Allowed), "{other:?}");
        server.release();
    };
    let (answers, ()) = tokio::join!(held, meanwhile);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Answer::Allowed))), "{answers:?}");
    // Their places are free again.
    assert!(matches!(ask(&asker, &webhook, 1).await, Ok(Answer::Allowed)));
}
