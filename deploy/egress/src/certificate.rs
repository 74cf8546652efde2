//! Why a receiver's certificate was not believed, in words for whoever named it.

use std::{error::Error, io};

use rustls::CertificateError as Cause;

/// What is wrong with a receiver's certificate. Our own words: what stands in it is the receiver's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// Nobody whom we trust vouches for it.
    #[error("by an authority that we do not trust")]
    UnknownAuthority,
    /// It is somebody else's.
    #[error("for another name")]
    OtherName,
    /// By our clock.
    #[error("over, or not good yet")]
    OutOfTime,
    /// Anything else, also a signature that is not its authority's.
    #[error("not good")]
    Other,
}

impl BadCertificate {
    /// The fault among what led to `error`, if that is what did.
    pub(super) fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        let causes = std::iter::successors(Some(error), |&error| error.source());
        causes.filter_map(tls_error).find_map(|error| match error {
            rustls::Error::InvalidCertificate(cause) => Some(Self::of(cause)),
            _ => None,
        })
    }

    fn of(cause: &Cause) -> Self {
        match cause {
            Cause::UnknownIssuer => Self::UnknownAuthority,
            Cause::NotValidForName | Cause::NotValidForNameContext { .. } => Self::OtherName,
            Cause::Expired
            | Cause::ExpiredContext { .. }
            | Cause::NotValidYet
            | Cause::NotValidYetContext { .. } => Self::OutOfTime,
            _ => Self::Other,
        }
    }
}

/// The client wraps it in I/O errors, one in another, of which each says that its cause is the next but one.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(wrapping) => tls_error(wrapping.get_ref()?),
        None => error.downcast_ref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_certificate_is_found_however_deep_and_no_other_fault_is_one() {
        let nested = |error: rustls::Error| io::Error::other(io::Error::other(error));
        let unknown = nested(rustls::Error::InvalidCertificate(Cause::UnknownIssuer));
        assert_eq!(BadCertificate::behind(&unknown), Some(BadCertificate::UnknownAuthority));
        let other = nested(rustls::Error::HandshakeNotComplete);
        assert_eq!(BadCertificate::behind(&other), None);
        assert_eq!(BadCertificate::behind(&io::Error::from(io::ErrorKind::TimedOut)), None);
    }
}
