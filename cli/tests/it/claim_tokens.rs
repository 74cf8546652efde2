//! What a sponsor's servers do with claim tokens, and what devices then can and cannot.

use ciro::{
    demo::{client::Gateway, device::Device},
    sponsor::{
        ClaimTokenCommand, CreateClaimTokenFlags, RevokeClaimTokenFlags, SponsorCommand,
        WhoseFlags, run,
    },
};
use ciro_api::{
    ClaimTokenId, ErrorCode, SponsorScope, limits,
    rest::claim_tokens::{ClaimToken, ClaimTokenPage, CreateClaimToken, NewClaimToken},
};
use futures::future::join_all;
use p256::{SecretKey, elliptic_curve::rand_core::OsRng};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    net::{Net, refusal, refused, succeed},
    quota::Strict,
    sponsor_desk::{another_sponsor, key, own_key},
};

const PATH: &str = "/v1/sponsors/me/claim-tokens";

fn wanted(claims: u32) -> CreateClaimToken {
    CreateClaimToken { name: "batch 7".to_owned(), claims, expires_in_s: 3_600, serials: None }
}

async fn managing_key(net: &Net) -> String {
    own_key(net, &[SponsorScope::Read, SponsorScope::Manage]).await
}

async fn make(net: &Net, key: &str, wanted: &CreateClaimToken) -> NewClaimToken {
    succeed(net.gateway.post(PATH).bearer_auth(key).json(wanted)).await
}

fn revoke(net: &Net, key: &str, id: ClaimTokenId) -> RequestBuilder {
    net.gateway.post(&format!("{PATH}/{id}/revoke")).bearer_auth(key)
}

async fn page(net: &Net, key: &str, query: &str) -> ClaimTokenPage {
    succeed(net.gateway.get(&format!("{PATH}{query}")).bearer_auth(key)).await
}

async fn shown(net: &Net, key: &str, id: ClaimTokenId) -> ClaimToken {
    let all = page(net, key, "").await.data;
    all.into_iter().find(|token| token.id == id).unwrap()
}

async fn claim(net: &Net, token: &NewClaimToken) -> anyhow::Result<Device> {
    Device::claim(&net.gateway, &net.dev.network.issuer, &token.claim_token).await
}

async fn claim_as(
    gateway: &Gateway,
    net: &Net,
    token: &str,
    serial: &str,
    secret: &SecretKey,
) -> anyhow::Result<Device> {
    Device::claim_with(gateway, &net.dev.network.issuer, token, secret, serial.to_owned()).await
}

/// The error code of a claim that must be refused.
fn refused_as(claimed: anyhow::Result<Device>, code: ErrorCode) {
    let error = claimed.err().unwrap().to_string();
    assert!(error.contains(code.as_str()), "{error}");
}

