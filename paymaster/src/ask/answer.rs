//! What a sponsor's server says, and what is no answer.

use ciro_egress::{PostError, Reply};
use serde::Deserialize;
use serde_json::Value;

/// Longest reason that is passed on, in characters; what is longer is cut there.
const REASON_CHARS_MAX: usize = 200;

/// What came of a question.
#[derive(Debug)]
pub enum Answer {
    /// The sponsor pays.
    Allowed,
    /// It does not, and perhaps says why.
    Denied(Option<String>),
    /// It was not to be learned.
    Failed(Failure),
}

/// Why it was not.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There was no answer, or not all of one.
    #[error(transparent)]
    Post(#[from] PostError),
    /// Only 200 is an answer.
    #[error("it answered with status {0}, not 200")]
    Status(u16),
    /// Neither yes nor no.
    #[error("it answered something else than a decision")]
    Unreadable,
}

impl Answer {
    /// In one word.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied(_) => "denied",
            Self::Failed(_) => "failed",
        }
    }
}

/// Members that are not known may become known later.
#[derive(Deserialize)]
struct Body {
    decision: Decision,
    /// Anything: a no that is explained badly is a no.
    #[serde(default)]
    reason: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Allow,
    Deny,
}

/// Reads it.
pub(super) fn read(reply: Reply) -> Answer {
    if reply.status != 200 {
        return Answer::Failed(Failure::Status(reply.status));
    }
    match reply.body {
        Ok(body) => read_body(&body),
        Err(error) => Answer::Failed(Failure::Post(error)),
    }
}

fn read_body(body: &[u8]) -> Answer {
    match serde_json::from_slice(body) {
        Ok(Body { decision: Decision::Allow, .. }) => Answer::Allowed,
        Ok(Body { decision: Decision::Deny, reason }) => {
            Answer::Denied(reason.as_str().map(plain).filter(|reason| !reason.is_empty()))
        }
        Err(_) => Answer::Failed(Failure::Unreadable),
    }
}

/// What is shown to people: one line, in the order in which it is written.
fn plain(reason: &str) -> String {
    let reordering = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = reason.chars().filter(|c| !c.is_control() && !reordering(*c));
    shown.take(REASON_CHARS_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(body: &str) -> String {
        match read_body(body.as_bytes()) {
            Answer::Allowed => "allow".to_owned(),
            Answer::Denied(reason) => format!("deny: {}", reason.unwrap_or_default()),
            Answer::Failed(failure) => failure.to_string(),
        }
    }

    #[test]
    fn only_a_clear_word_is_an_answer() {
        for (body, answer) in [
            (r#"{"decision":"allow"}"#, "allow"),
            (r#"{"decision":"allow","reason":7,"more":[{}]}"#, "allow"),
            (r#"{"decision":"deny"}"#, "deny: "),
            (r#"{"decision":"deny","reason":"enough for today"}"#, "deny: enough for today"),
            (r#"{"decision":"deny","reason":null}"#, "deny: "),
            (r#"{"decision":"deny","reason":["no"]}"#, "deny: "),
        ] {
            assert_eq!(said(body), answer, "{body}");
        }
        for body in [
            "",
            "allow",
            "true",
            r#""allow""#,
            "{}",
            "[]",
            r#"{"decision":true}"#,
            r#"{"decision":"Allow"}"#,
            r#"{"decision":"allow"} {}"#,
            r#"{"decision":"deny","decision":"allow"}"#,
            r#"{"decision":"allow""#,
            r#"{"reason":"allow"}"#,
        ] {
            assert_eq!(said(body), Failure::Unreadable.to_string(), "{body}");
        }
    }

    #[test]
    fn any_other_status_is_no_answer_whatever_it_says() {
        for status in [201, 204, 301, 302, 403, 500] {
            let body = Ok(br#"{"decision":"allow"}"#.to_vec());
            let answer = read(Reply { status, retry_after: None, body });
            assert!(matches!(answer, Answer::Failed(Failure::Status(found)) if found == status));
        }
        let body = Err(PostError::TooLong(ANSWER));
        let answer = read(Reply { status: 200, retry_after: None, body });
        assert!(matches!(answer, Answer::Failed(Failure::Post(PostError::TooLong(ANSWER)))));
    }

    const ANSWER: usize = super::super::ANSWER_BYTES_MAX;

    #[test]
    fn a_reason_is_one_short_line() {
        let body = r#"{"decision":"deny","reason":" over\u0000 \n\u001b[31mbudget\u202e "}"#;
        assert_eq!(said(body), "deny: over [31mbudget");
        let long = format!(r#"{{"decision":"deny","reason":"{}"}}"#, "é".repeat(300));
        assert_eq!(said(&long), format!("deny: {}", "é".repeat(REASON_CHARS_MAX)));
    }

    proptest! {
        #[test]
        fn wild_bytes_never_panic_and_never_allow(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(matches!(read_body(&body), Answer::Failed(_)));
        }

        #[test]
        fn any_reason_is_passed_on_short_and_without_control_characters(reason in any::<String>()) {
            let body = serde_json::json!({ "decision": "deny", "reason": reason }).to_string();
            let Answer::Denied(passed) = read_body(body.as_bytes()) else {
                return Err(TestCaseError::fail("a no is a no"));
            };
            let passed = passed.unwrap_or_default();
            prop_assert!(passed.chars().count() <= REASON_CHARS_MAX);
            prop_assert!(!passed.chars().any(char::is_control));
        }
    }
}
