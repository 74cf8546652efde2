//! When the gateways' keys are read, how long they count, and that no stranger decides either.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ciro_api::{SponsorId, limits};
use ciro_paymaster::devices::{self, Device, Devices, Issuer, IssuerError, Moment, TokenError};
use futures::future::join_all;
use uuid::Uuid;

use crate::{
    gateway_keys::{Answer, Gateway, ISSUER, TokenKey, claims, device},
    harness::fresh_database,
};

const SPONSOR: SponsorId = SponsorId(Uuid::from_u128(1));
const OURS: TokenKey = TokenKey(1);
const NEXT: TokenKey = TokenKey(2);
const STRANGERS: TokenKey = TokenKey(9);
/// The life of a token, for which keys are held.
const LIFE: Duration = Duration::from_secs(limits::TOKEN_TTL_S);

/// The present time of day, and so much later by the clock that ages keys.
fn after(start: Instant, passed: Duration) -> Moment {
    Moment { steady: start + passed, ..Moment::now() }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn ours(number: u128) -> Device {
    Device { id: device(number), sponsor: SPONSOR }
}

#[tokio::test]
async fn keys_are_read_once_for_all_who_come_at_once_and_again_when_they_are_old() {
    let gateway = Gateway::start(Answer::Keys(vec![OURS])).await;
    let devices = Devices::new(&gateway.issuer()).unwrap();
    let (start, token) = (Instant::now(), OURS.token(device(7), SPONSOR));
    let all = (0..64).map(|_| devices.verify(&token, after(start, Duration::ZERO)));
    assert!(join_all(all).await.into_iter().all(|device| device == Ok(ours(7))));
    assert_eq!(gateway.reads(), 1);
    assert_eq!(devices.verify(&token, after(start, seconds(4))).await, Ok(ours(7)));
    assert_eq!(gateway.reads(), 1);
    let all = (0..64).map(|_| devices.verify(&token, after(start, seconds(6))));
    assert!(join_all(all).await.into_iter().all(|device| device == Ok(ours(7))));
    assert_eq!(gateway.reads(), 2);
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_a_second_however_many_name_it() {
    let gateway = Gateway::start(Answer::Keys(vec![OURS])).await;
    let devices = Devices::new(&gateway.issuer()).unwrap();
    let start = Instant::now();
    let known = OURS.token(device(7), SPONSOR);
    let flood = async |passed: Duration| {
        let strangers: Vec<String> =
            (0..100).map(|number| STRANGERS.token(device(number), SPONSOR)).collect();
        let all = strangers.iter().map(|token| devices.verify(token, after(start, passed)));
        for refused in join_all(all).await {
            assert_eq!(refused, Err(TokenError::Foreign));
        }
    };
    // The first one asks for all.
    flood(Duration::ZERO).await;
    assert_eq!(gateway.reads(), 1);
    flood(Duration::from_millis(500)).await;
    assert_eq!(gateway.reads(), 1);
    assert_eq!(devices.verify(&known, after(start, Duration::from_millis(500))).await, Ok(ours(7)));
    flood(seconds(3)).await;
    assert_eq!(gateway.reads(), 2);
    // A key that is new is found by the same way.
    gateway.answer(Answer::Keys(vec![OURS, NEXT]));
    let of_next = NEXT.token(device(8), SPONSOR);
    assert_eq!(devices.verify(&of_next, after(start, seconds(6))).await, Ok(ours(8)));
    assert_eq!(gateway.reads(), 3);
}

#[tokio::test]
async fn keys_are_held_while_no_gateway_answers_and_no_longer_than_a_token_lives() {
    let gateway = Gateway::start(Answer::Keys(vec![OURS])).await;
    let devices = Devices::new(&gateway.issuer()).unwrap();
    let (start, token) = (Instant::now(), OURS.token(device(7), SPONSOR));
    let verify = async |passed: Duration| devices.verify(&token, after(start, passed)).await;
    assert_eq!(verify(Duration::ZERO).await, Ok(ours(7)));
    gateway.answer(Answer::Away);
    assert_eq!(verify(seconds(10)).await, Ok(ours(7)));
    // Whether it knows this key cannot be said now.
    let strange = STRANGERS.token(device(8), SPONSOR);
    let strange = devices.verify(&strange, after(start, seconds(11))).await;
    assert_eq!(strange, Err(TokenError::Unreachable));
    assert_eq!(verify(LIFE.checked_sub(seconds(1)).unwrap()).await, Ok(ours(7)));
    assert_eq!(verify(LIFE + seconds(1)).await, Err(TokenError::Unreachable), "not held longer");
    gateway.answer(Answer::Keys(vec![OURS]));
    assert_eq!(verify(LIFE + seconds(3)).await, Ok(ours(7)));
}

#[tokio::test]
async fn a_key_that_is_dropped_takes_its_tokens_with_it_though_they_were_checked_before() {
    let gateway = Gateway::start(Answer::Keys(vec![OURS, NEXT])).await;
    let devices = Devices::new(&gateway.issuer()).unwrap();
    let start = Instant::now();
    let (old, new) = (OURS.token(device(7), SPONSOR), NEXT.token(device(8), SPONSOR));
    assert_eq!(devices.verify(&old, after(start, Duration::ZERO)).await, Ok(ours(7)));
    gateway.answer(Answer::Keys(vec![NEXT]));
    assert_eq!(devices.verify(&new, after(start, seconds(6))).await, Ok(ours(8)));
    assert_eq!(
        devices.verify(&old, after(start, seconds(6))).await,
        Err(TokenError::Foreign),
        "it is not remembered"
    );
    // Another key under a name that was used before is another key.
    let taken = STRANGERS.sign_as(NEXT, &claims(device(8), SPONSOR));
    assert_eq!(devices.verify(&taken, after(start, seconds(6))).await, Err(TokenError::Foreign));
}

#[tokio::test]
async fn an_answer_without_usable_keys_is_as_good_as_none() {
    let gateway = Gateway::start(Answer::Away).await;
    let (start, token) = (Instant::now(), OURS.token(device(7), SPONSOR));
    let many = (10..15).map(TokenKey).collect();
    let key =
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{}","x":"{}"}}"#, OURS.id(), OURS.x());
    let large = format!(r#"{{"padding":"{}","keys":[{key}]}}"#, " ".repeat(20_000));
    let broken = format!(r#"{{"keys":[{key}"#);
    for (name, answer) in [
        ("none", Answer::Away),
        ("no keys", Answer::Keys(Vec::new())),
        ("too many keys", Answer::Keys(many)),
        ("too large", Answer::Text(large)),
        ("cut off", Answer::Text(broken)),
        ("a page", Answer::Text("<html></html>".to_owned())),
        ("elsewhere", Answer::Elsewhere),
    ] {
        gateway.answer(answer);
        let devices = Devices::new(&gateway.issuer()).unwrap();
        let first = devices.verify(&token, after(start, Duration::ZERO)).await;
        assert_eq!(first, Err(TokenError::Unreachable), "{name}");
        let asked = gateway.reads();
        let soon = devices.verify(&token, after(start, Duration::ZERO)).await;
        assert_eq!((soon, gateway.reads()), (Err(TokenError::Unreachable), asked), "{name}");
        gateway.answer(Answer::Text(format!(r#"{{"keys":[{key}]}}"#)));
        assert_eq!(devices.verify(&token, after(start, seconds(5))).await, Ok(ours(7)), "{name}");
    }
    let file = Issuer { name: ISSUER.to_owned(), jwks_url: "file:///keys".parse().unwrap() };
    assert!(matches!(Devices::new(&file), Err(IssuerError::Scheme(_))));
}

#[tokio::test]
async fn a_gateway_that_says_nothing_holds_nobody_up_for_long() {
    let gateway = Gateway::start(Answer::Silence).await;
    let (start, token) = (Instant::now(), OURS.token(device(7), SPONSOR));
    let devices = Arc::new(Devices::new(&gateway.issuer()).unwrap());
    let all = (0..64).map(|_| devices.verify(&token, after(start, Duration::ZERO)));
    let answers = tokio::time::timeout(seconds(5), join_all(all)).await.unwrap();
    assert!(answers.into_iter().all(|answer| answer == Err(TokenError::Unreachable)));
    assert_eq!(gateway.reads(), 1, "they have waited together");
    gateway.answer(Answer::Keys(vec![OURS]));
    assert_eq!(devices.verify(&token, after(start, seconds(10))).await, Ok(ours(7)));
    // With keys at hand one of them finds out, and the others do not wait.
    gateway.answer(Answer::Silence);
    let asking = tokio::spawn({
        let (devices, token) = (Arc::clone(&devices), token.clone());
        async move { devices.verify(&token, after(start, seconds(20))).await }
    });
    gateway.asked(3).await;
    let others = (0..64).map(|_| devices.verify(&token, after(start, seconds(20))));
    let others = tokio::time::timeout(seconds(1), join_all(others)).await.unwrap();
    assert!(others.into_iter().all(|device| device == Ok(ours(7))));
    assert_eq!(asking.await.unwrap(), Ok(ours(7)));
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_end_the_read_that_others_wait_for() {
    let gateway = Gateway::start(Answer::WhenTold(vec![OURS])).await;
    let devices = Arc::new(Devices::new(&gateway.issuer()).unwrap());
    let (start, token) = (Instant::now(), OURS.token(device(7), SPONSOR));
    let asking = || {
        let (devices, token) = (Arc::clone(&devices), token.clone());
        tokio::spawn(async move { devices.verify(&token, after(start, Duration::ZERO)).await })
    };
    let first = asking();
    gateway.asked(1).await;
    let second = asking();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gateway.tell();
    assert_eq!(second.await.unwrap(), Ok(ours(7)));
    assert_eq!(gateway.reads(), 1);
}

#[tokio::test]
async fn a_revocation_is_kept_until_no_token_outlives_it_and_then_forgotten() {
    let database = fresh_database().await;
    let client = ciro_testbed::connect(&database).await;
    for number in [7, 8, 7] {
        devices::revoke(&client, device(number)).await.unwrap();
    }
    assert!(devices::is_revoked(&client, device(7)).await.unwrap());
    assert!(!devices::is_revoked(&client, device(9)).await.unwrap());
    assert_eq!(devices::forget(&client).await.unwrap(), 0);
    // A token may live as long, by the clocks of two machines that are off by a minute each.
    let ages = "update revoked_device set revoked_at = now() - interval '1 second' * \
        case device_id when $1 then 1015 else 1025 end";
    client.execute(ages, &[&device(7).0]).await.unwrap();
    assert_eq!(devices::forget(&client).await.unwrap(), 1);
    assert!(devices::is_revoked(&client, device(7)).await.unwrap());
    assert!(!devices::is_revoked(&client, device(8)).await.unwrap());
    // The first revocation counts, so that repeating it keeps no row for ever.
    devices::revoke(&client, device(7)).await.unwrap();
    let age = "select (extract(epoch from now() - revoked_at) > 1000)::text from revoked_device";
    let kept: String = client.query_one(age, &[]).await.unwrap().get(0);
    assert_eq!(kept, "true");
}
