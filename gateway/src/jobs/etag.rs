//! The strong entity tag of a job: the hash of the very bytes that are sent. Says nothing about what changed.

use axum::http::{HeaderMap, header};
use ciro_api::rest::jobs::Job;
use sha2::{Digest, Sha256};

use crate::{media::Format, problem::ApiError, reply};

/// A job as it is sent, and its tag.
pub(super) struct Tagged {
    pub(super) body: Vec<u8>,
    /// With its quotes.
    pub(super) tag: String,
}

impl Tagged {
    pub(super) fn of(job: &Job, format: Format) -> Result<Self, ApiError> {
        let body = reply::write(job, format)?;
        // Half of the hash: 128 bits are never met by accident, and nobody gains by a collision of its own jobs.
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
        Ok(Self { body, tag })
    }
}

/// What the caller has already: the tags of `If-None-Match` (RFC 9110).
pub(super) struct Known {
    tags: Vec<String>,
}

impl Known {
    /// Nothing when the caller has nothing.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::IF_NONE_MATCH).iter();
        // Our tags hold no comma and are ASCII, so whatever is split or left out here would match none of them.
        let tags: Vec<String> = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/").to_owned())
            .collect();
        (!tags.is_empty()).then_some(Self { tags })
    }

    /// Whether the caller has this one.
    pub(super) fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| known == tag || known == "*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(values: &[&str]) -> Option<Known> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_NONE_MATCH, value.parse().unwrap());
        }
        Known::read(&headers)
    }

    #[test]
    fn tags_are_found_in_lists_weak_or_strong_and_behind_a_star() {
        assert!(known(&[]).is_none());
        let list = known(&["\"a\", W/\"b\"", "\"c\""]).unwrap();
        assert!(["\"a\"", "\"b\"", "\"c\""].iter().all(|tag| list.has(tag)));
        assert!(!list.has("\"d\"") && !list.has("a"));
        assert!(known(&["*"]).unwrap().has("\"anything\""));
    }
}
