//! Where a call may go: what can be said of an address before its name is looked up.

use std::net::IpAddr;

use ciro_api::limits;
use url::{Host, Url};

use crate::address::is_public;

/// The ports of HTTPS; others are other services, which must not hear from us.
const PORTS: [u16; 2] = [443, 8443];

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Longer than browsers and proxies take.
    #[error("at most {} bytes", limits::WEBHOOK_URL_BYTES_MAX)]
    TooLong,
    /// No URL, or one that names no host.
    #[error("not an absolute URL")]
    NotAUrl,
    /// Nobody could tell who answers.
    #[error("must be https")]
    Scheme,
    /// Credentials in a URL end in logs.
    #[error("must not name a user or a password")]
    User,
    /// It would not be sent.
    #[error("must not have a fragment")]
    Fragment,
    /// Another service's.
    #[error("must be port 443 or 8443")]
    Port,
    /// No host of the public internet.
    #[error("must not be a private or special address")]
    Private,
}

/// The URL, if it may be called. With `allow_private`, plain HTTP, any port and any address may be.
pub fn check(text: &str, allow_private: bool) -> Result<Url, Unusable> {
    if text.len() > limits::WEBHOOK_URL_BYTES_MAX {
        return Err(Unusable::TooLong);
    }
    let url = Url::parse(text).map_err(|_| Unusable::NotAUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err(Unusable::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Unusable::User);
    }
    if url.fragment().is_some() {
        return Err(Unusable::Fragment);
    }
    let host = url.host().ok_or(Unusable::NotAUrl)?;
    if allow_private {
        return Ok(url);
    }
    // A name is judged by what it resolves to, at each call; this is the one place where a bare address is judged.
    let literal = match host {
        Host::Ipv4(v4) => Some(IpAddr::V4(v4)),
        Host::Ipv6(v6) => Some(IpAddr::V6(v6)),
        Host::Domain(_) => None,
    };
    if literal.is_some_and(|address| !is_public(address)) {
        return Err(Unusable::Private);
    }
    match url.port_or_known_default() {
        Some(port) if PORTS.contains(&port) => Ok(url),
        _ => Err(Unusable::Port),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_goes_to_the_public_internet_by_https_may_be_called() {
        for good in [
            "https://game.example/hooks?id=7",
            "https://game.example:8443/",
            "https://8.8.8.8/x",
            "https://[2606:4700:4700::1111]/",
        ] {
            assert!(check(good, false).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_does_not_may_not() {
        let long = format!("https://game.example/{}", "a".repeat(limits::WEBHOOK_URL_BYTES_MAX));
        for (bad, why) in [
            (long.as_str(), Unusable::TooLong),
            ("", Unusable::NotAUrl),
            ("/hooks", Unusable::NotAUrl),
            ("https://", Unusable::NotAUrl),
            ("http://game.example/", Unusable::Scheme),
            ("ftp://game.example/", Unusable::Scheme),
            ("file:///etc/passwd", Unusable::Scheme),
            ("https://me@game.example/", Unusable::User),
            ("https://:secret@game.example/", Unusable::User),
            ("https://game.example/#part", Unusable::Fragment),
            ("https://game.example:22/", Unusable::Port),
            ("https://game.example:6379/", Unusable::Port),
            ("https://127.0.0.1/", Unusable::Private),
            // The same address, as the parser reads other spellings of it.
            ("https://2130706433/", Unusable::Private),
            ("https://0x7f.1/", Unusable::Private),
            ("https://0177.0.0.1/", Unusable::Private),
            ("https://169.254.169.254/latest/meta-data", Unusable::Private),
            ("https://[::1]/", Unusable::Private),
            ("https://[::ffff:10.0.0.1]/", Unusable::Private),
        ] {
            assert_eq!(check(bad, false), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_development_gateway_may_call_its_own_machine_and_still_no_user() {
        assert!(check("http://127.0.0.1:3000/hooks", true).is_ok());
        assert_eq!(check("http://me@127.0.0.1:3000/hooks", true), Err(Unusable::User));
        assert_eq!(check("ftp://127.0.0.1/", true), Err(Unusable::Scheme));
    }

    proptest! {
        #[test]
        fn wild_text_never_panics(text in ".{0,200}") {
            let _checked = check(&text, false);
        }

        #[test]
        fn no_spelling_of_a_private_address_is_let_through(last: u8) {
            let bits = u32::from_be_bytes([10, 0, 0, last]);
            for host in [format!("{bits}"), format!("{bits:#x}"), format!("012.0.0.{last:#o}")] {
                let text = format!("https://{}/", host.replace("0o", "0"));
                prop_assert_eq!(check(&text, false), Err(Unusable::Private), "{}", text);
            }
        }
    }
}
