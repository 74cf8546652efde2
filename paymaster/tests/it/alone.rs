//! Workers that settle alone, on a real chain: what they need is in our documents, and whatever they do we pay once.

use std::time::Duration;

use ciro_api::{
    Fri, Signature, TxHash,
    hash::{sign, snip12::TypedStruct},
    rest::statements::StatementDocument,
};
use ciro_contracts::{
    Event, KeyedAccount, Located, OperatorSignedStatement, PrivateKey, SignedStatement,
    StatementOutcome,
};
use ciro_paymaster::{settle::Step, sponsors, statements};

use crate::{
    statements::signed,
    world::{DEPOSIT, WORKER_KEY, World, fri},
};

/// What a worker can send, from what it was shown and its own signature.
fn both_signed(world: &World, document: &StatementDocument) -> OperatorSignedStatement {
    let signature = signed(document, world.chain_id(), &WORKER_KEY);
    OperatorSignedStatement {
        signed: SignedStatement { statement: document.statement(), signature },
        operator: document.operator_signature.unwrap(),
    }
}

async fn unsettled(world: &World) -> Vec<StatementDocument> {
    let worker = world.worker.address();
    statements::unsettled(&**world.client, worker, None, 10).await.unwrap().data
}

/// An account that has no part in anything.
async fn stranger(world: &World) -> KeyedAccount {
    let (address, key) = world.devnet.accounts().await.remove(3);
    KeyedAccount::new(world.chain.clone(), address, &PrivateKey::new(key))
}

/// Sends these from the stranger's account; why each was refused, if it was.
async fn settle_alone(
    world: &World,
    statements: &[OperatorSignedStatement],
) -> (TxHash, Vec<Option<String>>) {
    let manager = world.job_manager();
    let call = manager.settle_for(world.operator.address(), statements);
    let hash = stranger(world).await.execute(vec![call]).await.unwrap();
    let block = world.chain.wait_for(hash, Duration::from_secs(20)).await.unwrap();
    let outcomes = manager.outcomes(&world.chain, hash, block).await.unwrap();
    let reason = |outcome| match outcome {
        StatementOutcome::Settled(_) => None,
        StatementOutcome::Refused(refused) => Some(refused.reason),
    };
    (hash, outcomes.into_iter().map(reason).collect())
}

/// Nothing is held for what was paid, and nothing is left to do.
async fn check_over(world: &mut World, paid: Fri) {
    world.watch().await;
    world.check_books(paid).await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Idle);
    let sponsor = sponsors::get(&**world.client, world.sponsor_id).await.unwrap().unwrap();
    assert_eq!(sponsor.held, Fri::ZERO);
    let open = "select count(*) from settlement_batch where state = 'open'";
    let open: i64 = world.client.query_one(open, &[]).await.unwrap().get(0);
    assert_eq!(open, 0, "a batch stays open");
    assert!(unsettled(world).await.is_empty());
}

#[tokio::test]
async fn what_the_paymaster_signed_a_stranger_settles_for_the_worker() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    world.state(2).await;
    let documents = unsettled(&world).await;
    let both: Vec<_> = documents.iter().map(|document| both_signed(&world, document)).collect();
    for (document, statement) in documents.iter().zip(&both) {
        assert_eq!(document.signature, Some(statement.signed.signature), "it is shown as well");
    }
    let (hash, refused) = settle_alone(&world, &both).await;
    assert_eq!(refused, [None, None]);
    check_over(&mut world, fri(5)).await;
    let document = statements::get(&**world.client, documents[0].id).await.unwrap().unwrap();
    assert_eq!(document.tx_hash, Some(hash));
}

