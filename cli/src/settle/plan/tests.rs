use ciro_api::{
    ChainId, Felt, Fri, Signature, StatementId,
    felt::Digest,
    hash::{
        sign::{public_key, sign},
        snip12::TypedStruct,
    },
};
use uuid::Uuid;

use super::*;

const WORKER_KEY: Felt = Felt::from_hex_unchecked("0x77");
const OPERATOR_KEY: Felt = Felt::from_hex_unchecked("0x88");

fn kept(seq: u64) -> KeptStatement {
    let nothing = Signature { r: Digest(Felt::ZERO), s: Digest(Felt::ZERO) };
    let at = |n: u64| Address(Felt::from(n));
    let mut kept = KeptStatement {
        id: StatementId(Uuid::from_u128(1)),
        chain_id: ChainId(Felt::ONE),
        contract: at(1),
        sponsor: at(2),
        worker: at(3),
        seq,
        count: 5,
        amount_fri: Fri(6),
        root: Digest(Felt::from(7)),
        signature: nothing,
        operator: at(4),
        operator_key: public_key(&OPERATOR_KEY),
        operator_signature: nothing,
    };
    let by =
        |key, signer| sign(key, &kept.statement().message_hash(kept.chain_id, signer)).unwrap();
    (kept.signature, kept.operator_signature) =
        (by(&WORKER_KEY, kept.worker), by(&OPERATOR_KEY, kept.operator));
    kept
}

/// Judged where these are registered.
fn judged(statement: &KeptStatement, worker: Option<Felt>, operator: Option<Felt>) -> String {
    let (worker, operator) = (worker.map(|k| public_key(&k)), operator.map(|k| public_key(&k)));
    refusal(statement, 3, worker, operator).unwrap_or_default()
}

#[test]
fn what_is_next_and_signed_by_the_registered_keys_is_sent() {
    assert_eq!(judged(&kept(3), Some(WORKER_KEY), Some(OPERATOR_KEY)), "");
}

#[test]
fn what_the_chain_would_refuse_is_not_sent_and_named_in_the_contracts_words() {
    let (good, other) = (kept(3), Some(Felt::from(0x99)));
    let cases = [
        (judged(&kept(4), Some(WORKER_KEY), Some(OPERATOR_KEY)), "wrong_seq: statement 3 "),
        (judged(&good, None, Some(OPERATOR_KEY)), "worker_not_registered:"),
        (judged(&good, other, Some(OPERATOR_KEY)), "bad_signature:"),
        (judged(&good, Some(WORKER_KEY), None), "operator_not_registered:"),
        (
            judged(&good, Some(WORKER_KEY), other),
            "bad_operator_signature: the operator has registered",
        ),
    ];
    for (reason, begin) in cases {
        assert!(reason.starts_with(begin), "{reason}, not {begin}");
    }
}

#[test]
fn a_file_in_which_anything_that_was_signed_is_changed_is_not_sent() {
    let good = kept(3);
    let felt = Felt::from(0xbad_u16);
    let changed = [
        KeptStatement { chain_id: ChainId(felt), ..good },
        KeptStatement { contract: Address(felt), ..good },
        KeptStatement { sponsor: Address(felt), ..good },
        KeptStatement { worker: Address(felt), ..good },
        KeptStatement { count: 4, ..good },
        KeptStatement { amount_fri: Fri(7), ..good },
        KeptStatement { root: Digest(felt), ..good },
        KeptStatement { operator: Address(felt), ..good },
        KeptStatement { operator_signature: good.signature, ..good },
        KeptStatement { signature: good.operator_signature, ..good },
    ];
    for statement in changed {
        assert_ne!(judged(&statement, Some(WORKER_KEY), Some(OPERATOR_KEY)), "", "{statement:?}");
    }
}
