//! Fuzz targets: whatever text or bytes arrive, each word of the API is read or refused, and what was read is written as it
//! was meant. `make test` tries some inputs of each, and `cargo bolero` can follow coverage from them.

use std::{fmt::Display, str::FromStr};

use bolero::check;
use ciro_api::{
    Address, ChainId, DeviceId, Fri, JobId, LeaseId, Manifest, ModelId, SponsorId, StatementId,
    Trace, felt::parse_felt, rest::evidence::JobAttestation, rest::statements::StatementDocument,
};

/// What is read is written so that it is read as the same.
fn word<T: FromStr<Err: Display> + Display + PartialEq>(text: &str) {
    let Ok(value) = text.parse::<T>() else { return };
    let again = value.to_string().parse::<T>();
    assert!(again.is_ok_and(|again| again == value), "{text:?} became {value}");
}

#[test]
fn any_text_is_a_word_or_none() {
    check!().with_type::<String>().for_each(|text| {
        word::<JobId>(text);
        word::<DeviceId>(text);
        word::<SponsorId>(text);
        word::<LeaseId>(text);
        word::<StatementId>(text);
        word::<ModelId>(text);
        word::<Address>(text);
        word::<ChainId>(text);
        word::<Fri>(text);
        if let Ok(felt) = parse_felt(text) {
            assert_eq!(parse_felt(&format!("{felt:#x}")).unwrap(), felt);
        }
    });
}

#[test]
fn any_manifest_is_taken_or_refused() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(manifest) = Manifest::parse(bytes) {
            assert!(!manifest.name.is_empty());
        }
    });
}

#[test]
fn any_trace_header_is_taken_or_left() {
    check!().with_type::<(String, Option<String>)>().for_each(|(parent, state)| {
        let Some(trace) = Trace::read(parent, state.as_deref()) else { return };
        let again = Trace::read(&trace.traceparent.to_string(), trace.tracestate.as_deref());
        assert_eq!(again.unwrap(), trace);
    });
}

#[test]
fn any_document_of_evidence_is_read_or_refused() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(evidence) = serde_json::from_slice::<JobAttestation>(bytes) {
            let written = serde_json::to_vec(&evidence).unwrap();
            assert_eq!(serde_json::from_slice::<JobAttestation>(&written).unwrap(), evidence);
        }
        if let Ok(document) = serde_json::from_slice::<StatementDocument>(bytes) {
            let written = serde_json::to_vec(&document).unwrap();
            assert_eq!(serde_json::from_slice::<StatementDocument>(&written).unwrap(), document);
        }
    });
}
