use super::*;
use crate::classes::FORWARDER;

fn raw(name: &str, data: &[Felt]) -> EmittedEvent {
    EmittedEvent {
        from_address: Felt::ONE,
        keys: vec![selector(name)],
        data: data.to_vec(),
        block_hash: None,
        block_number: Some(7),
        transaction_hash: Felt::TWO,
        transaction_index: 0,
        event_index: 0,
    }
}

fn failed_with(reason: &[u8]) -> FailureReason {
    let data = [Felt::ONE, Felt::TWO, Felt::from_bytes_be_slice(reason)];
    match ForwarderEvent::decode(&raw("OperationFailed", &data)).unwrap() {
        ForwarderEvent::Operation(OperationOutcome {
            outcome: Outcome::Failed(reason), ..
        }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reason_is_one_of_the_contracts_own_or_text_or_hex() {
    assert_eq!(failed_with(b"charge not paid"), FailureReason::ChargeNotPaid);
    assert_eq!(failed_with(b"token refused the refund"), FailureReason::RefundRefused);
    assert_eq!(failed_with(b"account is the forwarder"), FailureReason::AccountIsForwarder);
    let other = |text: &str| FailureReason::Other(text.to_owned());
    assert_eq!(failed_with(b"ENTRYPOINT_NOT_FOUND"), other("ENTRYPOINT_NOT_FOUND"));
    assert_eq!(failed_with(b""), other("0x0"));
    assert_eq!(failed_with(b"\x01\xff"), other("0x1ff"));
}

#[test]
fn a_felt_too_few_or_too_many_is_an_error() {
    for data in [&[Felt::ONE][..], &[Felt::ONE; 3]] {
        let error = ForwarderEvent::decode(&raw("OperationSucceeded", data)).unwrap_err();
        assert!(matches!(error, EventError::Malformed { .. }), "{error}");
    }
}

#[test]
fn every_event_that_the_forwarder_can_emit_is_read() {
    let abi: Vec<serde_json::Value> = serde_json::from_str(&FORWARDER.sierra.abi).unwrap();
    let events = abi.iter().filter(|item| item["type"] == "event" && item["kind"] == "struct");
    let mut declared: Vec<&str> =
        events.map(|item| item["name"].as_str().unwrap().rsplit("::").next().unwrap()).collect();
    let mut known = READERS.map(|(name, _)| name);
    declared.sort_unstable();
    known.sort_unstable();
    assert_eq!(declared, known);
}
