use ciro_api::{
    Address, Felt, Fri, JobId, StatementStatus,
    felt::Digest,
    hash::{
        receipts::{Receipt, root},
        sign::verify,
        snip12::TypedStruct,
        statement::Statement,
    },
    rest::statements::ReceiptLine,
};
use uuid::Uuid;

use super::*;
use crate::{
    attest::{
        attest,
        tests::{finished, open},
    },
    journal::SignedResult,
    statements::read_all,
};

fn sponsor() -> Address {
    Address(Felt::from(0x50_u8))
}

/// A journal with these jobs signed and, if so wished, accepted.
fn worked(dir: &tempfile::TempDir, jobs: &[u128], accepted: bool) -> (Journal, Vec<ReceiptLine>) {
    let mut journal = open(dir);
    let results: Vec<_> = jobs.iter().map(|job| finished(*job, 1, b"output")).collect();
    let batch = attest(&mut journal, &Signer::of_test(), &results).unwrap().unwrap();
    if accepted {
        let accepted = batch.results.iter().map(SignedResult::attempt).collect();
        let record = Record::Answered { batch: batch.number, accepted, refused: Vec::new() };
        journal.append(record).unwrap();
    }
    let line = |result: &SignedResult| ReceiptLine {
        job: result.item.fence.job,
        attestation: result.attestation,
        amount_fri: result.amount_fri,
    };
    (journal, batch.results.iter().map(line).collect())
}

fn document(seq: u64, receipts: Vec<ReceiptLine>) -> StatementDocument {
    let top = root(&receipts.iter().map(Receipt::from).collect::<Vec<_>>()).unwrap();
    let document = StatementDocument {
        id: StatementId(Uuid::from_u128(u128::from(seq))),
        status: StatementStatus::Closed,
        sponsor: sponsor(),
        worker: Signer::of_test().identity().worker,
        seq,
        count: u64::try_from(receipts.len()).unwrap(),
        amount_fri: top.sum,
        root: top.hash,
        contract: Signer::of_test().identity().contract,
        operator: Operator::of_test().address,
        operator_signature: None,
        signature: None,
        receipts,
        tx_hash: None,
    };
    operator_signed(document)
}

/// Signed by the operator as it stands.
fn operator_signed(document: StatementDocument) -> StatementDocument {
    let chain = Signer::of_test().identity().chain_id;
    let signature = Operator::of_test().sign_of_test(chain, &document.statement());
    StatementDocument { operator_signature: Some(signature), ..document }
}

/// What a worker whose files lie beside its journal answers.
fn try_ask(journal: &mut Journal, document: &StatementDocument) -> Result<Answer, AnswerError> {
    let signer = Signer::of_test();
    let statements = StatementDir::open(journal.state_dir(), &signer.identity())?;
    answer(journal, &statements, &signer, &Operator::of_test(), document)
}

fn ask(journal: &mut Journal, document: &StatementDocument) -> Answer {
    try_ask(journal, document).unwrap()
}

fn kept(journal: &Journal) -> Vec<KeptStatement> {
    read_all(journal.state_dir()).unwrap().0
}

fn refusal(journal: &mut Journal, document: &StatementDocument) -> Refusal {
    match ask(journal, document) {
        Answer::Refused(refusal) => refusal,
        other => panic!("{other:?} instead of a refusal"),
    }
}

#[test]
fn what_was_earned_is_countersigned_with_a_signature_that_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1, 2, 3], true);
    let document = document(1, lines);
    let Answer::Signed(signature) = ask(&mut journal, &document) else { panic!("not signed") };
    let signer = Signer::of_test();
    let statement = Statement {
        sponsor: sponsor(),
        operator: document.operator,
        worker: signer.identity().worker,
        seq: 1,
        count: 3,
        amount: Fri(3_000),
        receipts: document.root,
        contract: signer.identity().contract,
    };
    let message = statement.message_hash(signer.identity().chain_id, signer.identity().worker);
    assert!(verify(signer.public_key(), &message, &signature));
    assert_eq!(journal.ledger().unpaid().0, 0);
}

#[test]
fn the_same_statement_gets_the_same_signature_even_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1, 2], true);
    let document = document(1, lines);
    let first = ask(&mut journal, &document);
    assert_eq!(ask(&mut journal, &document), first);
    drop(journal);
    assert_eq!(ask(&mut open(&dir), &document), first);
}

