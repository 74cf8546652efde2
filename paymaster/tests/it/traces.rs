//! A requester's trace goes on in the paymaster, and the transaction links to it.

use ciro_api::{Fri, SpanRef};
use ciro_testbed::Collector;
use serde_json::{Value, json};

use crate::desk_world::{DeskWorld, Program, Settings, TO, TOKEN, USER, sponsored};

const SERVICE: &str = "ciro-paymaster";

#[tokio::test]
async fn a_requesters_trace_goes_on_here_and_the_transaction_links_to_it() {
    let world = DeskWorld::start().await;
    let collector = Collector::start().await;
    let env = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.clone()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json".to_owned()),
    ];
    let program = world.program(&Settings { env, ..Settings::default() }).await;
    let call = TOKEN.transfer(TO, Fri(5));
    let built = program.build(world.address(USER), &[call], &sponsored()).await;
    let params = Program::executable(&world, USER, &built, &sponsored());
    let caller: SpanRef =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "paymaster_executeTransaction", "params": params,
    });
    let post = reqwest::Client::new()
        .post(&program.url)
        .header("x-paymaster-api-key", &program.key)
        .header("traceparent", caller.to_string())
        .json(&request);
    let reply: Value = post.send().await.unwrap().json().await.unwrap();
    assert!(reply["result"].is_object(), "{reply}");
    let (trace, parent) = (format!("{:032x}", caller.trace_id), format!("{:016x}", caller.span_id));
    let request = collector
        .until("of the request", |span| {
            span.is(SERVICE, "request") && span.json["parentSpanId"] == parent
        })
        .await;
    assert_eq!(request.json["traceId"], trace);
    for part in ["call", "simulate", "reserve", "wait"] {
        let is_part = |span: &ciro_testbed::ExportedSpan| {
            span.is(SERVICE, part) && span.json["traceId"] == trace
        };
        collector.until(part, is_part).await;
    }
    let span_id = u64::from_str_radix(request.json["spanId"].as_str().unwrap(), 16).unwrap();
    let here = SpanRef { span_id, ..caller };
    let sent = collector
        .until("of the transaction", |span| span.is(SERVICE, "relay") && span.links_to(&here))
        .await;
    assert_ne!(sent.json["traceId"], trace, "a transaction serves requests of many traces");
}
