//! Probabilities to the exact bytes that are attested.

/// The order of the model's outputs.
const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

/// The output document. Every number has four decimals, so that equal probabilities are equal bytes.
pub(super) fn document(probabilities: [f32; 3]) -> Vec<u8> {
    let best = (1..LABELS.len()).fold(0, |best, index| {
        // Ties go to the earlier label.
        if probabilities[index] > probabilities[best] { index } else { best }
    });
    let [negative, neutral, positive] = probabilities;
    let text = format!(
        r#"{{"label":"{}","confidence":{:.4},"probabilities":{{"negative":{negative:.4},"neutral":{neutral:.4},"positive":{positive:.4}}}}}"#,
        LABELS[best], probabilities[best],
    );
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_exact() {
        let expected = r#"{"label":"positive","confidence":0.9312,"probabilities":{"negative":0.0312,"neutral":0.0376,"positive":0.9312}}"#;
        assert_eq!(document([0.0312, 0.0376, 0.9312]), expected.as_bytes());
    }

    #[test]
    fn trailing_zeros_stay_and_ties_go_to_the_earlier_label() {
        let text = String::from_utf8(document([0.5, 0.5, 0.0])).unwrap();
        assert!(text.starts_with(r#"{"label":"negative","confidence":0.5000,"#), "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}
