//! The Forwarder with real accounts, signatures and STRK.

mod deploy;
mod simulate;
mod uncatchable;

use ciro_api::{Address, Felt, Fri, limits::OPERATIONS_MAX};
use ciro_contracts::{FailureReason, Operation, OperationOutcome, Outcome};

use crate::outside::{FEE_RECIPIENT, NOTICE_S, Outside, RELAYER, TOKEN, whole};

const TO: Address = Address(Felt::from_hex_unchecked("0x70"));

/// As the contract says it: the operation's id and account beside how it ended.
fn ended(operation: &Operation, outcome: Outcome) -> OperationOutcome {
    OperationOutcome { id: operation.id, account: operation.account, outcome }
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed(FailureReason::Other(reason.to_owned()))
}

async fn nonce_is_free(net: &Outside, account: Address, nonce: u64) -> bool {
    let view = "is_valid_outside_execution_nonce";
    let answer = net.net.chain.call(account, view, vec![Felt::from(nonce)]).await.unwrap();
    answer == [Felt::ONE]
}

#[tokio::test]
async fn a_failing_operation_is_undone_and_those_beside_it_happen() {
    let net = Outside::start(5).await;
    let transfer = |amount| TOKEN.transfer(TO, Fri(amount));
    let batch = [
        net.operation(2, 1, vec![transfer(10)]),
        net.operation(3, 2, vec![transfer(100), transfer(u128::MAX)]),
        net.operation(4, 3, vec![transfer(1_000)]),
    ];
    let before = net.balance(net.address(3)).await;
    let outcomes = net.send(&batch).await.unwrap();
    let expected = [
        ended(&batch[0], Outcome::Succeeded),
        ended(&batch[1], failed("ERC20: insufficient balance")),
        ended(&batch[2], Outcome::Succeeded),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(net.balance(TO).await, 1_010);
    assert_eq!(net.balance(net.address(3)).await, before);
    assert!(nonce_is_free(&net, net.address(3), 2).await, "the nonce went back too");
    assert!(!nonce_is_free(&net, net.address(2), 1).await);
}

#[tokio::test]
async fn an_account_pays_its_charge_and_gets_the_rest_back_to_the_fri() {
    let net = Outside::start(4).await;
    let user = net.address(2);
    let before = net.balance(user).await;
    let transfer = TOKEN.transfer(TO, Fri(5));
    let batch = [
        net.paying(2, 1, vec![transfer.clone()], (1_000, 700)),
        net.paying(2, 2, vec![transfer], (700, 700)),
    ];
    let outcomes = net.send(&batch).await.unwrap();
    assert_eq!(outcomes, batch.clone().map(|o| ended(&o, Outcome::Succeeded)));
    assert_eq!(net.balance(user).await, before - 2 * (700 + 5));
    assert_eq!(net.balance(net.forwarder.address).await, 1_400);
    let stranger = &net.net.accounts[3];
    net.net.execute(stranger, vec![net.forwarder.collect(TOKEN.address)]).await.unwrap();
    assert_eq!(net.balance(FEE_RECIPIENT).await, 1_400);
    assert_eq!(net.balance(net.forwarder.address).await, 0);
}

#[tokio::test]
async fn an_operation_that_pays_too_little_is_undone_and_those_beside_it_happen() {
    let net = Outside::start(4).await;
    let transfer = |amount| TOKEN.transfer(TO, Fri(amount));
    let batch = [
        net.paying(2, 1, vec![transfer(10)], (700, 700)),
        net.paying(3, 2, vec![transfer(100)], (699, 700)),
        net.paying(2, 3, vec![transfer(1_000)], (701, 700)),
    ];
    let before = net.balance(net.address(3)).await;
    let outcomes = net.send(&batch).await.unwrap();
    let expected = [
        ended(&batch[0], Outcome::Succeeded),
        ended(&batch[1], Outcome::Failed(FailureReason::ChargeNotPaid)),
        ended(&batch[2], Outcome::Succeeded),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(net.balance(TO).await, 1_010);
    assert_eq!(net.balance(net.address(3)).await, before);
    assert_eq!(net.balance(net.forwarder.address).await, 1_400);
    assert!(nonce_is_free(&net, net.address(3), 2).await, "the nonce went back too");
}

#[tokio::test]
async fn a_relayer_comes_with_notice_and_goes_at_once() {
    let net = Outside::start(4).await;
    let (owner, other) = (net.relayer(), &net.net.accounts[3]);
    let transfer = TOKEN.transfer(TO, Fri(5));
    let batch = |nonce| {
        let operation = net.operation(2, nonce, vec![transfer.clone()]);
        vec![net.forwarder.execute_batch(&[operation])]
    };
    let refused = |sent: Result<_, ciro_contracts::AccountError>| {
        assert!(whole(sent.unwrap_err()).contains("only a relayer"));
    };
    refused(net.net.execute(other, batch(1)).await);
    net.net.execute(owner, vec![net.forwarder.add_relayer(other.address())]).await.unwrap();
    let from = net.forwarder.relays_from(&net.net.chain, other.address()).await.unwrap();
    assert_eq!(from, Some(net.net.now().await + NOTICE_S));
    refused(net.net.execute(other, batch(1)).await);
    net.net.devnet.pass_time(NOTICE_S).await;
    net.net.execute(other, batch(1)).await.unwrap();
    net.net.execute(owner, vec![net.forwarder.remove_relayer(other.address())]).await.unwrap();
    refused(net.net.execute(other, batch(2)).await);
    assert_eq!(net.forwarder.relays_from(&net.net.chain, other.address()).await.unwrap(), None);
}

#[tokio::test]
async fn one_operation_over_the_limit_is_refused() {
    let net = Outside::start(3).await;
    let operation = net.operation(2, 1, vec![TOKEN.transfer(TO, Fri(1))]);
    let error = net.send(&vec![operation; OPERATIONS_MAX + 1]).await.unwrap_err();
    assert!(error.contains("too many operations"), "{error}");
    assert_eq!(net.balance(TO).await, 0);
}

#[tokio::test]
async fn a_deployment_says_what_was_fixed_and_a_second_one_finds_the_first() {
    let net = Outside::start(3).await;
    let (chain, owner) = (&net.net.chain, net.address(RELAYER));
    assert_eq!(net.forwarder.owner(chain).await.unwrap(), owner);
    assert_eq!(net.forwarder.fee_recipient(chain).await.unwrap(), FEE_RECIPIENT);
    assert_eq!(net.forwarder.notice_s(chain).await.unwrap(), NOTICE_S);
    let again = ciro_contracts::ForwarderParameters {
        owner,
        fee_recipient: FEE_RECIPIENT,
        notice_s: NOTICE_S,
        relayers: vec![owner],
    };
    let nonce = net.relayer().nonce().await.unwrap();
    let found = ciro_contracts::deploy_forwarder(net.relayer(), &again).await.unwrap();
    assert_eq!((found, net.relayer().nonce().await.unwrap()), (net.forwarder, nonce));
}
