//! What is read and written by hand, byte by byte.

use ciro_api::{
    limits,
    rest::jobs::{CreateJob, JobInput},
};

use super::*;

fn job(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn text(text: &str) -> Vec<u8> {
    write(&text).unwrap()
}

fn problem(bytes: &[u8]) -> Problem {
    parse::<CreateJob>(bytes).map(|_| ()).unwrap_err().into()
}

/// `{"model": "m", "input": {"data": h'010203'}}`, by hand.
fn plain() -> Vec<u8> {
    job(&[
        b"\xa2",
        &text("model"),
        &text("m"),
        &text("input"),
        b"\xa1",
        &text("data"),
        b"\x43\x01\x02\x03",
    ])
}

#[test]
fn bytes_travel_as_they_are_and_come_back() {
    let read: CreateJob = parse(&plain()).unwrap();
    assert_eq!(read.input, JobInput::Data(ciro_api::rest::Base64(vec![1, 2, 3])));
    assert_eq!(write(&read).unwrap(), plain());
    let endless = job(&[
        b"\xbf",
        &text("model"),
        &text("m"),
        &text("input"),
        b"\xa1",
        &text("data"),
        b"\x5f\x41\x01\x42\x02\x03\xff\xff",
    ]);
    assert_eq!(parse::<CreateJob>(&endless).unwrap(), read, "pieces are put together");
}

#[test]
fn what_is_not_one_whole_item_is_not_cbor() {
    let whole = plain();
    for end in 0..whole.len() {
        assert_eq!(problem(&whole[..end]).code, ErrorCode::InvalidCbor, "cut at {end}");
    }
    assert_eq!(problem(&[&whole[..], b"\x00"].concat()).code, ErrorCode::InvalidCbor);
    assert_eq!(problem(&[&whole[..], &whole].concat()).code, ErrorCode::InvalidCbor);
    assert_eq!(problem(b"{}").code, ErrorCode::InvalidCbor);
}

#[test]
fn a_bomb_is_refused_without_being_built() {
    for nest in [b"\x81".as_slice(), b"\x9f", b"\xa1\x00", b"\xc1"] {
        let deep = nest.repeat(limits::BODY_BYTES_MAX / nest.len());
        assert_eq!(problem(&deep).code, ErrorCode::InvalidCbor, "{nest:?}");
    }
    // Claims of 2^63 items or bytes, of which none are there.
    for kind in [b'\x5b', b'\x7b', b'\x9b', b'\xbb'] {
        let claim = [&[kind][..], &(1_u64 << 63).to_be_bytes()].concat();
        assert_eq!(problem(&claim).code, ErrorCode::InvalidCbor, "{kind:x}");
    }
}

#[test]
fn a_field_that_cannot_be_used_is_pointed_at() {
    let at = |bytes: &[u8]| {
        let problem = problem(bytes);
        assert_eq!(problem.code, ErrorCode::InvalidRequest, "{problem}");
        problem.errors[0].pointer.clone()
    };
    let with = |members: &[Vec<u8>]| {
        let count = u8::try_from(members.len() / 2).unwrap();
        [&[0xa0 | count][..], &members.concat()].concat()
    };
    let input = || b"\xa1\x64data\x41\x00".to_vec();
    let base64 = b"\xa1\x64data\x64AAAA".to_vec();
    assert_eq!(at(&with(&[text("model"), text("m"), text("input"), base64])), "/input/data");
    assert_eq!(at(&with(&[text("model"), b"\x01".to_vec(), text("input"), input()])), "/model");
    let extra = with(&[text("model"), text("m"), text("surprise"), b"\x01".to_vec()]);
    assert_eq!(at(&extra), "/surprise");
    let twice = with(&[text("model"), text("m"), text("model"), text("m")]);
    assert!(problem(&twice).errors[0].detail.contains("duplicate field"));
    let large = with(&[text("run_within_ms"), b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()]);
    assert_eq!(at(&large), "/run_within_ms");
    // The reader alone would take the word for the choice, and what follows for its content.
    let word = with(&[text("model"), text("m"), text("input"), text("text")]);
    problem(&word);
    let behind = [&word[..], &text("content")].concat();
    assert_eq!(problem(&behind).code, ErrorCode::InvalidCbor);
}

#[test]
fn parts_of_a_batch_are_the_bytes_that_came() {
    let batch = job(&[b"\xa1", &text("items"), b"\x9f", &plain(), b"\x18\x64", b"\xff"]);
    check(&batch).unwrap();
    let items = members(&batch, &["items"]).unwrap()[0].1;
    assert_eq!(elements(items, 2, "/items").unwrap(), [&plain()[..], b"\x18\x64"]);
    let many: Problem = elements(items, 1, "/items").unwrap_err().into();
    assert_eq!(many.errors[0].pointer, "/items");
    let unknown: Problem = members(&batch, &["others"]).unwrap_err().into();
    assert_eq!(unknown.errors[0].pointer, "/items");
    let twice = job(&[b"\xa2", &text("a"), b"\x00", &text("a"), b"\x00"]);
    let twice: Problem = members(&twice, &["a"]).unwrap_err().into();
    assert_eq!(twice.errors[0].detail, "the same field twice");
}
