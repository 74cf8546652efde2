//! Fuzz targets: whatever arrives, each parser gives a value or a problem. `make test` tries some inputs of each, and
//! `cargo bolero` can follow coverage from them.

use std::fmt::Debug;

use axum::http::{HeaderMap, HeaderValue, header};
use bolero::check;
use ciro_api::rest::{
    devices::{ClaimRequest, DeviceSessionRequest},
    events::ProgressRequest,
    jobs::{CreateJob, ReplayJob},
    leases::{FailRequest, HeartbeatRequest, LeaseRequest, ReleaseRequest},
    open_inference::InferRequest,
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
}

#[test]
fn any_json_body_is_taken_or_refused() {
    check!().for_each(|bytes: &[u8]| every_body(Format::Json, bytes));
}

#[test]
fn any_cbor_body_is_taken_or_refused() {
    check!().for_each(|bytes: &[u8]| every_body(Format::Cbor, bytes));
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
