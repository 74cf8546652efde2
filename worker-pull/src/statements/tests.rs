use ciro_api::{
    Address, Felt, Fri, StatementId, StatementStatus, felt::Digest,
    rest::statements::StatementDocument,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{operator::Operator, sign::Signer};

fn document(sponsor: u64, seq: u64) -> StatementDocument {
    let ours = Signer::of_test().identity();
    let mut document = StatementDocument {
        id: StatementId(Uuid::from_u128(u128::from(seq))),
        status: StatementStatus::Closed,
        sponsor: Address(Felt::from(sponsor)),
        worker: ours.worker,
        seq,
        count: 2,
        amount_fri: Fri(u128::from(seq) + 1),
        root: Digest(Felt::from(seq)),
        contract: ours.contract,
        operator: Operator::of_test().address,
        operator_signature: None,
        signature: None,
        receipts: Vec::new(),
        tx_hash: None,
    };
    let statement = document.statement();
    document.operator_signature = Some(Operator::of_test().sign_of_test(ours.chain_id, &statement));
    document.signature = Some(Signer::of_test().sign(&statement).unwrap());
    document
}

fn of(document: &StatementDocument) -> Option<KeptStatement> {
    KeptStatement::of(document, document.signature?, &Signer::of_test(), &Operator::of_test())
}

fn kept(sponsor: u64, seq: u64) -> KeptStatement {
    of(&document(sponsor, seq)).unwrap()
}

fn open(dir: &tempfile::TempDir) -> StatementDir {
    StatementDir::open(dir.path(), &Signer::of_test().identity()).unwrap()
}

fn all(dir: &tempfile::TempDir) -> Vec<KeptStatement> {
    let (found, unreadable) = read_all(dir.path()).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    found
}

#[test]
fn kept_statements_are_read_back_in_the_order_in_which_they_settle() {
    let dir = tempfile::tempdir().unwrap();
    let statements = open(&dir);
    let order = [kept(0x50, 2), kept(0x50, 9), kept(0x50, 10), kept(0x51, 1)];
    for statement in order.iter().rev() {
        statements.keep(statement).unwrap();
        statements.keep(statement).unwrap();
    }
    assert_eq!(all(&dir), order);
    assert_eq!(open(&dir).unsettled().unwrap(), order);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(statements.dir.join(name(&order[0]))).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_put_aside_is_not_asked_about_again_and_can_still_be_settled() {
    let dir = tempfile::tempdir().unwrap();
    let statements = open(&dir);
    for seq in 1..=3 {
        statements.keep(&kept(0x50, seq)).unwrap();
    }
    statements.set_aside(&kept(0x50, 1)).unwrap();
    assert_eq!(statements.unsettled().unwrap(), [kept(0x50, 2), kept(0x50, 3)]);
    assert_eq!(all(&dir).len(), 3);
    statements.keep(&kept(0x50, 1)).unwrap();
    assert_eq!(all(&dir).len(), 3, "seen once, although it lies in both places");
}

#[test]
fn only_so_many_are_kept_after_they_were_called_settled_and_the_oldest_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let statements = open(&dir);
    let settled = statements.dir.join(SETTLED);
    for seq in 1..=4_u64 {
        statements.keep(&kept(0x50, seq)).unwrap();
        let path = statements.dir.join(name(&kept(0x50, seq)));
        let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seq);
        File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
        statements.set_aside(&kept(0x50, seq)).unwrap();
    }
    drop_oldest(&settled, 2).unwrap();
    assert_eq!(all(&dir), [kept(0x50, 3), kept(0x50, 4)]);
}

#[test]
fn a_newer_signature_of_the_same_statement_replaces_the_older_one() {
    let dir = tempfile::tempdir().unwrap();
    let statements = open(&dir);
    let older = KeptStatement { operator_key: ciro_api::PublicKey(Felt::ONE), ..kept(0x50, 1) };
    statements.keep(&older).unwrap();
    statements.keep(&kept(0x50, 1)).unwrap();
    assert_eq!(all(&dir), [kept(0x50, 1)]);
    assert_eq!(statements.unsettled.load(Ordering::Relaxed), 1);
}

#[test]
fn no_work_is_taken_on_credit_beyond_the_bound_of_unsettled_statements() {
    let dir = tempfile::tempdir().unwrap();
    let statements = open(&dir);
    statements.unsettled.store(UNSETTLED_MAX - 1, Ordering::Relaxed);
    assert_eq!(statements.overdue(), None);
    statements.keep(&kept(0x50, 1)).unwrap();
    assert!(statements.overdue().unwrap().contains("ciro worker settle"));
    statements.set_aside(&kept(0x50, 1)).unwrap();
    assert_eq!(statements.overdue(), None);
}

#[test]
fn a_damaged_file_is_named_and_keeps_no_other_from_being_read() {
    let dir = tempfile::tempdir().unwrap();
    let statements = open(&dir);
    for seq in 1..=2 {
        statements.keep(&kept(0x50, seq)).unwrap();
    }
    fs::write(statements.dir.join(name(&kept(0x50, 1))), "{").unwrap();
    let (found, unreadable) = read_all(dir.path()).unwrap();
    assert_eq!(found, [kept(0x50, 2)]);
    assert!(unreadable[0].to_string().contains("0x50-1.json"), "{unreadable:?}");
    assert_eq!(statements.unsettled().unwrap(), [kept(0x50, 2)]);
    statements.keep(&kept(0x50, 1)).unwrap();
    assert_eq!(all(&dir).len(), 2);
}

#[test]
fn a_document_without_both_right_signatures_is_not_kept() {
    let good = document(0x50, 1);
    assert!(of(&good).is_some());
    let other = document(0x50, 2);
    let bad = [
        StatementDocument { operator_signature: None, ..good.clone() },
        StatementDocument { operator_signature: good.signature, ..good.clone() },
        StatementDocument { operator_signature: other.operator_signature, ..good.clone() },
        StatementDocument { signature: None, ..good.clone() },
        StatementDocument { signature: good.operator_signature, ..good.clone() },
        StatementDocument { signature: other.signature, ..good.clone() },
        StatementDocument { amount_fri: Fri(1), ..good.clone() },
        StatementDocument { worker: Address(Felt::ONE), ..good.clone() },
        StatementDocument { contract: Address(Felt::ONE), ..good },
    ];
    for document in bad {
        assert_eq!(of(&document), None, "{document:?}");
    }
}

proptest! {
    #[test]
    fn wild_files_never_panic_and_never_pass_for_statements(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        let statements = open(&dir);
        fs::write(statements.dir.join("0x1-1.json"), &bytes).unwrap();
        let (found, unreadable) = read_all(dir.path()).unwrap();
        prop_assert_eq!((found.len(), unreadable.len()), (0, 1));
    }
}
