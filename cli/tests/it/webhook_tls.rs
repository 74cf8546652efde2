//! Webhooks over TLS: told to who can show that it is the receiver, and to nobody else.

use std::path::PathBuf;

use ciro_api::{
    EventKind, JobId, SponsorScope,
    rest::webhooks::{FailedDelivery, FailedDeliveryPage},
};
use rcgen::{CertificateParams, date_time_ymd};

use crate::{
    net::{HandWorker, Net, succeed},
    receiver::{Manner, Receiver},
    sponsor_desk::own_key,
    tls::Authority,
    webhooks::{finish_all, job, new_secret, post, until_sql, until_told},
};

/// A network whose gateway trusts `authority`.
async fn network(authority: &Authority) -> (Net, HandWorker, String) {
    let (mut net, worker) = Net::with_hand_worker().await;
    let file: PathBuf = net.room.path().join("authority.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let settings = [("CIRO_WEBHOOK_CA_FILE", file.to_str().unwrap())];
    net.dev.services.start_gateway(&settings).await.unwrap();
    let key = own_key(&net, &[SponsorScope::Read, SponsorScope::Manage]).await;
    (net, worker, key)
}

fn url(receiver: &Receiver, path: &str) -> String {
    format!("https://localhost:{}{path}", receiver.port)
}

/// Posts a job that tells `url` of its end, and ends it.
async fn end(net: &Net, worker: &HandWorker, url: String) -> JobId {
    let posted = post(net, &job(url.as_bytes(), url.clone(), &[EventKind::JobCompleted])).await;
    finish_all(net, worker, 1).await;
    posted.id
}

/// The delivery once it is given up: its pauses are cut short, its tries are not.
async fn given_up(net: &Net, key: &str, job: JobId) -> FailedDelivery {
    let of_job = format!("FROM webhook_outbox WHERE job_id = '{}'", job.0);
    until_sql(net, &format!("SELECT (tries >= 2)::text {of_job}"), "true").await;
    let hurry =
        format!("UPDATE webhook_outbox SET tries = 7, due_at = now() WHERE job_id = '{}'", job.0);
    net.execute(&hurry).await;
    until_sql(net, &format!("SELECT (failed_at IS NOT NULL)::text {of_job}"), "true").await;
    let list = net.gateway.get("/v1/webhooks/failed").bearer_auth(key);
    let page: FailedDeliveryPage = succeed(list).await;
    page.data.into_iter().find(|delivery| delivery.job == job).unwrap()
}

#[tokio::test]
async fn a_receiver_with_a_certificate_by_an_added_authority_is_told_over_tls() {
    let authority = Authority::new("ours");
    let (net, worker, key) = Box::pin(network(&authority)).await;
    let secret = new_secret(&net, &key).await;
    let receiver = Receiver::start_with(authority.certify("localhost")).await;
    end(&net, &worker, url(&receiver, "/told")).await;
    let got = receiver.until("/told", 1).await;
    assert_eq!(got[0].header("webhook-signature"), got[0].signature_under(&secret.secret));
    until_told(&net).await;

    // Not even to a place that can show who it is.
    receiver.behave("/elsewhere", Manner::SendsTo(url(&receiver, "/target")));
    end(&net, &worker, url(&receiver, "/elsewhere")).await;
    receiver.until("/elsewhere", 2).await;
    assert_eq!(receiver.count("/target"), 0, "a redirect was followed");
    net.stop().await;
}

#[tokio::test]
async fn a_receiver_that_cannot_show_who_it_is_is_told_nothing_and_its_sponsor_sees_why() {
    let authority = Authority::new("ours");
    let (net, worker, key) = Box::pin(network(&authority)).await;
    new_secret(&net, &key).await;
    let mut old = CertificateParams::new(["localhost".to_owned()]).unwrap();
    (old.not_before, old.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 1, 2));
    for (certified, why) in [
        (authority.certify("game.example"), "for another name"),
        (Authority::new("theirs").certify("localhost"), "by an authority that we do not trust"),
        // It has taken the name of the trusted one, and has not its key.
        (Authority::new("ours").certify("localhost"), "not good"),
        (authority.certify_as(&old), "over, or not good yet"),
    ] {
        let receiver = Receiver::start_with(certified).await;
        let job = end(&net, &worker, url(&receiver, "/untold")).await;
        let failed = given_up(&net, &key, job).await;
        assert_eq!(failed.reason, format!("the receiver's certificate is {why}"));
        assert_eq!((failed.tries, failed.last_status), (8, None));
        assert_eq!(receiver.count("/untold"), 0, "it was told, though it is {why}");
    }
    net.stop().await;
}