#[tokio::test]
async fn a_claim_token_enrols_as_many_devices_as_it_may_until_it_is_revoked_or_over() {
    let net = Net::start().await;
    let key = managing_key(&net).await;
    let token = make(&net, &key, &wanted(2)).await;
    assert!(token.claim_token.starts_with("clm_") && token.claim_token.len() == 4 + 48);
    let before = shown(&net, &key, token.id).await;
    assert_eq!((before.name.as_str(), before.claims_left, before.claims_max), ("batch 7", 2, 2));
    assert_eq!((before.serials_count, before.revoked_at), (None, None));
    assert_eq!(before.expires_at, token.expires_at);

    let secret = SecretKey::random(&mut OsRng);
    let first = claim_as(&net.gateway, &net, &token.claim_token, "one", &secret).await.unwrap();
    net.works_for(&first.token).await;
    assert_eq!(shown(&net, &key, token.id).await.claims_left, 1);
    // Who lost the reply asks again, and that costs no claim.
    let again = claim_as(&net.gateway, &net, &token.claim_token, "one", &secret).await.unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(shown(&net, &key, token.id).await.claims_left, 1);
    claim(&net, &token).await.unwrap();
    refused_as(claim(&net, &token).await, ErrorCode::ClaimRefused);
    assert_eq!(shown(&net, &key, token.id).await.claims_left, 0);

    let revoked = make(&net, &key, &wanted(2)).await;
    let enrolled = claim(&net, &revoked).await.unwrap();
    let end: ClaimToken = succeed(revoke(&net, &key, revoked.id)).await;
    assert!(end.revoked_at.is_some() && end.claims_left == 1, "{end:?}");
    refused_as(claim(&net, &revoked).await, ErrorCode::ClaimRefused);
    net.works_for(&enrolled.token).await;
    let repeated: ClaimToken = succeed(revoke(&net, &key, revoked.id)).await;
    assert_eq!(repeated, end, "a repeated revocation changed something");
    assert_eq!(shown(&net, &key, revoked.id).await, end);

    let short = make(&net, &key, &CreateClaimToken { expires_in_s: 1, ..wanted(5) }).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    refused_as(claim(&net, &short).await, ErrorCode::ClaimRefused);
    assert_eq!(shown(&net, &key, short.id).await.claims_left, 5);

    let first = page(&net, &key, "?limit=2").await;
    assert_eq!(first.data.iter().map(|t| t.id).collect::<Vec<_>>(), [short.id, revoked.id]);
    assert!(first.has_more);
    let after = first.next_after.unwrap();
    let second = page(&net, &key, &format!("?limit=2&after={after}")).await;
    // The last one is what the development network enrols its devices with.
    assert_eq!(second.data[0].id, token.id);
    assert_eq!((second.data.len(), second.has_more, second.next_after), (2, false, None));
    net.stop().await;
}

#[tokio::test]
async fn only_a_key_of_its_own_sponsor_with_the_scope_makes_sees_or_revokes_a_claim_token() {
    let net = Net::start().await;
    let own = managing_key(&net).await;
    let token = make(&net, &own, &wanted(1)).await;
    let read = own_key(&net, &[SponsorScope::Read]).await;
    let manage = own_key(&net, &[SponsorScope::Manage]).await;
    let both = [SponsorScope::Read, SponsorScope::Manage];
    let theirs = key(&net, another_sponsor(&net).await, &both).await;
    let create = |key: &str| net.gateway.post(PATH).bearer_auth(key).json(&wanted(1));
    let list = |key: &str| net.gateway.get(PATH).bearer_auth(key);
    for refused_key in [&read, &net.device.token] {
        assert_eq!(refused(create(refused_key)).await, ErrorCode::Forbidden);
        assert_eq!(refused(revoke(&net, refused_key, token.id)).await, ErrorCode::Forbidden);
    }
    assert_eq!(refused(list(&manage)).await, ErrorCode::Forbidden);
    assert_eq!(refused(revoke(&net, &theirs, token.id)).await, ErrorCode::NotFound);
    assert!(page(&net, &theirs, "").await.data.is_empty(), "another sponsor's were listed");
    let nobody = [net.gateway.post(PATH).json(&wanted(1)), net.gateway.get(PATH)];
    for request in nobody {
        assert_eq!(refused(request).await, ErrorCode::Unauthenticated);
    }
    let unknown = net.gateway.post(&format!("{PATH}/clt_1/revoke")).bearer_auth(&own);
    assert_eq!(refused(unknown).await, ErrorCode::NotFound);
    // After all of that it still works.
    claim(&net, &token).await.unwrap();
    net.stop().await;
}

#[tokio::test]
async fn a_claim_token_with_serials_enrols_no_other_serial() {
    let net = Net::start().await;
    let key = managing_key(&net).await;
    let serials = Some(vec!["box-1".parse().unwrap(), "box-2".parse().unwrap()]);
    let token = make(&net, &key, &CreateClaimToken { serials, ..wanted(10) }).await;
    assert_eq!(shown(&net, &key, token.id).await.serials_count, Some(2));
    let secret = SecretKey::random(&mut OsRng);
    let with = |serial| claim_as(&net.gateway, &net, &token.claim_token, serial, &secret);
    with("box-2").await.unwrap();
    for other in ["box-3", "box-", "BOX-1", "box-11"] {
        refused_as(with(other).await, ErrorCode::ClaimRefused);
    }
    assert_eq!(shown(&net, &key, token.id).await.claims_left, 9);
    net.stop().await;
}

