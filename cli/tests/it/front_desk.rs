//! What the front desk says to bad requests, and that nothing of them is stored.

use ciro_api::{
    Address, ErrorCode, Felt, Fri, JobStatus, SponsorId, limits,
    rest::{
        claim_tokens::CreateClaimToken,
        jobs::Job,
        leases::{FailReply, FailRequest},
    },
};
use ciro_paymaster::sponsors::{self, NewSponsor};
use futures::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use uuid::Uuid;

use crate::net::{HandWorker, Net, hash_job, refusal, refused, succeed};

#[tokio::test]
async fn malformed_jobs_are_refused_with_their_place_and_nothing_is_stored() {
    let net = Net::start().await;
    let post = || net.gateway.post("/v1/jobs").bearer_auth(&net.device.token);
    let as_json =
        |text: &str| post().header("content-type", "application/json").body(text.to_owned());

    let mut unknown = hash_job(b"x");
    unknown.model = "ciro/nothing@1".to_owned();
    assert_eq!(refused(net.post_job(&unknown)).await, ErrorCode::UnknownModel);

    assert_eq!(refused(as_json("{\"model\":")).await, ErrorCode::InvalidJson);
    assert_eq!(refused(as_json("{} trailing")).await, ErrorCode::InvalidRequest);
    assert_eq!(refused(post().body("model=x")).await, ErrorCode::UnsupportedMediaType);
    let extra = json!({"model": "ciro/sha256@1", "input": {"text": "x"}, "surprise": 1});
    assert_eq!(refused(post().json(&extra)).await, ErrorCode::InvalidRequest);
    let both = json!({"model": "ciro/sha256@1", "input": {"text": "x", "data": "eA=="}});
    assert_eq!(refused(post().json(&both)).await, ErrorCode::InvalidRequest);
    let bad =
        refusal(post().json(&json!({"model": "ciro/sha256@1", "input": {"data": "%%%"}}))).await;
    assert_eq!(bad.errors[0].pointer, "/input/data");

    let large = vec![0_u8; limits::BODY_BYTES_MAX];
    assert_eq!(refused(net.post_job(&hash_job(&large))).await, ErrorCode::BodyTooLarge);
    assert_eq!(refused(net.post_job(&hash_job(&[0; 8_193]))).await, ErrorCode::InputTooLarge);
    let key = "k".repeat(limits::IDEMPOTENCY_KEY_BYTES_MAX + 1);
    let long_key = net.post_job(&hash_job(b"x")).header("idempotency-key", key);
    assert_eq!(refused(long_key).await, ErrorCode::InvalidRequest);
    let mut endless = hash_job(b"x");
    endless.run_within_ms = Some(limits::RUN_WITHIN_MS_MAX + 1);
    assert_eq!(refused(net.post_job(&endless)).await, ErrorCode::InvalidRequest);

    assert_eq!((net.jobs().await, net.held_fri().await), (0, 0));
    net.stop().await;
}

#[tokio::test]
async fn tokens_that_are_not_good_open_nothing() {
    let net = Net::start().await;
    let with = |token: &str| net.gateway.post("/v1/jobs").bearer_auth(token).json(&hash_job(b"x"));
    assert_eq!(
        refused(net.gateway.post("/v1/jobs").json(&hash_job(b"x"))).await,
        ErrorCode::Unauthenticated
    );
    assert_eq!(refused(with("not.a.token")).await, ErrorCode::InvalidToken);
    let forged = with_another_signature(&net.device.token);
    assert_eq!(refused(with(&forged)).await, ErrorCode::InvalidToken);

    let pem = std::fs::read(net.room.path().join("network/token-key.pem")).unwrap();
    let ours = EncodingKey::from_ed_pem(&pem).unwrap();
    let mut claims = json!({
        "iss": net.dev.network.issuer, "aud": "ciro", "role": "device", "sub": net.device.id,
        "sponsor": net.dev.network.sponsor.id, "iat": 1_000, "exp": 2_000
    });
    let mut eddsa = Header::new(Algorithm::EdDSA);
    assert_eq!(
        refused(with(&encode(&eddsa, &claims, &ours).unwrap())).await,
        ErrorCode::InvalidToken,
        "it names no key"
    );
    eddsa.kid = jsonwebtoken::decode_header(&net.device.token).unwrap().kid;
    assert_eq!(
        refused(with(&encode(&eddsa, &claims, &ours).unwrap())).await,
        ErrorCode::TokenExpired
    );
    claims["exp"] = json!(4_000_000_000_u64);
    claims["iss"] = json!("another network");
    assert_eq!(
        refused(with(&encode(&eddsa, &claims, &ours).unwrap())).await,
        ErrorCode::InvalidToken
    );
    claims["iss"] = json!(net.dev.network.issuer);
    // The public key used as a shared secret: the classic confusion of algorithms.
    let confused = EncodingKey::from_secret(&pem);
    let hs256 = Header { alg: Algorithm::HS256, ..eddsa.clone() };
    assert_eq!(
        refused(with(&encode(&hs256, &claims, &confused).unwrap())).await,
        ErrorCode::InvalidToken
    );
    // With everything right the very same claims do open the door.
    let good = with(&encode(&eddsa, &claims, &ours).unwrap()).send().await.unwrap();
    assert_eq!(good.status(), 202);

    let worker_path = net.gateway.post("/v1/leases").bearer_auth(&net.device.token);
    assert_eq!(refused(worker_path.json(&json!({}))).await, ErrorCode::Forbidden);
    net.stop().await;
}

