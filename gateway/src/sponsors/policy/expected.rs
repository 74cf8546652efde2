//! Which revision a writer means to replace (RFC 9110 §13.1): what `If-Match` and `If-None-Match` say of the newest one.

use std::ops::RangeInclusive;

use axum::http::{HeaderMap, HeaderName, header};
use ciro_api::{ErrorCode, Problem};
use ciro_paymaster::policy::WHATEVER_IS_THERE;

use crate::problem::ApiError;

/// A tag that is none of ours: no revision is meant.
const NO_REVISION: RangeInclusive<i32> = -1..=-1;

/// Between which revisions the newest must be, where 0 is none at all.
pub(super) fn read(headers: &HeaderMap) -> Result<RangeInclusive<i32>, ApiError> {
    match (one(headers, &header::IF_MATCH)?, one(headers, &header::IF_NONE_MATCH)?) {
        (None, None) => Ok(WHATEVER_IS_THERE),
        (Some("*"), None) => Ok(1..=i32::MAX),
        (Some(tag), None) => Ok(revision(tag).map_or(NO_REVISION, |number| number..=number)),
        (None, Some("*")) => Ok(0..=0),
        (None, Some(_)) => Err(refuse(&header::IF_NONE_MATCH, "only `*` is understood here")),
        (Some(_), Some(_)) => Err(refuse(&header::IF_MATCH, "not beside If-None-Match")),
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| values.next().is_none() && !text.contains(','));
    text.map(|text| Some(text.trim())).ok_or_else(|| refuse(name, "name one revision, as its ETag"))
}

/// The revision of a strong tag; a weak one matches nothing.
fn revision(tag: &str) -> Option<i32> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let number: i32 = digits.parse().ok()?;
    (number > 0 && number.to_string() == digits).then_some(number)
}

fn refuse(name: &HeaderName, why: &str) -> ApiError {
    let problem = Problem::new(ErrorCode::InvalidRequest, "a header cannot be used");
    problem.at(format!("header/{name}"), why).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(headers: &[(HeaderName, &str)]) -> Option<RangeInclusive<i32>> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name, value.parse().unwrap());
        }
        read(&all).ok()
    }

    #[test]
    fn a_writer_may_name_the_revision_that_it_has_seen_or_that_there_is_none() {
        let (matches, none) = (header::IF_MATCH, header::IF_NONE_MATCH);
        for (headers, range) in [
            (vec![], Some(WHATEVER_IS_THERE)),
            (vec![(matches.clone(), "\"7\"")], Some(7..=7)),
            (vec![(matches.clone(), " * ")], Some(1..=i32::MAX)),
            (vec![(none.clone(), "*")], Some(0..=0)),
            (vec![(matches.clone(), "\"07\"")], Some(NO_REVISION)),
            (vec![(matches.clone(), "W/\"7\"")], Some(NO_REVISION)),
            (vec![(matches.clone(), "\"0\"")], Some(NO_REVISION)),
            (vec![(matches.clone(), "7")], Some(NO_REVISION)),
            (vec![(matches.clone(), "\"9999999999\"")], Some(NO_REVISION)),
            (vec![(matches.clone(), "\"7\", \"8\"")], None),
            (vec![(matches.clone(), "\"7\""), (matches.clone(), "\"8\"")], None),
            (vec![(none.clone(), "\"7\"")], None),
            (vec![(matches, "\"7\""), (none, "*")], None),
        ] {
            assert_eq!(expected(&headers), range, "{headers:?}");
        }
    }
}