#[test]
fn a_receipt_is_signed_in_one_statement_only() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1, 2], true);
    let job = lines[0].job;
    assert!(matches!(ask(&mut journal, &document(1, lines[..1].to_vec())), Answer::Signed(_)));
    assert_eq!(refusal(&mut journal, &document(2, lines.clone())), Refusal::NotEarned(job));
    let other_sponsor = StatementDocument { sponsor: Address(Felt::ONE), ..document(2, lines) };
    let other_sponsor = operator_signed(other_sponsor);
    assert_eq!(refusal(&mut journal, &other_sponsor), Refusal::NotEarned(job));
}

#[test]
fn a_place_in_the_sequence_is_signed_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1, 2], true);
    assert!(matches!(ask(&mut journal, &document(5, lines[..1].to_vec())), Answer::Signed(_)));
    for seq in [0, 4, 5] {
        let again = document(seq, lines[1..].to_vec());
        assert_eq!(refusal(&mut journal, &again), Refusal::Seq { seq, signed: 5 });
    }
    assert!(matches!(ask(&mut journal, &document(6, lines[1..].to_vec())), Answer::Signed(_)));
}

#[test]
fn every_field_that_does_not_match_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1, 2, 3], true);
    let good = document(1, lines.clone());
    let (felt, digest) = (Felt::from(0xbad_u16), Digest(Felt::from(0xbad_u16)));

    let other = StatementDocument { worker: Address(felt), ..good.clone() };
    assert_eq!(refusal(&mut journal, &other), Refusal::OtherWorker(Address(felt)));
    let other = StatementDocument { contract: Address(felt), ..good.clone() };
    assert_eq!(refusal(&mut journal, &other), Refusal::OtherContract(Address(felt)));
    let other = StatementDocument { count: 2, ..good.clone() };
    assert_eq!(refusal(&mut journal, &other), Refusal::Count { said: 2, listed: 3 });
    for said in [Fri(2_999), Fri(3_001)] {
        let other = StatementDocument { amount_fri: said, ..good.clone() };
        assert_eq!(refusal(&mut journal, &other), Refusal::Amount { said, summed: Fri(3_000) });
    }
    let other = StatementDocument { root: digest, ..good.clone() };
    let said_and_found = Refusal::Root { said: digest, found: good.root };
    assert_eq!(refusal(&mut journal, &other), said_and_found);
    let none = StatementDocument { count: 0, receipts: Vec::new(), ..good.clone() };
    assert!(matches!(refusal(&mut journal, &none), Refusal::Receipts(_)));

    assert_eq!(journal.ledger().unpaid().0, 3, "nothing was signed away");
    assert!(matches!(ask(&mut journal, &good), Answer::Signed(_)));
}

#[test]
fn every_receipt_that_does_not_match_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1, 2, 3], true);
    let with = |change: &dyn Fn(&mut Vec<ReceiptLine>)| {
        let mut changed = lines.clone();
        change(&mut changed);
        document(1, changed)
    };
    let (job, earned) = (lines[1].job, lines[1].attestation);
    let said = Digest(Felt::from(0xbad_u16));
    let stranger = JobId(Uuid::from_u128(77));

    let other = with(&|lines| lines[1].attestation = said);
    assert_eq!(refusal(&mut journal, &other), Refusal::OtherAttestation { job, said, earned });
    for (said, earned) in [(Fri(999), Fri(1_000)), (Fri(1_001), Fri(1_000))] {
        let other = with(&|lines| lines[1].amount_fri = said);
        let refused = refusal(&mut journal, &other);
        assert_eq!(refused, Refusal::OtherAmount { job, said, earned });
        assert!(refused.to_string().contains(&job.to_string()));
    }
    let other = with(&|lines| lines[1].job = stranger);
    assert_eq!(refusal(&mut journal, &other), Refusal::NotEarned(stranger));
    let other = with(&|lines| lines[2] = lines[1]);
    assert_eq!(refusal(&mut journal, &other), Refusal::Twice(job));
    assert_eq!(journal.ledger().unpaid().0, 3, "nothing was signed away");
}

#[test]
fn a_statement_that_overtakes_the_answer_to_a_result_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1], false);
    assert_eq!(ask(&mut journal, &document(1, lines)), Answer::Wait);
}