/// The token with the first character of its signature replaced: all six of its bits are signature,
/// where the last character's are only two, which a fixed replacement would leave as they are in
/// every fourth token.
fn with_another_signature(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{other}{}", &signature[1..])
}

#[tokio::test]
async fn a_job_of_another_device_does_not_exist() {
    let net = Net::start().await;
    let job = net.submit(b"mine").await;
    let other = ciro::demo::device::Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    assert!(net.gateway.job(&other, job.id).await.unwrap_err().to_string().contains("not_found"));
    assert_eq!(net.gateway.job(&net.device, job.id).await.unwrap().id, job.id);
    net.stop().await;
}

#[tokio::test]
async fn the_same_idempotency_key_means_the_same_job() {
    let net = Net::start().await;
    let post = |bytes: &[u8]| net.post_job(&hash_job(bytes)).header("idempotency-key", "boot-1");
    let replies = join_all((0..20).map(|_| succeed::<Job>(post(b"once")))).await;
    assert!(replies.iter().all(|job| job.id == replies[0].id), "two jobs for one key");
    assert_eq!(net.jobs().await, 1);
    let again = post(b"once").send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(refused(post(b"something else")).await, ErrorCode::IdempotencyKeyReused);
    assert_eq!(net.jobs().await, 1);
    net.stop().await;
}

