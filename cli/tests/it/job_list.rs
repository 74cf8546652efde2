//! What a requester sees of its jobs: pages, and nothing of anybody else's.

use ciro::demo::device::Device;
use ciro_api::{
    ErrorCode, JobId, JobStatus, limits,
    rest::jobs::{Job, JobPage, JobSummary},
};

use crate::net::{HandWorker, Net, hash_job, refusal, refused, succeed};

async fn page(net: &Net, query: &str) -> JobPage {
    let path = format!("/v1/jobs?{query}");
    succeed(net.gateway.get(&path).bearer_auth(&net.device.token)).await
}

fn ids(jobs: &[JobSummary]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn a_device_pages_through_its_own_jobs_from_the_newest_to_the_oldest() {
    let (net, worker) = Net::with_hand_worker().await;
    let other = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    let mut mine = Vec::new();
    for number in 0..5_u8 {
        mine.insert(0, net.submit(&[number]).await.id);
    }
    let first = page(&net, "limit=2").await;
    assert_eq!((ids(&first.data), first.has_more), (mine[..2].to_vec(), true));
    let second = page(&net, &format!("limit=2&after={}", first.next_after.unwrap())).await;
    assert_eq!((ids(&second.data), second.has_more), (mine[2..4].to_vec(), true));
    let last = page(&net, &format!("limit=2&after={}", second.next_after.unwrap())).await;
    assert_eq!(
        (ids(&last.data), last.has_more, last.next_after),
        (mine[4..].to_vec(), false, None)
    );
    // Exactly one page is not two.
    assert!(!page(&net, "limit=5").await.has_more);

    let lease = worker.lease(&net, 1, 10_000).await;
    assert!(worker.submit(&net, vec![HandWorker::result(&lease[0])]).await.results[0].accepted);
    let done = page(&net, "status=succeeded").await;
    assert_eq!(ids(&done.data), [lease[0].fence.job]);
    assert!(done.data[0].finished_at.is_some());
    assert_eq!((done.data[0].status, done.data[0].device), (JobStatus::Succeeded, net.device.id));
    assert_eq!(page(&net, "status=queued&model=ciro/sha256@1&limit=3").await.data.len(), 3);
    assert!(page(&net, "status=failed").await.data.is_empty());
    assert_eq!(page(&net, "model=ciro/sha256@1").await.data.len(), 5);

    let post = net.gateway.post("/v1/jobs").bearer_auth(&other.token).json(&hash_job(b"theirs"));
    let theirs: Job = succeed(post).await;
    let listed: JobPage = succeed(net.gateway.get("/v1/jobs").bearer_auth(&other.token)).await;
    assert_eq!(ids(&listed.data), [theirs.id], "another device's jobs were shown");
    assert_eq!(page(&net, "limit=100").await.data.len(), 5);
    net.stop().await;
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused_with_its_place() {
    let net = Net::start().await;
    let get =
        |query: &str| net.gateway.get(&format!("/v1/jobs?{query}")).bearer_auth(&net.device.token);
    for limit in ["0", "101", "-1", "many", "4294967296"] {
        assert_eq!(refused(get(&format!("limit={limit}"))).await, ErrorCode::InvalidRequest);
    }
    assert_eq!(refusal(get("limit=101")).await.errors[0].pointer, "query/limit");
    for bad in [
        "status=gone",
        "after=5",
        "after=dev_00000000000000000000000000",
        "surprise=1",
        "limit=1&limit=2",
    ] {
        assert_eq!(refused(get(bad)).await, ErrorCode::InvalidRequest, "{bad}");
    }
    assert_eq!(refused(get("model=ciro/nothing@1")).await, ErrorCode::UnknownModel);
    // A cursor is only a place: one that names no job is as good as any.
    let nowhere: JobPage = succeed(get("after=job_00000000000000000000000000&limit=100")).await;
    assert_eq!((nowhere.data.len(), nowhere.has_more), (0, false));
    assert_eq!(refused(net.gateway.get("/v1/jobs")).await, ErrorCode::Unauthenticated);
    net.stop().await;
}

/// The statement that pages, as the gateway sends it.
const LIST: &str = concat!(
    include_str!("../../../gateway/src/jobs/of_device.sql"),
    include_str!("../../../gateway/src/jobs/list.sql")
);

#[tokio::test]
async fn a_page_looks_at_no_more_rows_however_many_jobs_there_are() {
    let net = Net::start().await;
    let old = net.gateway.run(&net.device, &hash_job(b"old and alone")).await.unwrap();
    let (client, connection) =
        tokio_postgres::connect(&net.dev.network.database_url, tokio_postgres::NoTls)
            .await
            .unwrap();
    tokio::spawn(connection);
    // Thirty thousand newer jobs, of which a thousandth is this device's: a plan that walks the primary key would meet
    // them all. They have ended, so that nothing in the network acts on them.
    let fill = format!(
        "INSERT INTO job SELECT ('f' || lpad(to_hex(n), 7, '0') || '-0000-7000-8000-000000000000')::uuid, sponsor_id,
             CASE WHEN n % 1000 = 0 THEN device_id ELSE sponsor_id END, model_id, input, input_commitment, price_fri,
             run_within_ms, created_at
         FROM job, generate_series(1, 30000) AS n WHERE job_id = '{0}';
         INSERT INTO job_done (job_id, status, epoch, finished_at, reason)
         SELECT job_id, 'failed', 1, now(), 'model_error' FROM job WHERE job_id <> '{0}';
         ANALYZE job; ANALYZE job_done",
        old.id.0
    );
    client.batch_execute(&fill).await.unwrap();
    client
        .batch_execute(&format!(
            "PREPARE page (uuid, uuid, bigint, text, text, bigint) AS {LIST};
             SET plan_cache_mode = force_generic_plan"
        ))
        .await
        .unwrap();
    let device = net.device.id.0;
    let explain = format!("EXPLAIN EXECUTE page ('{device}', NULL, 1000, NULL, 'failed', 51)");
    let rows = client.query(&explain, &[]).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("job_by_device") && plan.contains("job_done_pkey"), "{plan}");
    assert!(!plan.contains("Seq Scan"), "{plan}");

    let failed = page(&net, "status=failed&limit=20").await;
    assert_eq!((failed.data.len(), failed.has_more), (20, true));
    assert_eq!(page(&net, "limit=100").await.data.len(), 31);
    // A filter that matches one in very many ends a page early and says where to go on.
    let all_mine = format!(
        "UPDATE job SET device_id = '{device}' WHERE job_id > 'f0000000-0000-0000-0000-000000000000'"
    );
    client.batch_execute(&all_mine).await.unwrap();
    let look_max = usize::try_from(limits::JOB_PAGE_LOOK_MAX).unwrap();
    let (mut behind, mut count) = (String::new(), 0);
    let last = loop {
        let found = page(&net, &format!("status=succeeded{behind}")).await;
        count += 1;
        let Some(further) = found.next_after else { break found };
        assert!(found.data.is_empty());
        behind = format!("&after={further}");
    };
    assert_eq!((count, ids(&last.data)), (30_000 / look_max + 1, vec![old.id]));
    net.stop().await;
}
