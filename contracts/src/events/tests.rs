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
        let error = Located::decode(&raw("Deposited", &[1], data)).unwrap_err();
        assert!(matches!(error, EventError::Malformed { name: "Deposited", .. }), "{error}");
    }
}

#[test]
fn an_unknown_event_is_an_error() {
    let error = Located::decode(&raw("Upgraded", &[], &[])).unwrap_err();
    assert!(matches!(error, EventError::Unknown { .. }), "{error}");
}
