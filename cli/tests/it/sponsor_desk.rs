//! What a sponsor's servers may see and end, and that nobody else may.

use ciro::{
    demo::device::Device,
    sponsor::{CreateFlags, KeyCommand, RevokeFlags, SponsorCommand, run},
};
use ciro_api::{
    ErrorCode, Fri, SponsorId, SponsorScope, limits,
    rest::{
        devices::Device as Shown,
        sponsors::{Sponsor, Usage},
    },
};
use ciro_paymaster::sponsors::{self, NewSponsor};
use p256::{SecretKey, elliptic_curve::rand_core::OsRng};
use reqwest::RequestBuilder;
use uuid::Uuid;

use crate::net::{HandWorker, Net, hash_job, refused, succeed};

async fn command(command: KeyCommand) -> anyhow::Result<String> {
    let mut out = Vec::new();
    run(SponsorCommand::Key(command), &mut out).await?;
    Ok(String::from_utf8(out)?.trim().to_owned())
}

fn flags(net: &Net, sponsor: SponsorId, scopes: &[SponsorScope]) -> CreateFlags {
    CreateFlags {
        database_url: net.dev.network.database_url.clone(),
        sponsor,
        name: "test".to_owned(),
        scopes: scopes.to_vec(),
        days: 1,
    }
}

pub(crate) async fn key(net: &Net, sponsor: SponsorId, scopes: &[SponsorScope]) -> String {
    command(KeyCommand::Create(flags(net, sponsor, scopes))).await.unwrap()
}

pub(crate) async fn own_key(net: &Net, scopes: &[SponsorScope]) -> String {
    key(net, net.dev.network.sponsor.id, scopes).await
}

pub(crate) async fn another_sponsor(net: &Net) -> SponsorId {
    let url = &net.dev.network.database_url;
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let sponsor = NewSponsor {
        id: SponsorId(Uuid::now_v7()),
        name: "another".to_owned(),
        address: "0x1234".parse().unwrap(),
        price_ceiling: Fri::ONE_STRK,
        spend_limit: Fri::ONE_STRK,
    };
    sponsors::create(&client, &sponsor).await.unwrap();
    sponsor.id
}

fn revoke(net: &Net, device: &Device, token: &str) -> RequestBuilder {
    net.gateway.post(&format!("/v1/devices/{}/revoke", device.id)).bearer_auth(token)
}

fn me(net: &Net, device: &Device) -> RequestBuilder {
    net.gateway.get("/v1/devices/me").bearer_auth(&device.token)
}

#[tokio::test]
async fn a_revoked_device_is_out_at_once_and_its_serial_is_free_for_another_key() {
    let (net, worker) = Net::with_hand_worker().await;
    let manage = own_key(&net, &[SponsorScope::Manage]).await;
    let secret = SecretKey::random(&mut OsRng);
    let enrol = |secret: SecretKey| {
        let net = &net;
        async move {
            Device::claim_with(
                &net.gateway,
                &net.dev.network.issuer,
                &net.dev.network.claim_token,
                &secret,
                "box-7".to_owned(),
            )
            .await
        }
    };
    let stolen = enrol(secret.clone()).await.unwrap();
    let shown: Shown = succeed(me(&net, &stolen)).await;
    assert_eq!((shown.id, shown.serial.as_str(), shown.revoked_at), (stolen.id, "box-7", None));
    assert_eq!(shown.sponsor, net.dev.network.sponsor.id);
    let post = net.gateway.post("/v1/jobs").bearer_auth(&stolen.token).json(&hash_job(b"before"));
    let _: ciro_api::rest::jobs::Job = succeed(post).await;

    let gone: Shown = succeed(revoke(&net, &stolen, &manage)).await;
    assert!(gone.revoked_at.is_some());
    assert_eq!(refused(me(&net, &stolen)).await, ErrorCode::DeviceRevoked);
    let post = net.gateway.post("/v1/jobs").bearer_auth(&stolen.token).json(&hash_job(b"after"));
    assert_eq!(refused(post).await, ErrorCode::DeviceRevoked);
    let again: Shown = succeed(revoke(&net, &stolen, &manage)).await;
    assert_eq!(again, gone, "a repeated revocation changed something");

    // With the same key it does not come back, though it still has the claim token of its batch.
    let back = enrol(secret).await.err().unwrap().to_string();
    assert!(back.contains("claim_refused"), "{back}");
    let repaired = enrol(SecretKey::random(&mut OsRng)).await.unwrap();
    assert_ne!(repaired.id, stolen.id);
    let _: Shown = succeed(me(&net, &repaired)).await;
    let thief = enrol(SecretKey::random(&mut OsRng)).await.err().unwrap().to_string();
    assert!(thief.contains("device_conflict"), "{thief}");
    // What was accepted goes on.
    assert_eq!(worker.lease(&net, 1, 10_000).await.len(), 1);
    let _: Shown = succeed(me(&net, &net.device)).await;
    net.stop().await;
}

