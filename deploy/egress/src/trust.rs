//! Whose word counts for who a receiver is: the machine's authorities, and those that the operator adds.

use std::path::{Path, PathBuf};

use reqwest_tls::Certificate;

/// The operator's own authorities cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("cannot read {0}, named by CIRO_WEBHOOK_CA_FILE")]
    Read(PathBuf, #[source] std::io::Error),
    /// It is no PEM.
    #[error("{0} holds something other than certificates in PEM")]
    Pem(PathBuf, #[source] reqwest_tls::Error),
    /// It has nothing in it.
    #[error(
        "{0} holds no certificate; leave CIRO_WEBHOOK_CA_FILE out to trust the machine's authorities alone"
    )]
    Empty(PathBuf),
}

/// Authorities whose word counts beside that of the machine's own; none, unless an operator adds some.
#[derive(Clone, Debug, Default)]
pub struct Authorities(pub(crate) Vec<Certificate>);

impl Authorities {
    /// The certificates of a PEM file, of which there is at least one.
    pub fn read(path: &Path) -> Result<Self, TrustError> {
        let pem = std::fs::read(path).map_err(|e| TrustError::Read(path.to_owned(), e))?;
        parse(path, &pem).map(Self)
    }
}

fn parse(path: &Path, pem: &[u8]) -> Result<Vec<Certificate>, TrustError> {
    let found =
        Certificate::from_pem_bundle(pem).map_err(|e| TrustError::Pem(path.to_owned(), e))?;
    if found.is_empty() {
        return Err(TrustError::Empty(path.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused_by_its_name() {
        let path = Path::new("authorities.pem");
        let missing = Authorities::read(Path::new("/nowhere/authorities.pem")).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/authorities.pem"), "{missing}");
        for empty in ["", "certificates go here"] {
            let error = parse(path, empty.as_bytes()).unwrap_err();
            assert!(matches!(error, TrustError::Empty(_)), "{error}");
        }
        let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        let error = parse(path, broken.as_bytes()).unwrap_err();
        assert!(matches!(error, TrustError::Pem(..)), "{error}");
    }
}
