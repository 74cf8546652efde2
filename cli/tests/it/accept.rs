//! Single jobs that come at the same moment share a transaction: what their requesters may never notice.

use std::collections::{BTreeMap, BTreeSet};

use ciro_api::{ErrorCode, JobId, Problem, rest::jobs::Job};
use futures::future::join_all;
use reqwest::StatusCode;

use crate::net::{Net, hash_job};

#[tokio::test]
async fn a_202_says_what_a_get_says() {
    let (net, _worker) = Net::with_hand_worker().await;
    let accepted = net.submit(b"as it is stored").await;
    assert_eq!(net.gateway.job(&net.device, accepted.id).await.unwrap(), accepted);
    net.stop().await;
}

#[tokio::test]
async fn requests_at_the_same_moment_with_one_key_make_one_job() {
    const KEYS: usize = 8;
    let (net, _worker) = Net::with_hand_worker().await;
    let post = |number: usize| {
        let key = number % KEYS;
        let body = hash_job(key.to_string().as_bytes());
        let request = net.post_job(&body).header("idempotency-key", format!("key-{key}"));
        async move {
            let reply = request.send().await.unwrap();
            assert_eq!(reply.status(), StatusCode::ACCEPTED);
            let replayed = reply.headers()["idempotency-replayed"] == "true";
            (key, replayed, reply.json::<Job>().await.unwrap().id)
        }
    };
    let mut ids: BTreeMap<usize, BTreeSet<JobId>> = BTreeMap::new();
    let mut fresh = 0;
    for (key, replayed, id) in join_all((0..12 * KEYS).map(post)).await {
        ids.entry(key).or_default().insert(id);
        fresh += usize::from(!replayed);
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    assert_eq!((ids.len(), fresh), (KEYS, KEYS));
    assert_eq!(usize::try_from(net.jobs().await).unwrap(), KEYS);
    net.stop().await;
}

#[tokio::test]
async fn a_job_that_the_database_refuses_takes_no_other_down_with_it() {
    const JOBS: u8 = 40;
    let (net, _worker) = Net::with_hand_worker().await;
    let price = {
        net.submit(b"first").await;
        net.held_fri().await
    };
    net.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.input = 'poison'::bytea THEN RAISE 'this one is refused'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON job FOR EACH ROW EXECUTE FUNCTION refuse();",
    )
    .await;
    let post = |number: u8| {
        let is_poison = number % 13 == 5;
        let body = if is_poison { hash_job(b"poison") } else { hash_job(&[number]) };
        let request = net.post_job(&body);
        async move { (is_poison, request.send().await.unwrap()) }
    };
    let mut good = 1;
    for (is_poison, reply) in join_all((0..JOBS).map(post)).await {
        if is_poison {
            assert_eq!(reply.json::<Problem>().await.unwrap().code, ErrorCode::Internal);
        } else {
            assert_eq!(reply.status(), StatusCode::ACCEPTED);
            good += 1;
        }
    }
    assert_eq!(net.jobs().await, good);
    assert_eq!(net.held_fri().await, price * u128::from(good), "money is held for a refused job");
    net.stop().await;
}
