//! Closing and countersigning, without a chain.

use std::time::Duration;

use ciro_api::{
    Address, ChainId, ErrorCode, Felt, Fri, JobId, PublicKey, Signature, SponsorId, StatementId,
    StatementStatus,
    hash::{
        receipts::{Receipt, root},
        sign,
        snip12::TypedStruct,
    },
    rest::statements::StatementDocument,
};
use ciro_contracts::{Chain, Deployment, PrivateKey};
use ciro_paymaster::{ledger, statements, watch::Watcher};
use deadpool_postgres::Client;

use crate::{
    harness::{connect, fresh_database},
    ledger::{WORKER, earned, hold_one, job, sponsor},
};

pub(crate) const CHAIN: ChainId = ChainId(Felt::from_hex_unchecked("0x534e5f5345504f4c4941"));
pub(crate) const KEY: Felt = Felt::from_hex_unchecked("0x1234");
pub(crate) const OPERATOR: Address = Address(Felt::from_hex_unchecked("0xd"));
const LONG: Duration = Duration::from_hours(1);

/// The mirror of a deployment that nobody reads.
pub(crate) async fn begin(client: &Client) {
    let at = |n: u64| Address(Felt::from(n));
    let deployment = Deployment {
        chain_id: CHAIN,
        pool: at(0xa),
        job_manager: at(0xb),
        sha256_adjudicator: at(0xe),
        credits: at(0xf),
        token: at(0xc),
        forwarder: None,
        allowance_epoch_s: 86_400,
        deployed_at_block: 0,
    };
    let chain = Chain::offline("http://127.0.0.1:9/rpc".parse().unwrap(), CHAIN, LONG);
    Watcher::new(chain, deployment, OPERATOR).begin(client).await.unwrap();
    register(client, WORKER, sign::public_key(&KEY)).await;
}

async fn register(client: &Client, worker: Address, key: PublicKey) {
    let sql =
        format!("insert into chain_worker (address, public_key) values ('{worker}', '{key}')");
    client.batch_execute(&sql).await.unwrap();
}