#[tokio::test]
async fn a_sponsor_without_budget_gets_no_job_stored() {
    let mut net = Net::start().await;
    let url = &net.dev.network.database_url;
    let (mut client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let poor = NewSponsor {
        id: SponsorId(Uuid::now_v7()),
        name: "nothing deposited".to_owned(),
        address: "0x1234".parse().unwrap(),
        price_ceiling: Fri::ONE_STRK,
        spend_limit: Fri::ONE_STRK,
    };
    sponsors::create(&client, &poor).await.unwrap();
    let wanted = CreateClaimToken {
        name: "for one".to_owned(),
        claims: 1,
        expires_in_s: 3_600,
        serials: None,
    };
    let made = ciro_gateway::sponsors::create_claim_token(&mut client, poor.id, &wanted).await;
    net.dev.network.claim_token = made.unwrap().claim_token;
    let device = ciro::demo::device::Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    let post = net.gateway.post("/v1/jobs").bearer_auth(&device.token).json(&hash_job(b"x"));
    let problem = refusal(post).await;
    assert_eq!(problem.code, ErrorCode::SponsorOutOfBudget);
    assert!(problem.retryable);
    assert_eq!((net.jobs().await, net.held_fri().await), (0, 0));
    // The claim token was for one device.
    let second =
        ciro::demo::device::Device::enrol(&net.gateway, &net.dev.network).await.err().unwrap();
    assert!(second.to_string().contains("claim_refused"), "{second}");
    net.stop().await;
}

#[tokio::test]
async fn a_result_with_a_wrong_signature_is_not_stored_and_a_right_one_is_stored_once() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"to be signed").await;
    let leases = worker.lease(&net, 1, 10_000).await;
    let results = vec![HandWorker::result(&leases[0])];

    let forged = worker.sign(&results, &(worker.key + ciro_api::Felt::ONE));
    let body =
        ciro_api::rest::results::SubmitResults { results: results.clone(), signature: forged };
    assert_eq!(
        refused(worker.post(&net, "/v1/results").json(&body)).await,
        ErrorCode::WrongSignature
    );
    // Signed for other bytes than were sent.
    let other = worker.sign(&[HandWorker::result_of(&leases[0], vec![1; 32])], &worker.key);
    let body =
        ciro_api::rest::results::SubmitResults { results: results.clone(), signature: other };
    assert_eq!(
        refused(worker.post(&net, "/v1/results").json(&body)).await,
        ErrorCode::WrongSignature
    );
    assert_eq!(net.gateway.job(&net.device, job.id).await.unwrap().status, JobStatus::Running);

    for _ in 0..3 {
        let reply = worker.submit(&net, results.clone()).await;
        assert!(reply.results[0].accepted, "{:?}", reply.results[0].problem);
    }
    let lie = worker.submit(&net, vec![HandWorker::result_of(&leases[0], vec![1; 32])]).await;
    assert_eq!(lie.results[0].problem.as_ref().unwrap().code, ErrorCode::ResultConflict);
    let receipts = net.sql("SELECT count(*)::text FROM receipt").await;
    assert_eq!(receipts, "1", "one job, one receipt");
    net.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_slashed_while_its_results_are_stored_has_none_of_them_stored() {
    let (net, worker) = Net::with_hand_worker().await;
    let jobs = [net.submit(b"one").await, net.submit(b"two").await];
    let leases = worker.lease(&net, 2, 10_000).await;
    // The chain's word comes between the look at the worker and its receipt.
    net.execute(
        "CREATE FUNCTION slash() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             UPDATE chain_worker SET slashed = true;
             RETURN OLD;
         END $$;
         CREATE TRIGGER slash BEFORE DELETE ON job_live FOR EACH ROW EXECUTE FUNCTION slash();",
    )
    .await;
    let results: Vec<_> = leases.iter().map(HandWorker::result).collect();
    let refused_as = refused(worker.submission(&net, results.clone())).await;
    assert_eq!(refused_as, ErrorCode::WorkerNotStaked);
    for job in &jobs {
        let seen = net.gateway.job(&net.device, job.id).await.unwrap();
        assert_eq!(seen.status, JobStatus::Running, "stored without a receipt");
    }
    net.execute("DROP TRIGGER slash ON job_live").await;
    let reply = worker.submit(&net, results).await;
    assert!(reply.results.iter().all(|result| result.accepted), "{:?}", reply.results);
    assert_eq!(net.sql("SELECT count(*)::text FROM receipt").await, "2");
    net.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_slashed_takes_no_result_of_another_down_with_it() {
    const EACH: usize = 12;
    let (net, good) = Net::with_hand_worker().await;
    let bad = HandWorker { address: Address(Felt::from(0xbad_u64)), ..good.clone() };
    net.execute(&format!(
        "INSERT INTO chain_worker (address, public_key, stake_fri)
         SELECT '{}', public_key, stake_fri FROM chain_worker WHERE address = '{}';",
        bad.address, good.address
    ))
    .await;
    let bad = bad.log_in_again(&net).await;
    for number in 0..2 * EACH {
        net.submit(number.to_string().as_bytes()).await;
    }
    let leases = [good.lease(&net, 12, 10_000).await, bad.lease(&net, 12, 10_000).await];
    assert_eq!([leases[0].len(), leases[1].len()], [EACH; 2]);
    net.execute(&format!(
        "CREATE FUNCTION slash() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF OLD.worker = '{0}' THEN
                 UPDATE chain_worker SET slashed = true WHERE address = '{0}';
             END IF;
             RETURN OLD;
         END $$;
         CREATE TRIGGER slash BEFORE DELETE ON job_live FOR EACH ROW EXECUTE FUNCTION slash();",
        bad.address
    ))
    .await;
    // One result in every call, all at the same moment: they share transactions.
    let calls = leases[0].iter().zip(&leases[1]).flat_map(|(one, other)| {
        let of = |worker: &HandWorker, lease| {
            (worker.address, worker.submission(&net, vec![HandWorker::result(lease)]))
        };
        [of(&good, one), of(&bad, other)]
    });
    let sent = calls.map(|(who, call)| async move { (who, call.send().await.unwrap().status()) });
    for (who, status) in join_all(sent).await {
        assert_eq!(status.as_u16(), if who == good.address { 200 } else { 403 }, "{who}");
    }
    let stored =
        |who: Address| format!("SELECT count(*)::text FROM receipt WHERE worker = '{who}'");
    assert_eq!(net.sql(&stored(good.address)).await, EACH.to_string());
    assert_eq!(net.sql(&stored(bad.address)).await, "0");
    net.stop().await;
}

#[tokio::test]
async fn a_worker_that_gave_its_job_back_cannot_finish_it() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"passed on").await;
    let first = worker.lease(&net, 1, 10_000).await;
    let failure =
        FailRequest { fence: first[0].fence, detail: "out of memory".to_owned(), retryable: true };
    let reply: FailReply = succeed(worker.post(&net, "/v1/leases/fail").json(&failure)).await;
    assert_eq!(reply.status, JobStatus::Queued);
    let late = worker.submit(&net, vec![HandWorker::result(&first[0])]).await;
    assert_eq!(late.results[0].problem.as_ref().unwrap().code, ErrorCode::LeaseLost);

    let second = worker.lease(&net, 1, 10_000).await;
    assert_eq!(second[0].fence.epoch, first[0].fence.epoch + 1);
    let mixed = vec![HandWorker::result(&first[0]), HandWorker::result(&second[0])];
    let reply = worker.submit(&net, mixed).await;
    assert_eq!(reply.results[0].problem.as_ref().unwrap().code, ErrorCode::LeaseLost);
    assert!(reply.results[1].accepted, "one stale result must not sink the others");
    let later = worker.submit(&net, vec![HandWorker::result(&first[0])]).await;
    assert_eq!(
        later.results[0].problem.as_ref().map(|problem| problem.code),
        Some(ErrorCode::LeaseLost),
        "the receipt is for the other epoch's attestation"
    );
    assert_eq!(net.gateway.job(&net.device, job.id).await.unwrap().status, JobStatus::Succeeded);
    net.stop().await;
}