#[tokio::test]
async fn of_many_devices_that_race_for_the_last_claim_exactly_one_gets_it() {
    const RACERS: usize = 16;
    let net = Net::start().await;
    let key = managing_key(&net).await;
    for _ in 0..3 {
        let token = make(&net, &key, &wanted(1)).await;
        let claims = join_all((0..RACERS).map(|_| claim(&net, &token))).await;
        let (won, lost): (Vec<_>, Vec<_>) = claims.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for one in lost {
            refused_as(one, ErrorCode::ClaimRefused);
        }
        assert_eq!(shown(&net, &key, token.id).await.claims_left, 0);
    }
    net.stop().await;
}

#[tokio::test]
async fn the_text_of_a_claim_token_is_nowhere_but_with_its_sponsor() {
    let net = Net::start().await;
    let key = managing_key(&net).await;
    let token = make(&net, &key, &wanted(2)).await;
    claim(&net, &token).await.unwrap();
    let _: ClaimToken = succeed(revoke(&net, &key, token.id)).await;
    refused_as(claim(&net, &token).await, ErrorCode::ClaimRefused);
    let secret = token.claim_token.strip_prefix("clm_").unwrap();
    let listed = net.gateway.get(PATH).bearer_auth(&key).send().await.unwrap();
    assert!(!listed.text().await.unwrap().contains(secret));
    let stored =
        format!("SELECT count(*)::text FROM claim_token WHERE claim_token::text LIKE '%{secret}%'");
    assert_eq!(net.sql(&stored).await, "0");
    let log = std::fs::read_to_string(net.room.path().join("log/ciro-gateway.log")).unwrap();
    assert!(log.contains(&token.id.to_string()), "that it was made and revoked is not logged");
    assert!(!log.contains(secret), "the log tells the token");
    net.stop().await;
}

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"name": "n", "claims": 1, "expires_in_s": 60});
    body.as_object_mut().unwrap().insert(field.to_owned(), value);
    body
}

#[tokio::test]
async fn a_claim_token_that_makes_no_sense_is_not_made_and_the_fault_is_pointed_at() {
    let net = Net::start().await;
    let key = managing_key(&net).await;
    let too_many: Vec<_> = (0..=limits::CLAIM_SERIALS_MAX).map(|n| n.to_string()).collect();
    for (field, value) in [
        ("claims", json!(0)),
        ("claims", json!(limits::CLAIMS_MAX + 1)),
        ("claims", json!(u64::MAX)),
        ("claims", json!(-1)),
        ("claims", json!(1.5)),
        ("expires_in_s", json!(0)),
        ("expires_in_s", json!(limits::CLAIM_TOKEN_TTL_S_MAX + 1)),
        ("name", json!("")),
        ("name", json!("n".repeat(limits::CLAIM_TOKEN_NAME_CHARS_MAX + 1))),
        ("name", json!("with a \u{0} in it")),
        ("serials", json!([])),
        ("serials", json!(null)),
        ("serials", json!(["box-1", "box-2", "box-1"])),
        ("serials", json!(too_many)),
    ] {
        let problem =
            refusal(net.gateway.post(PATH).bearer_auth(&key).json(&with(field, value))).await;
        assert_eq!(problem.code, ErrorCode::InvalidRequest, "{problem}");
        assert_eq!(problem.errors[0].pointer, format!("/{field}"), "{problem}");
    }
    for (field, value) in [("serials", json!(["box 1"])), ("colour", json!("red"))] {
        let problem =
            refusal(net.gateway.post(PATH).bearer_auth(&key).json(&with(field, value))).await;
        assert_eq!(problem.code, ErrorCode::InvalidRequest, "{problem}");
    }
    for bad in ["?limit=0", "?limit=101", "?after=clt_1", "?before=1"] {
        let list = net.gateway.get(&format!("{PATH}{bad}")).bearer_auth(&key);
        assert_eq!(refused(list).await, ErrorCode::InvalidRequest, "{bad}");
    }
    assert_eq!(page(&net, &key, "").await.data.len(), 1, "something was made");

    // The longest that may be, all of it at once.
    let longest: Vec<_> = (0..limits::CLAIM_SERIALS_MAX).map(|n| format!("{n:064}")).collect();
    let body = json!({
        "name": "ü".repeat(limits::CLAIM_TOKEN_NAME_CHARS_MAX), "claims": limits::CLAIMS_MAX,
        "expires_in_s": limits::CLAIM_TOKEN_TTL_S_MAX, "serials": longest
    });
    let _: NewClaimToken = succeed(net.gateway.post(PATH).bearer_auth(&key).json(&body)).await;
    net.stop().await;
}

