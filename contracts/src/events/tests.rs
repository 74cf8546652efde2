use super::*;

fn raw(name: &str, keys: &[u64], data: &[u64]) -> EmittedEvent {
    let felts = |values: &[u64]| values.iter().map(|v| Felt::from(*v)).collect::<Vec<_>>();
    EmittedEvent {
        from_address: Felt::ONE,
        keys: [vec![selector(name)], felts(keys)].concat(),
        data: felts(data),
        block_hash: None,
        block_number: Some(7),
        transaction_hash: Felt::TWO,
        transaction_index: 0,
        event_index: 0,
    }
}

#[test]
fn a_settled_statement_is_read_field_by_field() {
    let located = Located::decode(&raw("StatementSettled", &[1, 2, 3], &[4, 5, 6, 7])).unwrap();
    let Event::StatementSettled(settled) = located.event else { panic!("another event") };
    assert_eq!(settled.operator, Address(Felt::THREE));
    assert_eq!((settled.seq, settled.count, settled.amount), (4, 5, Fri(6)));
    assert_eq!(located.block, 7);
}

#[test]
fn a_felt_too_few_or_too_many_is_an_error() {
    for data in [&[][..], &[1, 2]] {
        let error = Located::decode(&raw("Deposited", &[1, 2], data)).unwrap_err();
        assert!(matches!(error, EventError::Malformed { name: "Deposited", .. }), "{error}");
    }
}

#[test]
fn an_unknown_event_is_an_error() {
    let error = Located::decode(&raw("Upgraded", &[], &[])).unwrap_err();
    assert!(matches!(error, EventError::Unknown { .. }), "{error}");
}

/// The names of all events that a class's ABI declares.
fn declared(class: &crate::classes::Class) -> Vec<String> {
    let abi: Vec<serde_json::Value> = serde_json::from_str(&class.sierra.abi).unwrap();
    let names = abi.iter().filter(|item| item["type"] == "event" && item["kind"] == "struct");
    names
        .map(|item| item["name"].as_str().unwrap().rsplit("::").next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_event_that_the_contracts_can_emit_is_read() {
    let declared =
        [declared(&crate::classes::CDC_POOL), declared(&crate::classes::JOB_MANAGER)].concat();
    assert!(declared.len() > 20, "the ABI was not understood: {declared:?}");
    let mut known: Vec<&str> = READERS.iter().map(|(name, _)| *name).chain(OTHERS).collect();
    known.sort_unstable();
    let mut declared: Vec<&str> = declared.iter().map(String::as_str).collect();
    declared.sort_unstable();
    declared.dedup();
    assert_eq!(declared, known);
}

#[test]
fn an_event_that_moves_no_mirrored_money_is_passed_over_by_name() {
    let located = Located::decode(&raw("Paused", &[], &[9])).unwrap();
    assert_eq!(located.event, Event::Other("Paused"));
}

#[test]
fn a_lower_allowance_says_from_when_it_counts_and_what_counts_before() {
    let located = Located::decode(&raw("AllowanceSet", &[1, 2], &[3, 4, 5])).unwrap();
    let Event::AllowanceSet(set) = located.event else { panic!("another event") };
    assert_eq!((set.per_epoch, set.counts_from, set.before), (Fri(3), 4, Fri(5)));
}

#[test]
fn a_slashing_names_the_worker_and_what_it_lost() {
    let located = Located::decode(&raw("Slashed", &[1, 2], &[10, 5])).unwrap();
    let lost = Amount { of: Address(Felt::ONE), amount: Fri(10) };
    assert_eq!(located.event, Event::Slashed(lost));
}
