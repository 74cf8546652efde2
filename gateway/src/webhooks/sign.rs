//! Signs what is sent, as Standard Webhooks has it: HMAC-SHA-256 over id, time and body, once for each live secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use ciro_api::{EventId, SponsorId, WebhookSecretId};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{app::App, auth::secret::Secret, database, problem::ApiError};

/// A secret as its owner is shown it, once.
pub(super) fn text(secret: &[u8; 32]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// What is stored of a secret. Plain SHA-256: it has 256 bits that cannot be guessed.
pub(super) fn hash(secret: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// The sponsor's live secrets, oldest first.
pub(super) async fn secrets(app: &App, sponsor: SponsorId) -> Result<Vec<[u8; 32]>, ApiError> {
    let client = app.pg.get().await?;
    let rows = database::query(&client, include_str!("secrets/live.sql"), &[&sponsor.0]).await?;
    let mut secrets = Vec::with_capacity(rows.len());
    for row in rows {
        let id = WebhookSecretId(row.try_get::<_, Uuid>("secret_id")?);
        let stored: Vec<u8> = row.try_get("secret_sha256")?;
        if let Some(secret) = made_with(&app.secret, id, &stored) {
            secrets.push(secret);
        } else {
            tracing::error!(secret = %id, "the gateway's secret is not the one that this webhook secret was made with");
        }
    }
    Ok(secrets)
}

/// The secret, if ours still makes what its owner was shown.
fn made_with(ours: &Secret, id: WebhookSecretId, stored: &[u8]) -> Option<[u8; 32]> {
    let secret = ours.webhook_secret(id);
    bool::from(stored.ct_eq(&hash(&secret))).then_some(secret)
}

/// The header `webhook-signature`.
pub(super) fn header(secrets: &[[u8; 32]], id: EventId, sent_s: i64, body: &[u8]) -> String {
    let one = |secret: &[u8; 32]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
        mac.update(format!("{id}.{sent_s}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    secrets.iter().filter_map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_signs_and_everything_is_signed() {
        let id = EventId(Uuid::from_u128(1));
        let (old, new) = ([1_u8; 32], [2_u8; 32]);
        let both = header(&[old, new], id, 7, b"{}");
        let parts: Vec<&str> = both.split(' ').collect();
        assert_eq!(parts, [header(&[old], id, 7, b"{}"), header(&[new], id, 7, b"{}")]);
        for other in [
            header(&[old], EventId(Uuid::from_u128(2)), 7, b"{}"),
            header(&[old], id, 8, b"{}"),
            header(&[old], id, 7, b"{ }"),
        ] {
            assert_ne!(other, parts[0]);
        }
    }
}