#[tokio::test]
async fn a_sponsor_has_so_many_live_claim_tokens_and_so_many_that_have_ended() {
    let net = Net::start().await;
    let key = managing_key(&net).await;
    let insert = |count: i64, ends: &str| {
        format!(
            "INSERT INTO claim_token (claim_token_id, sponsor_id, token_sha256, name, claims_left, claims_max, expires_at)
             SELECT gen_random_uuid(), '{}', sha256(gen_random_uuid()::text::bytea), 'n', 1, 1, {ends}
             FROM generate_series(1, {count})",
            net.dev.network.sponsor.id.0
        )
    };
    // One more is what the development network enrols its devices with.
    net.execute(&insert(limits::CLAIM_TOKENS_MAX - 2, "now() + interval '1 day'")).await;
    net.execute(&insert(limits::CLAIM_TOKENS_ENDED_MAX + 7, "now()")).await;
    let last = make(&net, &key, &wanted(1)).await;
    let ended = "SELECT count(*)::text FROM claim_token WHERE expires_at <= now()";
    assert_eq!(net.sql(ended).await, limits::CLAIM_TOKENS_ENDED_MAX.to_string());
    let another = || net.gateway.post(PATH).bearer_auth(&key).json(&wanted(1));
    assert_eq!(refused(another()).await, ErrorCode::LimitReached);
    // Another sponsor has room of its own.
    let theirs = key_of_another(&net).await;
    make(&net, &theirs, &wanted(1)).await;
    // One that is used up enrols nobody, so it takes no room.
    claim(&net, &last).await.unwrap();
    let room = join_all((0..8).map(|_| another().send())).await;
    let made = room.into_iter().filter(|reply| reply.as_ref().unwrap().status() == 201).count();
    assert_eq!(made, 1, "calls at the same time got past the limit");
    net.stop().await;
}

async fn key_of_another(net: &Net) -> String {
    key(net, another_sponsor(net).await, &[SponsorScope::Manage]).await
}

