//! `hashed-ngrams-v1`: text to bucket ids, as `models/sentiment/PREPROCESSING.md` defines it.
//!
//! Uses no Unicode tables: the Python twin must give the same ids for every text.

use std::collections::HashSet;

/// Bucket 0 is padding.
const BUCKETS: u64 = 1 << 18;
const FEATURES_MAX: usize = 2_048;
const TOKEN_CHARS_MAX: usize = 32;
const SAME_CHARS_MAX: usize = 3;
const GRAM_CHARS: std::ops::RangeInclusive<usize> = 3..=5;
const BEFORE_FIRST: &str = "^";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Punctuation,
    Symbol,
}

struct Token {
    class: Class,
    text: String,
}

/// The distinct buckets of a text, in the order of their first appearance.
pub(super) fn features(text: &str) -> Vec<u64> {
    let mut buckets = Buckets { seen: HashSet::new(), ids: Vec::new() };
    let (mut before_last, mut last) = (BEFORE_FIRST, BEFORE_FIRST);
    for token in &tokens(text) {
        let text = token.text.as_str();
        buckets.add(&["1", text]);
        buckets.add(&["2", last, " ", text]);
        buckets.add(&["s", before_last, " ", text]);
        if token.class == Class::Word {
            buckets.add_grams(text);
        }
        if buckets.is_full() {
            break;
        }
        (before_last, last) = (last, text);
    }
    buckets.ids
}

struct Buckets {
    seen: HashSet<u64>,
    ids: Vec<u64>,
}

impl Buckets {
    fn is_full(&self) -> bool {
        self.ids.len() >= FEATURES_MAX
    }

    /// Adds the bucket of the key that is these parts in a row.
    fn add(&mut self, key: &[&str]) {
        let id = 1 + fnv1a64(key.iter().flat_map(|part| part.bytes())) % (BUCKETS - 1);
        if !self.is_full() && self.seen.insert(id) {
            self.ids.push(id);
        }
    }

    fn add_grams(&mut self, word: &str) {
        let padded = format!("<{word}>");
        let ends: Vec<usize> =
            padded.char_indices().map(|(at, _)| at).chain([padded.len()]).collect();
        for chars in GRAM_CHARS {
            for window in ends.windows(chars + 1) {
                self.add(&["c", &padded[window[0]..window[chars]]]);
            }
        }
    }
}

/// What tells sentences apart in training, and the split that a sentence falls into: 0 is the test set.
#[cfg(test)]
pub(super) fn split(text: &str) -> (String, u64) {
    let key = tokens(text).iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    let digit = fnv1a64(key.bytes()) % 10;
    (key, digit)
}

fn fnv1a64(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn map(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' => '\'',
        other => other.to_ascii_lowercase(),
    }
}

fn class(c: char) -> Class {
    match c {
        '\0'..=' '
        | '\u{7f}'..='\u{a0}'
        | '\u{2000}'..='\u{200f}'
        | '\u{2028}'..='\u{202f}'
        | '\u{205f}'
        | '\u{3000}'
        | '\u{fe0f}'
        | '\u{feff}' => Class::Space,
        '\''
        | '0'..='9'
        | 'a'..='z'
        | '\u{c0}'..='\u{1fff}'
        | '\u{2c00}'..='\u{2dff}'
        | '\u{3040}'..='\u{d7ff}' => Class::Word,
        '!'..='~' => Class::Punctuation,
        _ => Class::Symbol,
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut run: Vec<char> = Vec::new();
    let mut run_class = Class::Space;
    for c in text.chars().map(map) {
        let class = class(c);
        if class != run_class || class == Class::Symbol || run.len() == TOKEN_CHARS_MAX {
            flush(&mut run, run_class, &mut tokens);
            run_class = class;
        }
        let repeated =
            run.len() >= SAME_CHARS_MAX && run.iter().rev().take(SAME_CHARS_MAX).all(|&r| r == c);
        if class != Class::Space && !repeated {
            run.push(c);
        }
    }
    flush(&mut run, run_class, &mut tokens);
    tokens
}

fn flush(run: &mut Vec<char>, class: Class, tokens: &mut Vec<Token>) {
    let whole: String = run.drain(..).collect();
    let text = if class == Class::Word { whole.trim_matches('\'') } else { whole.as_str() };
    if !text.is_empty() {
        tokens.push(Token { class, text: text.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vector {
        text: String,
        #[serde(default = "one")]
        repeat: usize,
        count: usize,
        fnv1a64: String,
        ids: Option<Vec<u64>>,
        first_ids: Option<Vec<u64>>,
    }

    fn one() -> usize {
        1
    }

    #[test]
    fn every_vector_of_the_model_gives_the_same_buckets() {
        let text = include_str!("../../models/sentiment/vectors.json");
        let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
        assert!(vectors.len() > 20);
        for vector in vectors {
            let found = features(&vector.text.repeat(vector.repeat));
            assert_eq!(found.len(), vector.count, "{:?}", vector.text);
            let joined = found.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
            assert_eq!(format!("{:016x}", fnv1a64(joined.bytes())), vector.fnv1a64);
            let start = vector.ids.or(vector.first_ids).unwrap();
            assert_eq!(found[..start.len()], start, "{:?}", vector.text);
        }
    }

    proptest! {
        #[test]
        fn buckets_are_distinct_in_range_and_bounded(text in ".{0,3000}") {
            let found = features(&text);
            let distinct: HashSet<&u64> = found.iter().collect();
            prop_assert_eq!(distinct.len(), found.len());
            prop_assert!(found.len() <= FEATURES_MAX);
            prop_assert!(found.iter().all(|id| (1..BUCKETS).contains(id)));
        }

        #[test]
        fn ascii_case_makes_no_difference(text in "[ -~]{0,200}") {
            prop_assert_eq!(features(&text), features(&text.to_ascii_uppercase()));
        }
    }
}
