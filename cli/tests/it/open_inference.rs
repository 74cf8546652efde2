//! The very bytes that the HTTP client of Triton 2.73 sends, taken down once by hand, and what an unkind one would send.

use ciro::demo::device::Device;
use ciro_api::{JobStatus, rest::jobs::JobPage};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::net::{Net, succeed};

const AGENT: &str = "python/gevent-http-client-2.6.1";

fn post(net: &Net, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let post = net.gateway.post(path).header("user-agent", AGENT);
    post.bearer_auth(&net.device.token).body(body)
}

/// Status, code and text of a refusal, checked for its shape.
async fn refusal(request: RequestBuilder) -> (StatusCode, String, String) {
    let reply = request.send().await.unwrap();
    let status = reply.status();
    assert_eq!(reply.headers()["content-type"], "application/json");
    let code = reply.headers()["ciro-error-code"].to_str().unwrap().to_owned();
    let body: Value = reply.json().await.unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1);
    (status, code, body["error"].as_str().unwrap().to_owned())
}

fn digest(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// The JSON of a reply and the elements behind it.
async fn parts(reply: Response) -> (Value, Vec<Vec<u8>>) {
    assert_eq!(reply.status(), StatusCode::OK);
    let header = reply.headers().get("inference-header-content-length").cloned();
    let body = reply.bytes().await.unwrap().to_vec();
    let length = header.map_or(body.len(), |text| text.to_str().unwrap().parse().unwrap());
    let (json, mut rest) = body.split_at(length);
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let (prefix, behind) = rest.split_at(4);
        let size = usize::try_from(u32::from_le_bytes(prefix.try_into().unwrap())).unwrap();
        elements.push(behind[..size].to_vec());
        rest = &behind[size..];
    }
    (serde_json::from_slice(json).unwrap(), elements)
}

