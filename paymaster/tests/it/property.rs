//! Any sequence of ledger operations keeps the books.

use ciro_api::{JobId, SponsorId};
use deadpool_postgres::Client;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    harness::{connect, fresh_database},
    ledger::{earn, earned, hold, job, sponsor, void},
};

#[derive(Clone, Copy, Debug)]
enum Op {
    Hold(u8),
    Void(usize),
    Earn(usize),
    Deposit(u8),
    Announce(u8),
    Allow(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1..=100_u8).prop_map(Op::Hold),
        1 => any::<usize>().prop_map(Op::Void),
        2 => any::<usize>().prop_map(Op::Earn),
        1 => any::<u8>().prop_map(Op::Deposit),
        1 => any::<u8>().prop_map(Op::Announce),
        1 => any::<u8>().prop_map(Op::Allow),
    ]
}

/// What must always be true; the last holds at the moment a hold is placed.
const BOOKS: &str = "
    select s.held_fri = coalesce((
        select sum(h.amount_fri) from hold h
        where h.sponsor_id = s.sponsor_id and h.state in ('pending', 'earned')
    ), 0) and (select count(*) from receipt) = (select count(*) from hold where state = 'earned'),
    s.held_fri <= least(c.deposit_fri - c.announced_fri, allowance_left_fri(c), s.spend_limit_fri - s.spent_fri)
    from sponsor s join chain_sponsor c using (address)";

async fn books(client: &Client) -> (bool, bool) {
    let row = client.query_one(BOOKS, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

async fn run(client: &mut Client, ops: &[Op]) -> Result<(), TestCaseError> {
    client.batch_execute("truncate sponsor, chain_sponsor, hold, receipt cascade").await.unwrap();
    let id: SponsorId = sponsor(client, 150, 0, 300).await;
    let mut jobs: Vec<(JobId, u128)> = Vec::new();
    for op in ops {
        let pick = |n: usize| (!jobs.is_empty()).then(|| jobs[n % jobs.len()]);
        let set = match *op {
            Op::Hold(amount) => {
                let job = job();
                if hold(client, job, id, u128::from(amount)).await.is_ok() {
                    jobs.push((job, u128::from(amount)));
                    prop_assert!(books(client).await.1, "a hold went beyond the budget");
                }
                None
            }
            Op::Void(n) => {
                if let Some((job, _)) = pick(n) {
                    let _refused = void(client, job).await;
                }
                None
            }
            Op::Earn(n) => {
                if let Some((job, amount)) = pick(n) {
                    let _refused = earn(client, &earned(job, id, amount)).await;
                }
                None
            }
            Op::Deposit(amount) => Some(format!("deposit_fri = deposit_fri + {amount}")),
            Op::Announce(amount) => Some(format!("announced_fri = {amount}")),
            Op::Allow(amount) => Some(format!("allowance_per_epoch_fri = {amount} * 4")),
        };
        if let Some(set) = set {
            client.batch_execute(&format!("update chain_sponsor set {set}")).await.unwrap();
        }
        prop_assert!(books(client).await.0, "held is not the sum of pending and earned holds");
    }
    Ok(())
}

#[test]
fn held_is_always_the_sum_of_live_holds_and_no_hold_goes_beyond_the_budget() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(async { connect(&fresh_database().await).await });
    let client = std::cell::RefCell::new(client);
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() };
    TestRunner::new(config)
        .run(&proptest::collection::vec(op(), 1..40), |ops| {
            runtime.block_on(run(&mut client.borrow_mut(), &ops))
        })
        .unwrap();
}
