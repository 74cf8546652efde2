use std::sync::mpsc;

use ciro_api::{
    Felt, Fri, Manifest, ModelId,
    rest::{Base64, leases::Lease},
};
use proptest::prelude::*;

use super::*;
use crate::attest::tests::fence;

fn sha256_model() -> Offered {
    let manifest = include_bytes!("../../models/sha256/manifest.json");
    let id = ModelId(Felt::from(5_u8));
    Offered::new(id, Manifest::parse(manifest).unwrap(), mpsc::channel().0)
}

fn lease(input_bytes: usize) -> Lease {
    Lease {
        fence: fence(1, 1),
        model: ModelId(Felt::from(5_u8)),
        input: Base64(vec![0; input_bytes]),
        price_fri: Fri(1),
        ttl_ms: 30_000,
        run_within_ms: 60_000,
        trace: None,
    }
}

fn retryable(verdict: &Verdict) -> Option<bool> {
    match verdict {
        Verdict::Fail { retryable, .. } => Some(*retryable),
        _ => None,
    }
}

#[test]
fn a_fresh_lease_of_an_offered_model_is_run() {
    assert_eq!(judge(&lease(8_192), Some(&sha256_model()), None), Verdict::Run);
    assert_eq!(judge(&lease(0), Some(&sha256_model()), None), Verdict::Run);
}

#[test]
fn an_input_one_byte_over_the_models_size_fails_for_good() {
    let verdict = judge(&lease(8_193), Some(&sha256_model()), None);
    assert_eq!(retryable(&verdict), Some(false));
}

#[test]
fn a_lease_of_a_model_that_is_not_loaded_waits_for_it() {
    assert_eq!(judge(&lease(1), None, None), Verdict::Await);
}

#[test]
fn a_lease_attested_before_is_never_run_again() {
    let model = sha256_model();
    let again = |seen| judge(&lease(1), Some(&model), Some(seen));
    assert_eq!(again(Seen::Unanswered), Verdict::Leave);
    assert_eq!(retryable(&again(Seen::Answered)), Some(true));
    assert_eq!(retryable(&again(Seen::Forgotten)), Some(true));
}

proptest! {
    #[test]
    fn a_failures_detail_is_cut_between_characters(text in "\\PC{0,600}", bytes_max in 0..1_100_usize) {
        let short = cut(&text, bytes_max);
        prop_assert!(short.len() <= bytes_max && text.starts_with(short));
        prop_assert!(text.len() <= bytes_max || short.len() + 4 > bytes_max);
    }
}
