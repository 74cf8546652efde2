//! Fuzz targets: whatever arrives, each parser gives a value or a problem. `make test` tries some inputs of each, and
//! `cargo bolero` can follow coverage from them.

use std::fmt::Debug;

use axum::http::{HeaderMap, HeaderValue, header};
use bolero::check;
use ciro_api::rest::{
    claim_tokens::CreateClaimToken,
    devices::{ClaimRequest, DeviceSessionRequest},
    events::ProgressRequest,
    jobs::{CreateJob, ReplayJob},
    leases::{FailRequest, HeartbeatRequest, LeaseRequest, ReleaseRequest},
    open_inference::InferRequest,
    policies::ExplainPolicy,
    results::SubmitResults,
    statements::CountersignRequest,
    webhooks::RotateWebhookSecret,
    workers::SessionRequest,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    auth::key_file,
    cbor, extract,
    media::{self, Format},
    sponsors::policy,
};

/// What is read and written again is read as the same.
fn body<T: DeserializeOwned + Serialize + PartialEq + Debug>(format: Format, bytes: &[u8]) {
    let Ok(value) = extract::parse::<T>(format, bytes) else { return };
    let written = match format {
        Format::Json => serde_json::to_vec(&value).unwrap(),
        Format::Cbor => cbor::write(&value).unwrap(),
    };
    assert_eq!(extract::parse::<T>(format, &written).unwrap(), value);
}

fn every_body(format: Format, bytes: &[u8]) {
    body::<CreateJob>(format, bytes);
    body::<ReplayJob>(format, bytes);
    body::<LeaseRequest>(format, bytes);
    body::<HeartbeatRequest>(format, bytes);
    body::<ProgressRequest>(format, bytes);
    body::<FailRequest>(format, bytes);
    body::<ReleaseRequest>(format, bytes);
    body::<SubmitResults>(format, bytes);
    body::<CountersignRequest>(format, bytes);
    body::<ClaimRequest>(format, bytes);
    body::<DeviceSessionRequest>(format, bytes);
    body::<SessionRequest>(format, bytes);
    body::<RotateWebhookSecret>(format, bytes);
    body::<CreateClaimToken>(format, bytes);
}

/// Bodies that are good as they are: noise alone never gets past the first byte.
const GOOD: [&str; 6] = [
    r#"{"model":"ciro/sha256@1","input":{"text":"x"},"delay_ms":5,"priority":"high","webhook":{"url":"https://a.example/","events":["job.failed"]}}"#,
    r#"{"pools":["cpu"],"max_jobs":4,"wait_ms":0,"lease_request_id":"0193a5c2-e7a1-707f-8abc-0123456789ab"}"#,
    r#"{"claim_token":"clm_1","serial":"s","public_key":{"kty":"OKP","crv":"Ed25519","x":"AAAA"},"proof":{"challenge":"0x1","signature":{"r":"0x1","s":"0x2"}}}"#,
    r#"{"results":[{"fence":{"job":"job_01jekw5sx1e1zrnf014d2pf2db","epoch":1,"lease":"lse_01jekw5sx1e1zrnf014d2pf2db"},"model":"0x1","input":"0x2","output":"eA=="}],"signature":{"r":"0x1","s":"0x2"}}"#,
    r#"{"worker":"0x1","challenge":"0x2","signature":{"r":"0x1","s":"0x2"}}"#,
    r#"{"name":"batch 7","claims":2,"expires_in_s":60,"serials":["box-1","box-2"]}"#,
];

/// A good body with some bytes changed, or noise.
type Damage = (u8, Vec<(u16, u8)>, Vec<u8>);

fn damaged((which, changes, noise): &Damage, format: Format) -> Vec<u8> {
    let Some(good) = GOOD.get(usize::from(*which) % (GOOD.len() + 1)) else {
        return noise.clone();
    };
    let mut bytes = match format {
        Format::Json => good.as_bytes().to_vec(),
        Format::Cbor => cbor_of(usize::from(*which) % (GOOD.len() + 1)),
    };
    for (place, byte) in changes.iter().take(4) {
        let place = usize::from(*place) % bytes.len();
        bytes[place] = *byte;
    }
    bytes
}

/// The same body as CBOR has it: ids and bytes are no text there.
fn cbor_of(which: usize) -> Vec<u8> {
    fn again<T: DeserializeOwned + Serialize>(json: &str) -> Vec<u8> {
        cbor::write(&serde_json::from_str::<T>(json).unwrap()).unwrap()
    }
    let of = [
        again::<CreateJob>,
        again::<LeaseRequest>,
        again::<ClaimRequest>,
        again::<SubmitResults>,
        again::<SessionRequest>,
        again::<CreateClaimToken>,
    ];
    of[which](GOOD[which])
}