#[tokio::test]
async fn a_failed_job_costs_its_sponsor_nothing() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"never").await;
    assert!(net.held_fri().await > 0);
    let leases = worker.lease(&net, 1, 10_000).await;
    let failure =
        FailRequest { fence: leases[0].fence, detail: "cannot".to_owned(), retryable: false };
    let reply: FailReply = succeed(worker.post(&net, "/v1/leases/fail").json(&failure)).await;
    assert_eq!(reply.status, JobStatus::Failed);
    let job = net.gateway.job(&net.device, job.id).await.unwrap();
    assert_eq!((job.status, job.failure.unwrap().detail.as_str()), (JobStatus::Failed, "cannot"));
    assert_eq!(net.held_fri().await, 0);
    let late = worker.submit(&net, vec![HandWorker::result(&leases[0])]).await;
    assert_eq!(late.results[0].problem.as_ref().unwrap().code, ErrorCode::JobAlreadyFinished);
    net.stop().await;
}

#[tokio::test]
async fn a_lost_grant_is_given_again_to_the_same_request() {
    let (net, worker) = Net::with_hand_worker().await;
    for round in 0..3_u8 {
        net.submit(&[round]).await;
    }
    let request = Uuid::new_v4();
    let first = worker.lease_as(&net, 2, 10_000, request).await;
    let again = worker.lease_as(&net, 2, 10_000, request).await;
    assert_eq!((first.len(), &first), (2, &again), "the repeated request got another grant");
    let other = worker.lease(&net, 2, 0).await;
    assert_eq!(other.len(), 1);
    assert!(first.iter().all(|lease| lease.fence.job != other[0].fence.job), "one job, two leases");
    net.stop().await;
}

#[tokio::test]
async fn a_challenge_is_worth_one_right_answer() {
    let (net, worker) = Net::with_hand_worker().await;
    let session = || net.gateway.post("/v1/workers/session");
    let challenge = worker.challenge(&net).await;
    let wrong = worker.answer(&challenge, &(worker.key + ciro_api::Felt::ONE));
    assert_eq!(refused(session().json(&wrong)).await, ErrorCode::WrongSignature);
    let mut forged = challenge;
    forged.challenge.0 += ciro_api::Felt::ONE;
    let invented = worker.answer(&forged, &worker.key);
    assert_eq!(refused(session().json(&invented)).await, ErrorCode::ChallengeUnknown);
    let fresh = worker.answer(&worker.challenge(&net).await, &worker.key);
    assert!(session().json(&fresh).send().await.unwrap().status().is_success());
    assert_eq!(
        refused(session().json(&fresh)).await,
        ErrorCode::ChallengeUnknown,
        "an answer was replayed"
    );
    let stranger = json!({"worker": "0x999"});
    assert_eq!(
        refused(net.gateway.post("/v1/workers/challenge").json(&stranger)).await,
        ErrorCode::WorkerNotStaked
    );
    net.stop().await;
}

#[tokio::test]
async fn results_that_are_larger_together_than_a_job_may_be_are_taken() {
    const RESULTS: u8 = 3;
    let (net, worker) = Net::with_hand_worker().await;
    for round in 0..RESULTS {
        net.submit(&[round]).await;
    }
    let mut leases = Vec::new();
    while leases.len() < usize::from(RESULTS) {
        leases.extend(worker.lease(&net, u32::from(RESULTS), 10_000).await);
    }
    let large = vec![7; limits::OUTPUT_BYTES_MAX];
    let results = leases.iter().map(|lease| HandWorker::result_of(lease, large.clone())).collect();
    let reply = worker.submit(&net, results).await;
    assert!(reply.results.iter().all(|outcome| outcome.accepted), "{:?}", reply.results);
    let body = vec![b' '; limits::RESULT_BODY_BYTES_MAX + 1];
    let over = worker.post(&net, "/v1/results").header("content-type", "application/json");
    assert_eq!(refused(over.body(body)).await, ErrorCode::BodyTooLarge);
    net.stop().await;
}