#[tokio::test]
async fn a_forged_operators_signature_is_refused_by_the_chain_and_moves_nothing() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    let document = unsettled(&world).await.remove(0);
    let good = both_signed(&world, &document);
    let message = |signer| document.statement().message_hash(world.chain_id(), signer);
    let by =
        |key: &ciro_api::Felt, signer| -> Signature { sign::sign(key, &message(signer)).unwrap() };
    let operator = world.operator.address();
    let forged = [
        by(&WORKER_KEY, operator),
        by(world.operator_key.reveal(), world.worker.address()),
        Signature { r: good.operator.s, s: good.operator.r },
        good.signed.signature,
    ];
    for operator in forged {
        let statement = OperatorSignedStatement { operator, ..good };
        let (_, refused) = settle_alone(&world, &[statement]).await;
        assert_eq!(refused, [Some("bad_operator_signature".to_owned())]);
    }
    world.watch().await;
    assert_eq!(world.statuses().await, ["countersigned"], "strangers' refusals are not ours");
    world.check_books(Fri::ZERO).await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    check_over(&mut world, fri(3)).await;
}

#[tokio::test]
async fn what_was_never_countersigned_with_us_is_settled_alone_and_the_mirror_goes_on() {
    let mut world = World::start(DEPOSIT).await;
    world.earn(2).await;
    statements::close(&mut world.client, Duration::ZERO).await.unwrap();
    world.sign().await;
    let document = unsettled(&world).await.remove(0);
    assert_eq!(document.signature, None);
    let (_, refused) = settle_alone(&world, &[both_signed(&world, &document)]).await;
    assert_eq!(refused, [None]);
    check_over(&mut world, fri(2)).await;
    assert_eq!(world.statuses().await, ["settled"]);
    world.state(1).await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    check_over(&mut world, fri(3)).await;
}

#[tokio::test]
async fn a_worker_that_is_faster_than_our_batch_is_paid_once_and_the_rest_of_the_batch_settles() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    world.state(2).await;
    let batch = world.settler.record(&mut world.client).await.unwrap().unwrap();
    assert_eq!(world.statuses().await, ["sent", "sent"]);
    let first = unsettled(&world).await.remove(0);
    assert_eq!(settle_alone(&world, &[both_signed(&world, &first)]).await.1, [None]);
    assert_eq!(
        world.settler.broadcast(&mut world.client, &batch).await.unwrap(),
        Step::Sent(2),
        "the batch does not know"
    );
    world.watch().await;
    assert_eq!(world.statuses().await, ["settled", "settled"]);
    check_over(&mut world, fri(5)).await;
    let reasons = refusals(&world).await;
    assert_eq!(reasons, ["wrong_seq"], "the second copy paid nothing");
    world.state(1).await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    check_over(&mut world, fri(6)).await;
}

#[tokio::test]
async fn a_worker_that_settles_all_of_our_batch_first_leaves_no_batch_open() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    world.settler.record(&mut world.client).await.unwrap().unwrap();
    let only = unsettled(&world).await.remove(0);
    assert_eq!(settle_alone(&world, &[both_signed(&world, &only)]).await.1, [None]);
    check_over(&mut world, fri(3)).await;
    world.state(1).await;
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    check_over(&mut world, fri(4)).await;
}

#[tokio::test]
async fn a_worker_that_is_slower_than_our_batch_is_refused_and_nothing_is_paid_twice() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    let only = unsettled(&world).await.remove(0);
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    let (_, refused) = settle_alone(&world, &[both_signed(&world, &only)]).await;
    assert_eq!(refused, [Some("wrong_seq".to_owned())]);
    check_over(&mut world, fri(3)).await;
}

/// Why statements were refused, ever.
async fn refusals(world: &World) -> Vec<String> {
    let head = world.chain.head().await.unwrap().number;
    let raw = world.chain.events(&[world.deployment.job_manager], 0, head).await.unwrap();
    let reason = |located: Located| match located.event {
        Event::StatementRefused(refused) => Some(refused.reason),
        _ => None,
    };
    raw.iter().filter_map(|event| reason(Located::decode(event).unwrap())).collect()
}
