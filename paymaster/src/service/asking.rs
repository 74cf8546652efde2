//! Who asks, as far as the headers of a request say.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};

use crate::{
    admission::Kind,
    requests::{Caller, Desk, ShownToken},
    snip29::Fault,
};

/// Where a sponsorship key comes: as SNIP-29's clients send it, and as older ones do.
pub(super) const KEY_HEADERS: [&str; 2] = ["x-paymaster-api-key", "api-key"];
/// Where a device's token comes. Not as a bearer token: some clients send a key so.
pub(super) const DEVICE_HEADER: &str = "x-ciro-device-token";

/// What the headers say. Whether any of it is good is not known yet.
pub(super) struct Asking {
    pub(super) caller: Caller,
    token: ShownToken,
}

impl Asking {
    /// Reads the headers of a request from `peer`, which may be our own proxy: then `proxys` is where it says who it brings.
    pub(super) fn read(headers: &HeaderMap, peer: IpAddr, proxys: Option<&HeaderName>) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = || text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let key = KEY_HEADERS.iter().find_map(|name| text(name)).or_else(bearer);
        let caller = Caller {
            key: key.map(str::to_owned),
            device: None,
            from: Some(client_address(headers, proxys).unwrap_or(peer)),
            origin: text("origin").map(str::to_owned),
            trace: ciro_telemetry::trace_here(headers),
        };
        Self { caller, token: device_token(headers) }
    }

    /// The caller with the device that its token speaks for, if it shows one.
    pub(super) async fn known(&self, desk: &Desk, kind: Kind) -> Result<Caller, Fault> {
        let device = desk.identify(&self.token, kind).await?;
        Ok(Caller { device, ..self.caller.clone() })
    }
}

/// What our own proxy has added: the last address in its header. Those before it came from outside, so anybody may have written
/// them.
fn client_address(headers: &HeaderMap, header: Option<&HeaderName>) -> Option<IpAddr> {
    let last = headers.get_all(header?).iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

fn device_token(headers: &HeaderMap) -> ShownToken {
    let mut shown = headers.get_all(DEVICE_HEADER).iter();
    match (shown.next(), shown.next()) {
        (None, _) => ShownToken::None,
        (Some(only), None) => match only.to_str() {
            Ok(text) => ShownToken::Token(text.to_owned()),
            Err(_) => ShownToken::Unreadable,
        },
        (Some(_), Some(_)) => ShownToken::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn asking(tokens: &[&[u8]]) -> Asking {
        let mut headers = HeaderMap::new();
        for token in tokens {
            headers.append(DEVICE_HEADER, HeaderValue::from_bytes(token).unwrap());
        }
        Asking::read(&headers, PEER, None)
    }

    #[test]
    fn one_token_is_shown_and_of_two_none_is_chosen() {
        assert_eq!(asking(&[]).token, ShownToken::None);
        assert_eq!(asking(&[b"a.b.c"]).token, ShownToken::Token("a.b.c".to_owned()));
        assert_eq!(asking(&[b""]).token, ShownToken::Token(String::new()), "empty is not absent");
        assert_eq!(asking(&[b"a.b.c", b"a.b.c"]).token, ShownToken::Unreadable);
        assert_eq!(asking(&[b"\xff.b.c"]).token, ShownToken::Unreadable);
    }

    proptest! {
        #[test]
        fn a_token_that_is_there_is_never_taken_for_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                for name in [DEVICE_HEADER, KEY_HEADERS[0], "authorization", "origin", "forwarded"] {
                    headers.insert(HeaderName::from_static(name), value.clone());
                }
                let asking = Asking::read(&headers, PEER, Some(&HeaderName::from_static("forwarded")));
                prop_assert_ne!(asking.token, ShownToken::None);
            }
        }
    }
}
