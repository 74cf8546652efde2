//! The key that questions are signed with, in Standard Webhooks' asymmetric form: sponsors know its public half, which is worth
//! nothing to whoever steals it.

use base64::{Engine, engine::general_purpose::STANDARD};
use ciro_api::QuestionId;
use ed25519_dalek::{Signer, SigningKey, pkcs8::DecodePrivateKey};

/// The paymaster's key for questions to sponsors' servers. It signs nothing else.
#[derive(Clone, Debug)]
pub struct WebhookKey(SigningKey);

/// A text that is no such key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must hold one Ed25519 key in PKCS#8 PEM and nothing else (`openssl genpkey -algorithm ed25519` makes one)"
)]
pub struct KeyError;

impl WebhookKey {
    /// Reads PKCS#8 in PEM.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(text.trim()).map(Self).map_err(|_| KeyError)
    }

    /// The public half, as Standard Webhooks writes it.
    pub fn public_text(&self) -> String {
        format!("whpk_{}", STANDARD.encode(self.0.verifying_key().as_bytes()))
    }

    /// The header `webhook-signature`.
    pub(super) fn sign(&self, id: QuestionId, sent_s: i64, body: &[u8]) -> String {
        let text = [format!("{id}.{sent_s}.").as_bytes(), body].concat();
        format!("v1a,{}", STANDARD.encode(self.0.sign(&text).to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{
        Signature, Verifier, VerifyingKey,
        pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding},
    };
    use uuid::Uuid;

    use super::*;

    fn key() -> WebhookKey {
        WebhookKey(SigningKey::from_bytes(&[7; 32]))
    }

    /// As a sponsor would, from the published text and the header alone.
    fn is_good(public: &str, header: &str, text: &[u8]) -> bool {
        let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
        let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
        let signature = STANDARD.decode(header.strip_prefix("v1a,").unwrap()).unwrap();
        public.verify(text, &Signature::from_slice(&signature).unwrap()).is_ok()
    }

    #[test]
    fn id_time_and_body_are_signed() {
        let (key, id) = (key(), QuestionId(Uuid::from_u128(1)));
        let header = key.sign(id, 7, b"{}");
        let signed = |text: &str| is_good(&key.public_text(), &header, text.as_bytes());
        assert!(signed(&format!("{id}.7.{{}}")));
        let other = QuestionId(Uuid::from_u128(2));
        for text in [format!("{other}.7.{{}}"), format!("{id}.8.{{}}"), format!("{id}.7.{{ }}")] {
            assert!(!signed(&text), "{text}");
        }
    }

    #[test]
    fn a_key_is_read_from_its_file_and_nothing_else_is() {
        let pem = key().0.to_pkcs8_pem(LineEnding::LF).unwrap();
        assert_eq!(WebhookKey::from_pem(&pem).unwrap().public_text(), key().public_text());
        for text in ["", "whsec_AAAA", &pem[..pem.len() / 2], &pem.replace("PRIVATE", "PUBLIC")] {
            assert_eq!(WebhookKey::from_pem(text).err(), Some(KeyError), "{text}");
        }
        // It must not be read by accident from a log.
        assert!(!format!("{:?}", key()).contains("7, 7, 7"), "{:?}", key());
    }
}
