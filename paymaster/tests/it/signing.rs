//! The operator's signature under closed statements, without a chain.

use std::time::Duration;

use ciro_api::{
    Address, Felt, Signature, StatementId,
    hash::{sign::verify, snip12::TypedStruct},
    rest::statements::StatementDocument,
};
use ciro_contracts::PrivateKey;
use ciro_paymaster::statements::{self, SignError, Signer};
use deadpool_postgres::Client;

use crate::{
    harness::{connect, fresh_database},
    ledger::{WORKER, sponsor},
    statements::{CHAIN, KEY, OPERATOR, begin, earn_many, signed, signer},
};

/// So many statements of three receipts each, in their order.
async fn closed(client: &mut Client, count: usize) -> Vec<StatementId> {
    begin(client).await;
    let id = sponsor(client, 100_000, 0, 100_000).await;
    let mut closed = Vec::new();
    for _ in 0..count {
        earn_many(client, id, WORKER, 3).await;
        closed.extend(statements::close(client, Duration::ZERO).await.unwrap());
    }
    assert_eq!(closed.len(), count);
    closed
}

async fn document(client: &Client, id: StatementId) -> StatementDocument {
    statements::get(&***client, id).await.unwrap().unwrap()
}

async fn signature(client: &Client, id: StatementId) -> Option<Signature> {
    document(client, id).await.operator_signature
}

#[tokio::test]
async fn closed_statements_are_signed_by_the_operator_and_only_then_shown_to_their_worker() {
    let mut client = connect(&fresh_database().await).await;
    let ids = closed(&mut client, 3).await;
    assert!(statements::pending(&**client, WORKER, 10).await.unwrap().is_empty());
    assert_eq!(statements::sign(&client, &signer()).await.unwrap(), ids);
    let shown = statements::pending(&**client, WORKER, 10).await.unwrap();
    assert_eq!(shown.iter().map(|document| document.id).collect::<Vec<_>>(), ids);
    for document in shown {
        assert_eq!(document.operator, OPERATOR);
        let message = document.statement().message_hash(CHAIN, OPERATOR);
        let signature = document.operator_signature.unwrap();
        assert!(verify(signer().public_key(), &message, &signature));
        let workers = document.statement().message_hash(CHAIN, WORKER);
        assert!(!verify(signer().public_key(), &workers, &signature), "bound to the operator");
    }
}

#[tokio::test]
async fn a_statement_that_its_receipts_do_not_back_is_never_signed_and_keeps_no_other_from_it() {
    let mut client = connect(&fresh_database().await).await;
    let tampering = [
        "update statement set amount_fri = amount_fri + 1",
        "update statement set amount_fri = amount_fri - 1",
        "update statement set count = count + 1",
        "update statement set root = '0xbad'",
        "update receipt set amount_fri = amount_fri + 1",
        "update receipt set attestation = '0xbad'",
        "update receipt set statement_id = null, position = null",
    ];
    let ids = closed(&mut client, tampering.len() + 1).await;
    for (sql, id) in tampering.iter().zip(&ids) {
        let one = format!("{sql} where statement_id = '{}'", id.0);
        client.batch_execute(&one).await.unwrap();
    }
    for _ in 0..2 {
        let error = statements::sign(&client, &signer()).await.unwrap_err();
        assert!(matches!(error, SignError::Books { statement, .. } if statement == ids[0]));
        assert!(error.to_string().contains(&ids[0].to_string()), "{error}");
    }
    for id in &ids[..tampering.len()] {
        assert_eq!(signature(&client, *id).await, None, "{id}");
    }
    assert!(signature(&client, *ids.last().unwrap()).await.is_some());
    assert_eq!(statements::pending(&**client, WORKER, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_signature_stands_however_often_and_by_whomever_statements_are_signed_again() {
    let database = fresh_database().await;
    let mut client = connect(&database).await;
    let ids = closed(&mut client, 70).await;
    let mut signers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let client = connect(&database).await;
        signers.spawn(async move { statements::sign(&client, &signer()).await.unwrap() });
    }
    let mut all: Vec<StatementId> = signers.join_all().await.into_iter().flatten().collect();
    all.sort();
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(all, sorted, "each was signed, and by one of them");

    let before = signature(&client, ids[0]).await.unwrap();
    let other = Signer::new(OPERATOR, PrivateKey::new(Felt::from(0x9abc)), CHAIN);
    assert!(statements::sign(&client, &other).await.unwrap().is_empty());
    assert_eq!(signature(&client, ids[0]).await, Some(before));
    assert_eq!(statements::forget_other_keys(&client, &signer()).await.unwrap(), 0);
}

#[tokio::test]
async fn what_an_earlier_key_signed_is_signed_anew_unless_it_is_over() {
    let mut client = connect(&fresh_database().await).await;
    let ids = closed(&mut client, 2).await;
    statements::sign(&client, &signer()).await.unwrap();
    let (over, open) = (ids[0], ids[1]);
    let settle = format!(
        "update statement set status = 'settled', tx_hash = '0x1' where statement_id = '{}'",
        over.0
    );
    client.batch_execute(&settle).await.unwrap();
    let kept = signature(&client, over).await;
    let new = Signer::new(OPERATOR, PrivateKey::new(Felt::from(0x9abc)), CHAIN);
    assert_eq!(statements::forget_other_keys(&client, &new).await.unwrap(), 1);
    assert_eq!(signature(&client, open).await, None);
    assert_eq!(statements::sign(&client, &new).await.unwrap(), [open]);
    let document = document(&client, open).await;
    let message = document.statement().message_hash(CHAIN, OPERATOR);
    assert!(verify(new.public_key(), &message, &document.operator_signature.unwrap()));
    assert_eq!(signature(&client, over).await, kept);
}

#[tokio::test]
async fn what_was_countersigned_before_operators_signed_is_signed_too() {
    let mut client = connect(&fresh_database().await).await;
    let ids = closed(&mut client, 2).await;
    for id in &ids {
        let countersignature = signed(&document(&client, *id).await, CHAIN, &KEY);
        statements::countersign(&**client, *id, WORKER, countersignature, CHAIN).await.unwrap();
    }
    let sent = format!("update statement set status = 'sent' where statement_id = '{}'", ids[0].0);
    client.batch_execute(&sent).await.unwrap();
    assert_eq!(statements::sign(&client, &signer()).await.unwrap(), ids);
}

#[tokio::test]
async fn a_worker_pages_through_its_own_unsettled_statements_and_through_no_others() {
    let mut client = connect(&fresh_database().await).await;
    let ids = closed(&mut client, 7).await;
    let settle = format!(
        "update statement set status = 'settled', tx_hash = '0x1' where statement_id = '{}'",
        ids[0].0
    );
    client.batch_execute(&settle).await.unwrap();
    let (mut seen, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = statements::unsettled(&**client, WORKER, after, 3).await.unwrap();
        assert_eq!(page.has_more, page.next_after.is_some());
        seen.extend(page.data.iter().map(|document| document.id));
        pages += 1;
        after = page.next_after;
        if !page.has_more {
            break;
        }
    }
    assert_eq!((pages, seen), (2, ids[1..].to_vec()));
    let stranger = Address(Felt::from(0x31));
    assert!(statements::unsettled(&**client, stranger, None, 3).await.unwrap().data.is_empty());
}