#[test]
fn an_agreement_that_the_disk_does_not_take_is_not_given() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1], true);
    let document = document(1, lines);
    journal.fill_disk();
    assert!(matches!(try_ask(&mut journal, &document), Err(AnswerError::Journal(_))));
    assert_eq!(journal.ledger().unpaid().0, 1);
    assert!(kept(&journal).is_empty());
    journal.free_disk();
    assert!(matches!(ask(&mut journal, &document), Answer::Signed(_)));
}

#[test]
fn what_the_operator_has_not_signed_is_refused_and_the_refusal_says_where_to_look() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1, 2], true);
    let good = document(1, lines.clone());
    let unsigned = StatementDocument { operator_signature: None, ..good.clone() };
    assert_eq!(refusal(&mut journal, &unsigned), Refusal::NotSignedByOperator);
    let said = Address(Felt::from(0xbad_u16));
    let other = StatementDocument { operator: said, ..good.clone() };
    let ours = Operator::of_test().address;
    assert_eq!(refusal(&mut journal, &other), Refusal::OtherOperator { said, ours });

    let (signer, right) = (Signer::of_test(), good.operator_signature.unwrap());
    let chain = signer.identity().chain_id;
    let forged = [
        // By the worker's key, of another statement, for another signer, halves exchanged, nothing.
        signer.sign(&good.statement()).unwrap(),
        document(2, lines).operator_signature.unwrap(),
        Operator { address: said, ..Operator::of_test() }.sign_of_test(chain, &good.statement()),
        Signature { r: right.s, s: right.r },
        Signature { r: Digest(Felt::ZERO), s: Digest(Felt::ZERO) },
    ];
    for signature in forged {
        let other = StatementDocument { operator_signature: Some(signature), ..good.clone() };
        let refused = refusal(&mut journal, &other);
        assert_eq!(refused, Refusal::OperatorSignature { key: Operator::of_test().key });
        let said = refused.to_string();
        assert!(
            said.contains("CIRO_OPERATOR_PUBLIC_KEY") && said.contains("operator_key"),
            "{said}"
        );
    }
    assert_eq!(journal.ledger().unpaid().0, 2, "nothing was signed away");
    assert!(kept(&journal).is_empty());
    assert!(matches!(ask(&mut journal, &good), Answer::Signed(_)));
}

#[test]
fn a_countersigned_statement_lies_on_disk_with_both_signatures_and_they_verify() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1, 2, 3], true);
    let document = document(4, lines);
    let Answer::Signed(signature) = ask(&mut journal, &document) else { panic!("not signed") };
    let kept = kept(&journal);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].statement(), document.statement());
    assert_eq!((kept[0].id, kept[0].signature), (document.id, signature));
    assert!(kept[0].is_signed_by_operator());
    assert!(kept[0].is_signed_by_worker(Signer::of_test().public_key()));
}

#[test]
fn a_crash_between_journal_and_file_is_made_good_when_the_statement_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1], true);
    let document = document(1, lines);
    let first = ask(&mut journal, &document);
    let statements = StatementDir::open(dir.path(), &Signer::of_test().identity()).unwrap();
    statements.set_aside(&kept(&journal)[0]).unwrap();
    drop(journal);
    std::fs::remove_dir_all(statements.path()).unwrap();
    let mut journal = open(&dir);
    assert!(kept(&journal).is_empty());
    assert_eq!(ask(&mut journal, &document), first);
    assert_eq!(kept(&journal).len(), 1);
}

#[test]
fn a_statement_whose_file_the_disk_does_not_take_is_not_countersigned() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, lines) = worked(&dir, &[1], true);
    let document = document(1, lines);
    let signer = Signer::of_test();
    let statements = StatementDir::open(dir.path(), &signer.identity()).unwrap();
    std::fs::remove_dir_all(statements.path()).unwrap();
    let operator = Operator::of_test();
    let error = answer(&mut journal, &statements, &signer, &operator, &document).unwrap_err();
    assert!(matches!(error, AnswerError::File(_)), "{error}");
    assert!(matches!(ask(&mut journal, &document), Answer::Signed(_)), "the disk is back");
    assert_eq!(kept(&journal).len(), 1);
}