#[test]
fn any_json_body_is_taken_or_refused() {
    check!()
        .with_type::<Damage>()
        .for_each(|damage| every_body(Format::Json, &damaged(damage, Format::Json)));
}

#[test]
fn any_cbor_body_is_taken_or_refused() {
    check!()
        .with_type::<Damage>()
        .for_each(|damage| every_body(Format::Cbor, &damaged(damage, Format::Cbor)));
}

#[test]
fn the_good_bodies_are_taken_unless_they_are_damaged() {
    fn is_taken<T: DeserializeOwned>(place: usize) -> bool {
        [Format::Json, Format::Cbor].into_iter().all(|format| {
            let which = u8::try_from(place).unwrap();
            extract::parse::<T>(format, &damaged(&(which, Vec::new(), Vec::new()), format)).is_ok()
        })
    }
    let taken = [
        is_taken::<CreateJob>(0),
        is_taken::<LeaseRequest>(1),
        is_taken::<ClaimRequest>(2),
        is_taken::<SubmitResults>(3),
        is_taken::<SessionRequest>(4),
        is_taken::<CreateClaimToken>(5),
    ];
    assert_eq!(taken, [true; 6]);
}

/// A policy, and a question about one: JSON alone.
const GOOD_POLICIES: [&str; 2] = [
    r#"{"version":1,"ends_at":"2027-01-01T00:00:00Z","rules":[{"id":"a","when":{"calls":[{"to":"0x1","function":"f","arguments":[{"at":0,"is":{"one_of":["1"]}}]}],"networks":["::/0"]},"limits":[{"measure":"operations","per":"key","window":"day","at_most":"5"}],"action":{"ask":{"url":"https://a.example","timeout_ms":9,"on_failure":"deny"}}}]}"#,
    r#"{"document":{"version":1,"rules":[]},"account":"0x1","calls":[{"to":"0x1","function":"f","calldata":["0x1","2"]}],"from":"203.0.113.9","l2_gas":1.0}"#,
];

#[test]
fn any_policy_and_any_question_about_one_is_taken_or_refused() {
    for good in GOOD_POLICIES {
        assert!(policy::read(good.as_bytes()).is_ok() != explained(good.as_bytes()), "{good}");
    }
    check!().with_type::<(bool, Vec<(u16, u8)>)>().for_each(|(which, changes)| {
        let mut bytes = GOOD_POLICIES[usize::from(*which)].as_bytes().to_vec();
        for (place, byte) in changes.iter().take(4) {
            let place = usize::from(*place) % bytes.len();
            bytes[place] = *byte;
        }
        if policy::read(&bytes).is_ok() {
            assert!(std::str::from_utf8(&bytes).is_ok(), "what is stored as text is none");
        }
        explained(&bytes);
    });
}

fn explained(bytes: &[u8]) -> bool {
    let asked = extract::parse_json::<ExplainPolicy>(bytes);
    asked.is_ok_and(|asked| policy::explain::calls(&asked.calls).is_ok())
}

#[test]
fn any_cbor_item_is_walked_within_its_bytes() {
    check!().for_each(|bytes: &[u8]| {
        if cbor::check(bytes).is_err() {
            return;
        }
        let members = cbor::members(bytes, &["items", "job"]).unwrap_or_default();
        let elements = cbor::elements(bytes, 1_000, "/items").unwrap_or_default();
        assert!(members.len() <= bytes.len() && elements.len() <= bytes.len());
    });
}

#[test]
fn any_inference_request_is_taken_or_refused() {
    check!().with_type::<(Option<u16>, Vec<u8>)>().for_each(|(length, bytes)| {
        let header = length.map(|length| length.to_string());
        let Ok((json, binary)) = crate::open_inference::tensor::split(header.as_deref(), bytes)
        else {
            return;
        };
        if let Ok(request) = extract::parse_json::<InferRequest>(json) {
            let elements = crate::open_inference::tensor::read(&request, binary);
            assert!(elements.is_err() || elements.unwrap().concat().len() <= bytes.len());
        }
    });
}

#[test]
fn any_accept_header_names_a_format_or_none() {
    check!().for_each(|bytes: &[u8]| {
        let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
        let headers = HeaderMap::from_iter([(header::ACCEPT, value)]);
        let chosen = Format::accepted(&headers);
        assert!(media::quality(&headers, "application/json") <= 1_000, "{chosen:?}");
    });
}

#[test]
fn any_key_file_is_taken_or_refused() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            assert!(key_file::promote(text).is_err(), "two keys were made of noise");
        }
    });
}
