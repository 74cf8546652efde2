//! What a batch would do, asked before it is sent: the same as it does.

use ciro_api::{Fri, TxHash};
use ciro_contracts::{ClassKind, Effects, Validation};

use super::*;

#[tokio::test]
async fn a_simulated_batch_tells_the_outcome_of_each_operation_and_changes_nothing() {
    let net = Outside::start(4).await;
    let transfer = |amount| TOKEN.transfer(TO, Fri(amount));
    let batch =
        [net.operation(2, 1, vec![transfer(10)]), net.operation(3, 2, vec![transfer(u128::MAX)])];
    let calls = vec![net.forwarder.execute_batch(&batch)];
    let nonce = net.relayer().nonce().await.unwrap();
    for validation in [Validation::Included, Validation::Skipped] {
        let told = net.relayer().simulate(calls.clone(), validation).await.unwrap();
        let outcomes = net.forwarder.simulated_outcomes(&told.effects).unwrap();
        let expected = [
            ended(&batch[0], Outcome::Succeeded),
            ended(&batch[1], failed("ERC20: insufficient balance")),
        ];
        assert_eq!(outcomes, expected, "{validation:?}");
        assert!(!told.effects.deploys());
        assert!(told.fee.overall_fee > 0);
    }
    assert_eq!(net.balance(TO).await, 0);
    assert_eq!(net.relayer().nonce().await.unwrap(), nonce);
}

#[tokio::test]
async fn a_simulated_batch_of_what_cannot_be_caught_is_reverted_whole() {
    let net = Outside::start(3).await;
    let nowhere = starknet_rust::core::types::Call {
        to: Felt::from(0xdead),
        selector: Felt::ONE,
        calldata: vec![],
    };
    let batch = [net.operation(2, 1, vec![nowhere])];
    let calls = vec![net.forwarder.execute_batch(&batch)];
    let told = net.relayer().simulate(calls, Validation::Included).await.unwrap();
    let Effects::Reverted(reason) = &told.effects else { panic!("{:?}", told.effects) };
    assert!(reason.contains("not deployed"), "{reason}");
    assert_eq!(net.forwarder.simulated_outcomes(&told.effects).unwrap(), []);
}

#[tokio::test]
async fn a_receipt_tells_the_fee_and_the_outcomes_of_what_was_sent() {
    let net = Outside::start(3).await;
    let batch = [net.operation(2, 1, vec![TOKEN.transfer(TO, Fri(10))])];
    let before = net.balance(net.address(RELAYER)).await;
    let (hash, outcomes) = net.send_as(&batch).await.unwrap();
    let receipt = net.net.chain.receipt(hash).await.unwrap().unwrap();
    assert_eq!(net.forwarder.outcomes_of(hash, &receipt).unwrap(), outcomes);
    assert_eq!(receipt.reverted, None);
    assert_eq!(receipt.fee, Fri(before - net.balance(net.address(RELAYER)).await));
    assert_eq!(net.net.chain.receipt(TxHash(Felt::ONE)).await.unwrap(), None);
}

#[tokio::test]
async fn a_class_tells_its_kind_and_its_functions() {
    let net = Outside::start(3).await;
    let chain = &net.net.chain;
    let class = chain.class_at(net.address(2)).await.unwrap().unwrap();
    let kind = chain.class_kind(class).await.unwrap().unwrap();
    assert!(kind.has_function("execute_from_outside_v2") && !kind.has_function("nothing_like_it"));
    assert_eq!(chain.class_kind(Felt::ONE).await.unwrap(), None);
    assert!(!ClassKind::Legacy.has_function("execute_from_outside_v2"));
}