#[tokio::test]
async fn a_client_of_another_server_runs_models_here() {
    let net = Net::start().await;
    let get = |path: &str| net.gateway.get(path).header("user-agent", AGENT);
    for path in [
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/ciro--sha256/ready",
        "/v2/models/ciro%2Fsha256/versions/1/ready",
    ] {
        assert_eq!(get(path).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    let server: Value = succeed(get("/v2")).await;
    assert_eq!(server["extensions"], json!(["binary_tensor_data"]));
    let model: Value = succeed(get("/v2/models/ciro--sha256")).await;
    assert_eq!((&model["name"], &model["versions"]), (&json!("ciro/sha256"), &json!(["1"])));

    let json = br#"{"id":"r1","inputs":[{"name":"INPUT","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":13}}],"parameters":{"binary_data_output":true}}"#;
    let body = [&json[..], b"\x03\x00\x00\x00abc\x02\x00\x00\x00\x00\xff"].concat();
    let infer = || {
        post(&net, "/v2/models/ciro--sha256/infer", body.clone())
            .header("inference-header-content-length", json.len().to_string())
            .header("idempotency-key", "frame-1")
    };
    let (said, elements) = parts(infer().send().await.unwrap()).await;
    assert_eq!(elements, [digest(b"abc"), digest(b"\x00\xff")]);
    assert_eq!((&said["id"], &said["model_version"]), (&json!("r1"), &json!("1")));
    assert_eq!(said["outputs"][0]["parameters"]["binary_data_size"], json!(72));
    let jobs = said["parameters"]["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 2, "an element is a job");
    let (again, _) = parts(infer().send().await.unwrap()).await;
    assert_eq!(
        again["parameters"]["jobs"], said["parameters"]["jobs"],
        "a repeated request paid twice"
    );
    // They are jobs like any others, with evidence.
    let path = format!("/v1/jobs/{}", jobs[0].as_str().unwrap());
    let job = succeed::<Value>(get(&path).bearer_auth(&net.device.token)).await;
    assert!(job["evidence"].is_object());

    let text = r#"{"inputs":[{"name":"INPUT","shape":[1],"datatype":"BYTES","data":["abc"]}],"outputs":[{"name":"OUTPUT","parameters":{"binary_data":false}}]}"#;
    let (said, _) =
        parts(post(&net, "/v2/models/ciro--sha256/versions/1/infer", text).send().await.unwrap())
            .await;
    assert_eq!(said["outputs"][0]["parameters"], json!({"content_type": "base64"}));
    assert_eq!(said["outputs"][0]["data"], json!(["ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="]));
    net.stop().await;
}

#[tokio::test]
async fn refusals_have_the_shape_of_the_protocol_and_cost_nothing() {
    let (net, worker) = Net::with_hand_worker().await;
    let path = "/v2/models/ciro--sha256/infer";
    let with = |input: Value| post(&net, path, json!({"inputs": [input]}).to_string());
    let one = || json!({"name": "INPUT", "shape": [1], "datatype": "BYTES", "data": ["x"]});
    for (request, status, code) in [
        (post(&net, path, "{"), 400, "invalid_json"),
        (
            post(&net, path, "{}").header("inference-header-content-length", "9"),
            400,
            "invalid_request",
        ),
        (
            with(json!({"name": "INPUT", "shape": [2], "datatype": "BYTES", "data": ["x"]})),
            400,
            "invalid_request",
        ),
        (
            with(json!({"name": "INPUT", "shape": [1], "datatype": "FP32", "data": [1.0]})),
            400,
            "invalid_request",
        ),
        (
            with(
                json!({"name": "INPUT", "shape": [1], "datatype": "BYTES", "data": ["x".repeat(8_193)]}),
            ),
            413,
            "input_too_large",
        ),
        (with(one()).header("content-encoding", "gzip"), 415, "unsupported_media_type"),
        (post(&net, "/v2/models/ciro--nothing/infer", "{}"), 404, "not_found"),
        (post(&net, "/v2/models/ciro--sha256/versions/9/infer", "{}"), 404, "not_found"),
        (net.gateway.get("/v2/models/ciro--nothing"), 404, "not_found"),
        (net.gateway.get("/v2/nowhere"), 404, "not_found"),
        (net.gateway.get(path), 405, "method_not_allowed"),
        (net.gateway.post(path).body("{}"), 401, "unauthenticated"),
        (net.gateway.post(path).bearer_auth(&worker.token).body("{}"), 403, "forbidden"),
    ] {
        let (got, said, text) = refusal(request).await;
        assert_eq!((got.as_u16(), said.as_str()), (status, code), "{text}");
        assert!(text.starts_with(code), "{text}");
    }
    assert_eq!((net.jobs().await, net.held_fri().await), (0, 0));

    // A job that fails fails the request, and is not paid.
    let (failed, ()) = futures::join!(refusal(with(one())), async {
        let lease = worker.lease(&net, 1, 10_000).await;
        let failure = json!({"fence": lease[0].fence, "detail": "cannot", "retryable": false});
        let reply = worker.post(&net, "/v1/leases/fail").json(&failure).send().await.unwrap();
        assert!(reply.status().is_success());
    });
    assert_eq!((failed.0, failed.1.as_str()), (StatusCode::BAD_GATEWAY, "job_failed"));
    assert_eq!(net.held_fri().await, 0);

    // Who does not wait long enough for a busy network is told where to look.
    let key = |request: RequestBuilder| request.header("idempotency-key", "slow");
    let late = refusal(key(with(one()))).await;
    assert_eq!(late.0, StatusCode::GATEWAY_TIMEOUT, "{}", late.2);
    let page = net.gateway.get("/v1/jobs").bearer_auth(&net.device.token);
    let newest = &succeed::<JobPage>(page).await.data[0];
    assert!(newest.status == JobStatus::Queued || newest.status == JobStatus::Expired);
    assert!(late.2.contains(&newest.id.to_string()), "{}", late.2);
    let other = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    let theirs = net.gateway.get(&format!("/v1/jobs/{}", newest.id)).bearer_auth(&other.token);
    assert_eq!(theirs.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    net.stop().await;
}
