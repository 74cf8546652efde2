//! The file of token keys: Ed25519 keys in PKCS#8 PEM, one behind the other. The first signs; all are known.
//!
//! A key is replaced in three steps, so that no token is ever signed by a key that a replica or a checker does not know:
//! [`add`] the next one, [`promote`] it when all know it, [`drop_old`] the old one when its last token is over.

use ciro_api::limits;
use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use rand::RngCore;

const END: &str = "-----END PRIVATE KEY-----";

/// The file does not hold what it should, or the step does not fit what it holds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyFileError {
    /// Not keys.
    #[error("it must hold Ed25519 keys in PKCS#8 PEM and nothing else")]
    Malformed,
    /// None or too many.
    #[error("it must hold 1 to {max} keys, not {0}", max = limits::TOKEN_KEYS_MAX)]
    Count(usize),
    /// The same key twice.
    #[error("it holds the same key twice")]
    Twice,
    /// Nothing to promote or drop.
    #[error("it holds only the key that signs; add the next one first")]
    Alone,
    /// The library refused it.
    #[error("a key cannot be written as PEM")]
    Unwritable,
}

/// The keys of a file, the signing one first.
pub(super) fn parse(text: &str) -> Result<Vec<SigningKey>, KeyFileError> {
    let mut keys: Vec<SigningKey> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(END).ok_or(KeyFileError::Malformed)? + END.len();
        let (block, behind) = rest.split_at(end);
        let key = SigningKey::from_pkcs8_pem(block).map_err(|_| KeyFileError::Malformed)?;
        if keys.iter().any(|known| known.verifying_key() == key.verifying_key()) {
            return Err(KeyFileError::Twice);
        }
        keys.push(key);
        rest = behind.trim();
    }
    if (1..=limits::TOKEN_KEYS_MAX).contains(&keys.len()) {
        return Ok(keys);
    }
    Err(KeyFileError::Count(keys.len()))
}

/// A file with one fresh key, for whoever sets up a network.
pub fn fresh() -> Result<String, KeyFileError> {
    render(&[generate()])
}

/// The file with a fresh key behind the others: known from now on, and not signing yet.
pub fn add(text: &str) -> Result<String, KeyFileError> {
    let mut keys = parse(text)?;
    if keys.len() == limits::TOKEN_KEYS_MAX {
        return Err(KeyFileError::Count(keys.len() + 1));
    }
    keys.push(generate());
    render(&keys)
}

/// The file with its last key in front: it signs from now on.
pub fn promote(text: &str) -> Result<String, KeyFileError> {
    let mut keys = parse(text)?;
    if keys.len() == 1 {
        return Err(KeyFileError::Alone);
    }
    keys.rotate_right(1);
    render(&keys)
}

/// The file with the signing key alone: what the others signed is worth nothing from now on.
pub fn drop_old(text: &str) -> Result<String, KeyFileError> {
    let mut keys = parse(text)?;
    if keys.len() == 1 {
        return Err(KeyFileError::Alone);
    }
    keys.truncate(1);
    render(&keys)
}

fn generate() -> SigningKey {
    let mut seed = [0_u8; 32];
    rand::rng().fill_bytes(&mut seed);
    SigningKey::from_bytes(&seed)
}

fn render(keys: &[SigningKey]) -> Result<String, KeyFileError> {
    let mut text = String::new();
    for key in keys {
        text += &key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyFileError::Unwritable)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> Vec<[u8; 32]> {
        parse(text).unwrap().iter().map(|key| key.verifying_key().to_bytes()).collect()
    }

    #[test]
    fn a_key_is_replaced_in_three_steps() {
        let old = fresh().unwrap();
        let both = add(&old).unwrap();
        assert_eq!(public(&both)[0], public(&old)[0], "the old one goes on signing");
        let promoted = promote(&both).unwrap();
        assert_eq!(public(&promoted), [public(&both)[1], public(&both)[0]]);
        let new = drop_old(&promoted).unwrap();
        assert_eq!(public(&new), [public(&both)[1]]);
    }

    #[test]
    fn a_step_that_does_not_fit_is_refused() {
        let one = fresh().unwrap();
        assert_eq!(promote(&one), Err(KeyFileError::Alone));
        assert_eq!(drop_old(&one), Err(KeyFileError::Alone));
        let mut full = one.clone();
        for _ in 1..limits::TOKEN_KEYS_MAX {
            full = add(&full).unwrap();
        }
        assert_eq!(add(&full), Err(KeyFileError::Count(limits::TOKEN_KEYS_MAX + 1)));
        assert_eq!(add(&format!("{one}{one}")), Err(KeyFileError::Twice));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let one = fresh().unwrap();
        for text in
            ["", "no key", &one[..one.len() / 2], &format!("{one}and more"), &one.replace('M', "N")]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
