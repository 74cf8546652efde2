//! The two formats of every document, and which of them a caller reads (RFC 9110 §12.5.1). Reads and writes none itself.

use axum::http::{HeaderMap, header};

/// How a document travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// What everyone gets who does not ask otherwise.
    #[default]
    Json,
    /// RFC 8949: for devices that count bytes.
    Cbor,
}

impl Format {
    /// The media type of documents.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Cbor => "application/cbor",
        }
    }

    /// The media type of problems: RFC 9457, RFC 9290.
    pub(crate) const fn problem_type(self) -> &'static str {
        match self {
            Self::Json => "application/problem+json",
            Self::Cbor => "application/concise-problem-details+cbor",
        }
    }

    /// The format of a body of this media type.
    pub(crate) fn of_media_type(essence: &str) -> Option<Self> {
        [Self::Json, Self::Cbor]
            .into_iter()
            .find(|format| essence.eq_ignore_ascii_case(format.media_type()))
    }

    /// The format of documents that the caller likes best; nothing when it reads neither.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let json = quality(headers, Self::Json.media_type());
        let cbor = quality(headers, Self::Cbor.media_type());
        match (json, cbor) {
            (0, 0) => None,
            _ if cbor > json => Some(Self::Cbor),
            _ => Some(Self::Json),
        }
    }

    /// The format of problems for this caller. A refusal is told even to one who reads neither.
    pub(crate) fn for_problems(headers: &HeaderMap) -> Self {
        let of = |format: Self| {
            quality(headers, format.media_type()).max(quality(headers, format.problem_type()))
        };
        if of(Self::Cbor) > of(Self::Json) { Self::Cbor } else { Self::Json }
    }
}

/// How much the caller likes a media type, in thousandths. Among ranges that match, the most exact one speaks.
pub(crate) fn quality(headers: &HeaderMap, media_type: &str) -> u16 {
    let values: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if values.is_empty() {
        return 1_000;
    }
    let ranges = values.iter().flat_map(|text| text.split(','));
    ranges.filter_map(|range| matching(range, media_type)).max().map_or(0, |(_, quality)| quality)
}

/// How exactly a range names the media type, and with which quality.
fn matching(range: &str, media_type: &str) -> Option<(u8, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?;
    let kind = media_type.split('/').next()?;
    let exact = if name.eq_ignore_ascii_case(media_type) {
        2
    } else if name.strip_suffix("/*").is_some_and(|of| of.eq_ignore_ascii_case(kind)) {
        1
    } else if name == "*/*" {
        0
    } else {
        return None;
    };
    let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    Some((exact, weight.map_or(1_000, thousandths)))
}

/// `0.5` as 500. What is no weight counts as none: a caller that we misread is better told than guessed at.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = format!("{fraction:0<3}");
    let plain = digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit());
    match (whole, digits.parse::<u16>()) {
        ("0", Ok(value)) if plain => value,
        ("1", Ok(0)) if plain => 1_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn json_is_for_everyone_who_does_not_like_cbor_better() {
        for (accept, format) in [
            (&[][..], Some(Format::Json)),
            (&["*/*"], Some(Format::Json)),
            (&["application/*"], Some(Format::Json)),
            (&["application/cbor, application/json"], Some(Format::Json)),
            (&["application/cbor"], Some(Format::Cbor)),
            (&["Application/CBOR"], Some(Format::Cbor)),
            (&["application/json;q=0.5", "application/cbor;q=0.501"], Some(Format::Cbor)),
            (&["application/cbor;q=0.3, */*;q=0.2"], Some(Format::Cbor)),
            (&["*/*, application/json;q=0"], Some(Format::Cbor)),
            (&["application/cbor;q=0, application/*;q=0.1"], Some(Format::Json)),
            (&["text/html"], None),
            (&["text/html, application/cbor;q=0"], None),
            (&["application/json;q=2"], None),
            (&["application/json;q=0.1234"], None),
        ] {
            assert_eq!(Format::accepted(&accepting(accept)), format, "{accept:?}");
        }
    }

    #[test]
    fn problems_go_to_everyone_in_the_format_that_is_nearer() {
        let of = |accept: &str| Format::for_problems(&accepting(&[accept]));
        assert_eq!(of("application/concise-problem-details+cbor"), Format::Cbor);
        assert_eq!(of("application/cbor"), Format::Cbor);
        assert_eq!(of("application/problem+json, application/cbor"), Format::Json);
        assert_eq!(of("text/html"), Format::Json);
    }
}
