//! Checks JWTs that devices sign with their own key: proofs of possession and RFC 7523 assertions.

use ciro_api::{ErrorCode, limits};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, errors::ErrorKind};
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::problem::ApiError;

/// What every assertion carries beside its own claims.
pub(crate) trait Lifetime {
    /// When it was made, in Unix seconds.
    fn issued_at(&self) -> i64;
    /// When it ends, in Unix seconds.
    fn expires_at(&self) -> i64;
}

/// Decodes a JWT of the key's own algorithm for `audience` and checks its life: short, current, and not from the future.
pub(crate) fn check<T: DeserializeOwned + Lifetime>(
    jwt: &str,
    (algorithm, key): (Algorithm, &DecodingKey),
    audience: &str,
) -> Result<T, ApiError> {
    let mut rules = Validation::new(algorithm);
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["exp", "aud", "sub"]);
    rules.leeway = limits::CLOCK_SKEW_S;
    let claims = decode::<T>(jwt, key, &rules).map_err(|e| refused(&e, algorithm))?.claims;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let skew = i64::try_from(limits::CLOCK_SKEW_S).unwrap_or(0);
    let life_max = i64::try_from(limits::ASSERTION_TTL_S_MAX).unwrap_or(0);
    if claims.issued_at() > now.saturating_add(skew) {
        let detail =
            format!("the assertion is from the future: the server's time is {now} (Unix seconds)");
        return Err(ApiError::new(ErrorCode::InvalidAssertion, detail));
    }
    if claims.expires_at().saturating_sub(claims.issued_at()) > life_max {
        let detail = format!("an assertion may live {life_max} s at most");
        return Err(ApiError::new(ErrorCode::InvalidAssertion, detail));
    }
    Ok(claims)
}

fn refused(error: &jsonwebtoken::errors::Error, algorithm: Algorithm) -> ApiError {
    let detail = match error.kind() {
        ErrorKind::ExpiredSignature => {
            let now = OffsetDateTime::now_utc().unix_timestamp();
            format!("the assertion is over: the server's time is {now} (Unix seconds)")
        }
        ErrorKind::InvalidAudience => {
            "the assertion is meant for another audience; name the issuer that /v1/health shows"
                .to_owned()
        }
        ErrorKind::InvalidSignature => {
            "the assertion is not signed by this device's key".to_owned()
        }
        ErrorKind::InvalidAlgorithm => format!("an assertion by this key must be {algorithm:?}"),
        _ => format!("the assertion cannot be read: {error}"),
    };
    ApiError::new(ErrorCode::InvalidAssertion, detail)
}