pub(crate) async fn earn_many(
    client: &mut Client,
    sponsor: SponsorId,
    worker: Address,
    count: usize,
) {
    let tx = client.transaction().await.unwrap();
    for _ in 0..count {
        let job = job();
        hold_one(&tx, job, sponsor, Fri(3)).await.unwrap();
        let mut earned = earned(job, sponsor, 3);
        earned.worker = worker;
        ledger::earn(&tx, &[earned]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Who signs as the operator of [`begin`].
pub(crate) fn signer() -> statements::Signer {
    statements::Signer::new(OPERATOR, PrivateKey::new(Felt::from(0x5678)), CHAIN)
}

pub(crate) fn signed(document: &StatementDocument, chain: ChainId, key: &Felt) -> Signature {
    sign::sign(key, &document.statement().message_hash(chain, document.worker)).unwrap()
}

fn check_root(document: &StatementDocument) {
    let receipts: Vec<Receipt> = document
        .receipts
        .iter()
        .map(|line| Receipt {
            job: line.job,
            attestation: line.attestation,
            amount: line.amount_fri,
        })
        .collect();
    let sum = root(&receipts).unwrap();
    assert_eq!((sum.hash, sum.sum), (document.root, document.amount_fri));
    assert_eq!(u64::try_from(receipts.len()).unwrap(), document.count);
}

#[tokio::test]
async fn closing_makes_gapless_sequences_and_the_roots_of_their_receipts() {
    let mut client = connect(&fresh_database().await).await;
    begin(&client).await;
    let id = sponsor(&client, 100_000, 0, 100_000).await;
    let other = Address(Felt::from(0x31));
    earn_many(&mut client, id, WORKER, 2_001).await;
    earn_many(&mut client, id, other, 5).await;
    let full = statements::close(&mut client, LONG).await.unwrap();
    assert_eq!(full.len(), 2, "only full statements close before the period is over");
    let rest = statements::close(&mut client, Duration::ZERO).await.unwrap();
    assert_eq!(rest.len(), 2);
    earn_many(&mut client, id, WORKER, 1).await;
    statements::close(&mut client, Duration::ZERO).await.unwrap();
    assert!(statements::pending(&**client, WORKER, 10).await.unwrap().is_empty(), "not signed yet");
    assert_eq!(statements::sign(&client, &signer()).await.unwrap().len(), 5);
    let documents = statements::pending(&**client, WORKER, 10).await.unwrap();
    let shape: Vec<_> = documents.iter().map(|d| (d.seq, d.count)).collect();
    assert_eq!(shape, [(1, 1_000), (2, 1_000), (3, 1), (4, 1)]);
    documents.iter().for_each(check_root);
    let others = statements::pending(&**client, other, 10).await.unwrap();
    assert_eq!((others.len(), others[0].seq, others[0].count), (1, 1, 5));
    let mut jobs: Vec<JobId> =
        documents.iter().chain(&others).flat_map(|d| &d.receipts).map(|line| line.job).collect();
    jobs.sort();
    jobs.dedup();
    assert_eq!(jobs.len(), 2_007, "every receipt is in exactly one statement");
    let settlement = ledger::settlement_of(&**client, jobs[0]).await.unwrap().unwrap();
    assert_eq!(settlement.status.as_str(), "stated");
    assert!(settlement.statement.is_some());
}

#[tokio::test]
async fn closers_that_run_at_once_never_skip_or_repeat_a_number() {
    let database = fresh_database().await;
    let mut client = connect(&database).await;
    begin(&client).await;
    let id = sponsor(&client, 100_000, 0, 100_000).await;
    let mut closers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut client = connect(&database).await;
        closers.spawn(async move {
            for _ in 0..10 {
                earn_many(&mut client, id, WORKER, 2).await;
                statements::close(&mut client, Duration::ZERO).await.unwrap();
            }
        });
    }
    closers.join_all().await;
    statements::close(&mut client, Duration::ZERO).await.unwrap();
    let sql = "select count(*), min(seq), max(seq), sum(count)::bigint from statement";
    let row = client.query_one(sql, &[]).await.unwrap();
    let (count, first, last): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!((first, last, row.get::<_, i64>(3)), (1, count, 80));
}

#[tokio::test]
async fn only_the_workers_own_valid_signature_countersigns_and_the_same_one_again_is_no_error() {
    let mut client = connect(&fresh_database().await).await;
    begin(&client).await;
    let id = sponsor(&client, 1_000, 0, 1_000).await;
    earn_many(&mut client, id, WORKER, 3).await;
    let statement = statements::close(&mut client, Duration::ZERO).await.unwrap()[0];
    let document = statements::get(&**client, statement).await.unwrap().unwrap();
    let good = signed(&document, CHAIN, &KEY);
    let code = async |statement, worker, signature| {
        statements::countersign(&**client, statement, worker, signature, CHAIN)
            .await
            .map_err(|error| error.code())
    };
    let wrong = signed(&document, CHAIN, &Felt::from(0x9999));
    assert_eq!(code(statement, WORKER, wrong).await, Err(ErrorCode::WrongSignature));
    let elsewhere = signed(&document, ChainId(Felt::ONE), &KEY);
    assert_eq!(code(statement, WORKER, elsewhere).await, Err(ErrorCode::WrongSignature));
    let stranger = Address(Felt::from(0x31));
    assert_eq!(code(statement, stranger, good).await, Err(ErrorCode::StatementConflict));
    let nothing = StatementId(uuid::Uuid::now_v7());
    assert_eq!(code(nothing, WORKER, good).await, Err(ErrorCode::NotFound));
    let untouched = statements::get(&**client, statement).await.unwrap().unwrap();
    assert_eq!(untouched.status, StatementStatus::Closed);
    assert_eq!(code(statement, WORKER, good).await, Ok(()));
    assert_eq!(code(statement, WORKER, good).await, Ok(()));
    assert_eq!(code(statement, WORKER, wrong).await, Err(ErrorCode::WrongSignature));
    assert!(statements::pending(&**client, WORKER, 10).await.unwrap().is_empty());
}
