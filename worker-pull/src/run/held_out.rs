//! Whether the committed model is as good as its card says, on sentences that it was not trained on.

use std::collections::HashSet;

use super::{
    hashed_ngrams,
    tests::{sentiment, tools},
};

const CARD: &str = include_str!("../../models/sentiment/MODEL_CARD.md");
const CORPORA: [&str; 4] =
    ["movieReviewSnippets", "amazonReviewSnippets", "tweets", "nytEditorialSnippets"];
/// Another processor may round a borderline sentence to its other side.
const TOLERANCE: f64 = 0.002;

/// The class by people's mean rating, with the card's thresholds.
fn class(rating: f64) -> &'static str {
    if rating <= -0.5 {
        "negative"
    } else if rating < 0.5 {
        "neutral"
    } else {
        "positive"
    }
}

/// The test split: distinct token sequences only, so that no sentence stands on both sides.
fn held_out() -> Vec<(String, &'static str)> {
    let mut seen = HashSet::new();
    let mut chosen = Vec::new();
    for corpus in CORPORA {
        let path = tools().corpora_dir.join(format!("{corpus}_GroundTruth.txt"));
        let text = std::fs::read_to_string(&path).expect("run `make tools` first");
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            let fields: Vec<&str> = line.split('\t').collect();
            let (key, digit) = hashed_ngrams::split(fields[2]);
            if seen.insert(key) && digit == 0 {
                chosen.push((fields[2].to_owned(), class(fields[1].parse().unwrap())));
            }
        }
    }
    chosen
}

#[test]
fn the_model_is_as_accurate_on_held_out_sentences_as_its_card_says() {
    let (_, rest) = CARD.split_once("heldout_accuracy=").unwrap();
    let stated: f64 = rest.split_once(' ').unwrap().0.parse().unwrap();
    let sentences = held_out();
    assert_eq!(sentences.len(), 2_378, "the split differs from the one that the card is about");
    let mut program = sentiment();
    let right = |(text, expected): &&(String, &str)| {
        let output = program.run(&[text.as_bytes()]).pop().unwrap().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output).unwrap();
        document["label"] == *expected
    };
    let agreed = u32::try_from(sentences.iter().filter(right).count()).unwrap();
    let found = f64::from(agreed) / 2_378.0;
    assert!(
        (found - stated).abs() < TOLERANCE,
        "held-out accuracy is {found}, the card says {stated}"
    );
}