#[tokio::test]
async fn a_flood_of_claims_is_refused_and_holds_up_no_other_claim_token() {
    const QUOTA: u32 = 3;
    let net = Net::start().await;
    let key = managing_key(&net).await;
    let strict = Strict::start(&net, QUOTA, &net.dev.network.redis_url).await;
    let gateway = Gateway::new(&strict.url).unwrap();
    let [flooded, calm] = [make(&net, &key, &wanted(9)).await, make(&net, &key, &wanted(9)).await];
    let secret = SecretKey::random(&mut OsRng);
    let try_claim = |token: String| {
        // No proof is worth anything here: the claim is counted before one is looked at.
        let body = json!({
            "claim_token": token, "serial": "box",
            "public_key": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "proof": "x.y.z"
        });
        gateway.post("/v1/devices/claim").json(&body)
    };
    for _ in 0..QUOTA {
        assert_eq!(
            refused(try_claim(flooded.claim_token.clone())).await,
            ErrorCode::InvalidRequest
        );
    }
    let reply = try_claim(flooded.claim_token.clone()).send().await.unwrap();
    assert_eq!(reply.status(), 429);
    assert_eq!(reply.headers()["ratelimit-policy"], "\"claim-token\";q=3;w=60");
    let retry_after: u64 = reply.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&retry_after), "{retry_after}");
    let device = claim_as(&gateway, &net, &flooded.claim_token, "box", &secret).await;
    refused_as(device, ErrorCode::RateLimited);
    // Guesses differ and share one quota, which costs a token that there is nothing.
    for number in 0..QUOTA {
        assert_eq!(refused(try_claim(format!("clm_{number}"))).await, ErrorCode::ClaimRefused);
    }
    let reply = try_claim("clm_another".to_owned()).send().await.unwrap();
    assert_eq!(reply.status(), 429);
    assert_eq!(reply.headers()["ratelimit-policy"], "\"unknown-claim-token\";q=3;w=60");
    claim_as(&gateway, &net, &calm.claim_token, "box", &secret).await.unwrap();
    // Neither token stands in Redis.
    let client = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("ciro:rate:claim:*").query_async(&mut redis).await.unwrap();
    assert!(keys.len() >= 3 && keys.iter().all(|key| !key.contains("clm_")), "{keys:?}");
    strict.stop().await;
    net.stop().await;
}

async fn command(command: ClaimTokenCommand) -> anyhow::Result<String> {
    let mut out = Vec::new();
    run(SponsorCommand::ClaimToken(command), &mut out).await?;
    Ok(String::from_utf8(out)?.trim().to_owned())
}

#[tokio::test]
async fn an_operator_makes_lists_and_revokes_claim_tokens_from_the_command_line() {
    let net = Net::start().await;
    let whose = WhoseFlags {
        database_url: net.dev.network.database_url.clone(),
        sponsor: net.dev.network.sponsor.id,
    };
    let file = net.room.path().join("serials.txt");
    std::fs::write(&file, "box-1\nbox-2\n").unwrap();
    let flags = CreateClaimTokenFlags {
        whose: whose.clone(),
        name: "by hand".to_owned(),
        claims: 5,
        expires_in_s: 60,
        serials_file: Some(file.clone()),
    };
    let made = command(ClaimTokenCommand::Create(flags.clone())).await.unwrap();
    let (id, token) = made.split_once(' ').unwrap();
    let secret = SecretKey::random(&mut OsRng);
    claim_as(&net.gateway, &net, token, "box-1", &secret).await.unwrap();
    let listed = command(ClaimTokenCommand::List(whose.clone())).await.unwrap();
    let line = listed.lines().next().unwrap();
    assert!(line.starts_with(&format!("{id} 4 of 5 claims left, for 2 serials, until ")), "{line}");
    assert!(line.ends_with(": by hand") && !listed.contains(token), "{listed}");

    let revoking = RevokeClaimTokenFlags { whose: whose.clone(), id: id.parse().unwrap() };
    command(ClaimTokenCommand::Revoke(revoking.clone())).await.unwrap();
    let late = claim_as(&net.gateway, &net, token, "box-2", &secret).await;
    refused_as(late, ErrorCode::ClaimRefused);
    let theirs = WhoseFlags { sponsor: another_sponsor(&net).await, ..whose };
    let foreign = RevokeClaimTokenFlags { whose: theirs, ..revoking };
    assert!(command(ClaimTokenCommand::Revoke(foreign)).await.is_err());
    std::fs::write(&file, "box-1\nbox 2\n").unwrap();
    let bad = command(ClaimTokenCommand::Create(flags)).await.unwrap_err();
    assert!(format!("{bad:#}").contains("line 2 of"), "{bad:#}");
    net.stop().await;
}