#[tokio::test]
async fn only_a_managing_key_of_its_own_sponsor_revokes_a_device() {
    let net = Net::start().await;
    let read = own_key(&net, &[SponsorScope::Read]).await;
    let theirs = another_sponsor(&net).await;
    let theirs = key(&net, theirs, &[SponsorScope::Manage, SponsorScope::Read]).await;
    assert_eq!(refused(revoke(&net, &net.device, &read)).await, ErrorCode::Forbidden);
    assert_eq!(refused(revoke(&net, &net.device, &theirs)).await, ErrorCode::NotFound);
    assert_eq!(refused(revoke(&net, &net.device, &net.device.token)).await, ErrorCode::Forbidden);
    let path = format!("/v1/devices/{}/revoke", net.device.id);
    assert_eq!(refused(net.gateway.post(&path)).await, ErrorCode::Unauthenticated);
    let nobody = net.gateway.post("/v1/devices/dev_1/revoke").bearer_auth(&theirs);
    assert_eq!(refused(nobody).await, ErrorCode::NotFound);
    let _: Shown = succeed(me(&net, &net.device)).await;
    // A key opens no door of a device or a worker.
    let as_device = net.gateway.get("/v1/devices/me").bearer_auth(&theirs);
    assert_eq!(refused(as_device).await, ErrorCode::Forbidden);
    net.stop().await;
}

#[tokio::test]
async fn a_sponsors_server_sees_its_own_budget_and_usage() {
    let (net, worker) = Net::with_hand_worker().await;
    let read = own_key(&net, &[SponsorScope::Read]).await;
    let get = |path: &str| net.gateway.get(path).bearer_auth(&read);
    let sponsor: Sponsor = succeed(get("/v1/sponsors/me")).await;
    assert_eq!(sponsor.id, net.dev.network.sponsor.id);
    assert_eq!(sponsor.address, net.dev.network.sponsor.address);
    let before: Usage = succeed(get("/v1/sponsors/me/usage")).await;
    assert_eq!((before.held_fri, before.days.len()), (Fri::ZERO, 7));
    for number in 0..3_u8 {
        net.submit(&[number]).await;
    }
    let after: Usage = succeed(get("/v1/sponsors/me/usage?days=2")).await;
    assert_eq!(after.held_fri.0, net.held_fri().await);
    assert_eq!(after.budget_fri.checked_add(after.held_fri), Some(before.budget_fri));
    assert_eq!(after.days.len(), 2);
    // Three on this day, or some of them before midnight.
    assert_eq!(after.days.iter().map(|day| day.jobs).sum::<u64>(), 3);
    assert!(after.days.iter().all(|day| !day.at_least));

    for bad in ["days=0", "days=32", "days=-1", "days=week", "since=1"] {
        let path = format!("/v1/sponsors/me/usage?{bad}");
        assert_eq!(refused(get(&path)).await, ErrorCode::InvalidRequest, "{bad}");
    }
    let theirs = another_sponsor(&net).await;
    let theirs = key(&net, theirs, &[SponsorScope::Read]).await;
    let nothing: Usage =
        succeed(net.gateway.get("/v1/sponsors/me/usage").bearer_auth(&theirs)).await;
    assert!(nothing.days.iter().all(|day| day.jobs == 0), "another sponsor's jobs were counted");
    let manage = own_key(&net, &[SponsorScope::Manage]).await;
    for path in ["/v1/sponsors/me", "/v1/sponsors/me/usage"] {
        for token in [&manage, &net.device.token, &worker.token] {
            assert_eq!(
                refused(net.gateway.get(path).bearer_auth(token)).await,
                ErrorCode::Forbidden
            );
        }
    }
    net.stop().await;
}

#[tokio::test]
async fn a_key_that_is_not_good_opens_nothing_and_only_its_hash_is_stored() {
    let (net, _worker): (Net, HandWorker) = Net::with_hand_worker().await;
    let good = own_key(&net, &[SponsorScope::Read]).await;
    let with = |token: &str| net.gateway.get("/v1/sponsors/me").bearer_auth(token);
    let (id, secret) = good.split_once('.').unwrap();
    let flipped =
        format!("{id}.{}{}", if secret.starts_with('0') { '1' } else { '0' }, &secret[1..]);
    let unknown = format!("key_00000000000000000000000000.{secret}");
    for bad in [
        &flipped,
        &unknown,
        id,
        &format!("{id}."),
        &format!("{good}0"),
        "key_",
        "key_.",
        "nonsense",
    ] {
        assert_eq!(refused(with(bad)).await, ErrorCode::InvalidToken, "{bad}");
    }
    let _: Sponsor = succeed(with(&good)).await;
    let stored =
        format!("SELECT count(*)::text FROM sponsor_key WHERE sponsor_key::text LIKE '%{secret}%'");
    assert_eq!(net.sql(&stored).await, "0");

    let revoking =
        RevokeFlags { database_url: net.dev.network.database_url.clone(), id: id.parse().unwrap() };
    command(KeyCommand::Revoke(revoking.clone())).await.unwrap();
    assert_eq!(refused(with(&good)).await, ErrorCode::InvalidToken);
    assert!(command(KeyCommand::Revoke(revoking)).await.is_err(), "a dead key was revoked again");
    let over = own_key(&net, &[SponsorScope::Read]).await;
    net.sql("UPDATE sponsor_key SET expires_at = now() WHERE revoked_at IS NULL RETURNING 'done'")
        .await;
    assert_eq!(refused(with(&over)).await, ErrorCode::InvalidToken);

    let own = net.dev.network.sponsor.id;
    let cannot = [
        flags(&net, SponsorId(Uuid::now_v7()), &[SponsorScope::Read]),
        flags(&net, own, &[]),
        CreateFlags { days: 0, ..flags(&net, own, &[SponsorScope::Read]) },
        CreateFlags { days: limits::KEY_DAYS_MAX + 1, ..flags(&net, own, &[SponsorScope::Read]) },
        CreateFlags { name: String::new(), ..flags(&net, own, &[SponsorScope::Read]) },
    ];
    for flags in cannot {
        assert!(command(KeyCommand::Create(flags.clone())).await.is_err(), "{flags:?}");
    }
    net.stop().await;
}
