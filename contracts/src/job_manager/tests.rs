use ciro_api::{
    AttestedJob, OnchainJobId,
    felt::{Commitment, Digest},
    hash::attestation::Attestation,
};

use super::*;
use crate::{Evidence, Pool, classes, felts::selector};

fn evidence() -> Evidence {
    let zero = Address(Felt::ZERO);
    let attestation = Attestation {
        job: AttestedJob::from(OnchainJobId(1)),
        epoch: 0,
        model: ModelId(Felt::ONE),
        input: Commitment(Felt::ONE),
        output: Commitment(Felt::ONE),
        contract: zero,
        worker: zero,
    };
    let signature = Signature { r: Digest(Felt::ONE), s: Digest(Felt::ONE) };
    let path = vec![Digest(Felt::ONE)];
    let public_key = PublicKey(Felt::ONE);
    Evidence { attestation, index: 0, count: 2, path, public_key, signature }
}

fn terms() -> ModelTerms {
    ModelTerms {
        id: ModelId(Felt::ONE),
        level: Level::Signed,
        adjudicator: None,
        scheme: Scheme::Poseidon,
        input_bytes_max: 1,
        min_price: Fri(1),
        min_stake: Fri(1),
        manifest_uri: String::new(),
    }
}

/// Whether the class has a function with this selector.
fn has(class: &classes::Class, call: &Call) -> bool {
    let external = &class.sierra.entry_points_by_type.external;
    external.iter().any(|entry| entry.selector == call.selector)
}

#[test]
fn every_call_names_a_function_of_its_contract() {
    let (zero, one) = (Address(Felt::ZERO), Fri(1));
    let (manager, pool) = (JobManager { address: zero }, Pool { address: zero });
    let (key, job, evidence) = (PublicKey(Felt::ONE), OnchainJobId(1), evidence());
    for call in [
        manager.register_model(&terms()),
        manager.register_worker(key),
        manager.deregister_worker(),
        manager.register_operator(Some(key)),
        manager.settle(&[]),
        manager.settle_for(zero, &[]),
        manager.post_job(ModelId(Felt::ONE), one, 1, b"x"),
        manager.fulfil(&evidence, b"x"),
        manager.deliver(job, b"x"),
        manager.reclaim(job),
        manager.slash_equivocation(&evidence, &evidence),
        manager.adjudicate(&evidence, b"x", &[]),
        manager.mint_credits(zero),
        manager.propose_handover(Role::Guardian, zero),
        manager.accept_handover(Role::Registrar),
        manager.pause(),
        manager.unpause(),
    ] {
        assert!(has(&classes::JOB_MANAGER, &call), "JobManager has no {:#x}", call.selector);
    }
    for call in [
        pool.deposit(zero, one),
        pool.announce_withdrawal(zero, one),
        pool.withdraw(zero),
        pool.set_allowance(zero, one),
        pool.stake(one),
        pool.announce_unstake(one),
        pool.unstake(),
        pool.claim(zero, &[zero]),
        pool.return_pay(zero, &[zero]),
    ] {
        assert!(has(&classes::CDC_POOL, &call), "CdcPool has no {:#x}", call.selector);
    }
    assert!(!has(&classes::CDC_POOL, &manager.pause()), "the check accepts anything");
}

#[test]
fn bytes_are_cut_into_words_of_31_as_cairo_does() {
    assert_eq!(byte_array(b""), [Felt::ZERO, Felt::ZERO, Felt::ZERO]);
    assert_eq!(byte_array(b"ab"), [Felt::ZERO, Felt::from(0x6162), Felt::TWO]);
    let exact = byte_array(&[1; 31]);
    assert_eq!((exact.len(), exact[0], exact[2], exact[3]), (4, Felt::ONE, Felt::ZERO, Felt::ZERO));
    let longer = byte_array(&[1; 63]);
    assert_eq!(
        (longer.len(), longer[0], longer[3], longer[4]),
        (5, Felt::TWO, Felt::ONE, Felt::ONE)
    );
    assert_eq!(
        selector("settle"),
        JobManager { address: Address(Felt::ZERO) }.settle(&[]).selector
    );
}
