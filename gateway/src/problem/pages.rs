//! The pages about error codes, compiled in, so that every code has one or the build fails.

use ciro_api::ErrorCode;

macro_rules! pages {
    ($($code:literal)+) => {
        const PAGES: &[(&str, &str)] = &[$(
            ($code, include_str!(concat!("../../../docs/src/errors/", $code, ".md"))),
        )+];
    };
}

pages! {
    "invalid_request" "invalid_json" "invalid_cbor" "unauthenticated" "token_expired" "invalid_token" "device_revoked" "invalid_assertion"
    "claim_refused" "challenge_unknown" "wrong_signature" "sponsor_out_of_budget" "price_over_ceiling"
    "forbidden" "worker_not_staked" "not_found" "method_not_allowed" "not_acceptable" "request_timeout" "lease_lost"
    "result_conflict" "job_already_finished" "not_replayable" "statement_conflict" "device_conflict" "limit_reached" "precondition_failed" "body_too_large"
    "input_too_large" "unsupported_media_type" "unknown_model" "unknown_pool" "idempotency_key_reused" "invalid_result" "rate_limited"
    "job_failed" "wait_over" "internal" "unavailable"
}

/// The page about a code, in Markdown.
pub(crate) fn find(code: &str) -> Option<&'static str> {
    let known = ErrorCode::ALL.iter().any(|known| known.as_str() == code);
    PAGES.iter().find(|(name, _)| known && *name == code).map(|(_, page)| *page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_opens_with_its_name() {
        assert_eq!(PAGES.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            let page = find(code.as_str()).unwrap_or_else(|| panic!("{code} has no page"));
            assert!(page.starts_with(&format!("# {code}\n")), "the page of {code} opens otherwise");
        }
    }
}
