//! What is measured is what the page says, and what the alerts and the dashboard ask for.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use ciro_api::{
    ErrorCode, EventKind, SponsorScope,
    rest::{
        jobs::{CreateJob, Job},
        webhooks::{NewWebhookSecret, Webhook},
    },
};
use ciro_telemetry::Family;
use tokio::time::{Instant, sleep};

use crate::{
    net::{Net, hash_job, refused, succeed},
    receiver::Receiver,
    sponsor_desk::own_key,
};

const PATIENCE: Duration = Duration::from_secs(90);

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn families() -> Vec<&'static Family> {
    let all = ciro_gateway::METRICS.iter().chain(&ciro_paymaster::METRICS);
    all.chain(&ciro_worker::METRICS).collect()
}

/// A metric as the page has it: its type, its labels and its meaning.
type Row = (String, BTreeSet<String>, String);

fn page() -> BTreeMap<String, Row> {
    let text = read("docs/src/reference/metrics.md");
    let rows = text.lines().filter(|line| line.starts_with("| `ciro_"));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .map(|cells| {
            let [name, kind, labels, meaning] = cells[..] else { panic!("{cells:?}") };
            let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            (name.trim_matches('`').to_owned(), (kind.to_owned(), labels, meaning.to_owned()))
        })
        .collect()
}

#[test]
fn the_page_says_of_each_metric_what_the_code_does() {
    let coded: BTreeMap<String, Row> = families()
        .into_iter()
        .map(|family| {
            let labels = family.labels.iter().map(|label| (*label).to_owned()).collect();
            let row = (family.kind.as_str().to_owned(), labels, family.help.to_owned());
            (family.name.to_owned(), row)
        })
        .collect();
    assert_eq!(coded.len(), families().len(), "two metrics have one name");
    assert_eq!(page(), coded);
}

/// Every word in a text that looks like a metric of ours, without what histograms add.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("ciro_"))
        .map(|word| {
            let ends = ["_bucket", "_sum", "_count"];
            ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
        })
        .collect()
}

#[test]
fn alerts_and_dashboard_ask_for_nothing_that_is_not_on_the_page() {
    let page = page();
    for path in ["deploy/prometheus/alerts.yml", "deploy/grafana/ciro.json"] {
        let asked = metrics_in(&read(path));
        assert!(asked.len() > 7, "{path} was not understood: {asked:?}");
        for metric in asked {
            assert!(page.contains_key(&metric), "{path} asks for {metric}");
        }
    }
}

/// The types and the samples' labels that the three processes tell of.
async fn exposed(net: &Net) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut found = BTreeMap::new();
    for process in ["ciro-gateway", "ciro-paymaster", "ciro-worker"] {
        let file = net.room.path().join(format!("network/{process}.metrics"));
        let url = std::fs::read_to_string(file).unwrap();
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        for (name, kind) in types.filter_map(|line| line.split_once(' ')) {
            found.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        }
        for line in text.lines().filter(|line| line.starts_with("ciro_")) {
            let Some((name, rest)) = line.split_once('{') else { continue };
            let (labels, _) = rest.rsplit_once('}').unwrap();
            let name = metrics_in(name).pop_first().unwrap();
            let (_, known) = found.get_mut(&name).unwrap_or_else(|| panic!("{line} has no type"));
            let pairs = labels.split("\",").filter_map(|pair| pair.split_once('='));
            known.extend(pairs.map(|(label, _)| label.to_owned()).filter(|label| label != "le"));
        }
    }
    found
}

#[tokio::test]
async fn a_running_network_exposes_what_the_page_lists_and_nothing_else() {
    let net = Net::start().await;
    let receiver = Receiver::start().await;
    let key = own_key(&net, &[SponsorScope::Read, SponsorScope::Manage]).await;
    let _: NewWebhookSecret =
        succeed(net.gateway.post("/v1/webhooks/secrets").bearer_auth(&key)).await;
    let webhook = Webhook { url: receiver.url("/told"), events: vec![EventKind::JobCompleted] };
    let body = CreateJob { webhook: Some(webhook), ..hash_job(b"measured") };
    let _: Job = succeed(net.post_job(&body)).await;
    receiver.until("/told", 1).await;
    let stranger = net.gateway.get("/v1/jobs").bearer_auth("nonsense");
    assert_eq!(refused(stranger).await, ErrorCode::InvalidToken);

    let page: BTreeMap<String, (String, BTreeSet<String>)> =
        page().into_iter().map(|(name, (kind, labels, _))| (name, (kind, labels))).collect();
    // Some are looked at every ten seconds.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let exposed = exposed(&net).await;
        if exposed == page {
            break;
        }
        let missing: Vec<_> =
            page.iter().filter(|(name, row)| exposed.get(*name) != Some(row)).collect();
        let unknown: Vec<_> = exposed.keys().filter(|name| !page.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "not on the page: {unknown:?}");
        assert!(Instant::now() < deadline, "not exposed as the page says: {missing:?}");
        sleep(Duration::from_millis(500)).await;
    }
    net.stop().await;
}
