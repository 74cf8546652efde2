//! Opens a session: signs the gateway's challenge, if it is about our own network.

use std::time::{Duration, Instant};

use ciro_api::{
    hash::worker_login::WorkerLogin,
    rest::workers::{Challenge, ChallengeRequest, SessionRequest},
};

use crate::{
    gateway::{CallError, Gateway},
    sign::{Identity, Signer},
};

/// A gateway of another network. Its challenge is not signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway is of another network: {0}")]
pub(crate) struct OtherNetwork(String);

/// What to sign for a challenge.
fn answer(challenge: &Challenge, ours: &Identity) -> Result<WorkerLogin, OtherNetwork> {
    if (challenge.chain_id, challenge.contract) != (ours.chain_id, ours.contract) {
        return Err(OtherNetwork(format!(
            "it names chain {} and contract {}, this worker is configured for {} and {}",
            challenge.chain_id, challenge.contract, ours.chain_id, ours.contract,
        )));
    }
    let Identity { contract, worker, .. } = *ours;
    Ok(WorkerLogin { worker, challenge: challenge.challenge, contract })
}

/// A bearer token and how long it is good, by our own clock from when it was asked for.
#[derive(Clone)]
pub(crate) struct Session {
    token: String,
    opened: Instant,
    life: Duration,
}

impl Session {
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn is_valid(&self, now: Instant) -> bool {
        now.duration_since(self.opened) < self.life
    }

    /// Past two thirds of its life a session is renewed, so that a slow login hits no call.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now.duration_since(self.opened) < self.life.mul_f64(2.0 / 3.0)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("life", &self.life).finish_non_exhaustive()
    }
}

pub(crate) async fn login(gateway: &Gateway, signer: &Signer) -> Result<Session, CallError> {
    let ours = signer.identity();
    let worker = ours.worker;
    let challenge = gateway.challenge(&ChallengeRequest { worker }).await?;
    let typed = answer(&challenge, &ours)?;
    let signature = signer.sign(&typed).map_err(|error| CallError::BadReply(error.to_string()))?;
    let opened = Instant::now();
    let asked = SessionRequest { worker, challenge: challenge.challenge, signature };
    let token = gateway.session(&asked).await?;
    tracing::debug!(expires_in_s = token.expires_in, "session opened");
    let life = Duration::from_secs(token.expires_in);
    Ok(Session { token: token.access_token, opened, life })
}

#[cfg(test)]
mod tests {
    use ciro_api::{Address, ChainId, Felt, felt::Digest};

    use super::*;

    fn challenge(of: &Identity) -> Challenge {
        let Identity { chain_id, contract, .. } = *of;
        Challenge { challenge: Digest(Felt::from(77_u8)), chain_id, contract, expires_in_s: 60 }
    }

    #[test]
    fn a_challenge_of_another_chain_or_contract_is_not_signed() {
        let ours = Signer::of_test().identity();
        assert!(answer(&challenge(&ours), &ours).is_ok());
        let other_chain = Identity { chain_id: ChainId(Felt::ONE), ..ours };
        assert!(answer(&challenge(&other_chain), &ours).is_err());
        let other_contract = Identity { contract: Address(Felt::ONE), ..ours };
        let error = answer(&challenge(&other_contract), &ours).unwrap_err().to_string();
        assert!(error.contains("0x1") && error.contains("0xc0"), "{error}");
    }

    #[test]
    fn a_session_is_renewed_while_it_is_still_good() {
        let opened = Instant::now();
        let session = Session { token: "secret".into(), opened, life: Duration::from_mins(15) };
        assert!(session.is_fresh(opened + Duration::from_secs(599)));
        let late = opened + Duration::from_secs(601);
        assert!(!session.is_fresh(late) && session.is_valid(late));
        assert!(!session.is_valid(opened + Duration::from_mins(15)));
        assert!(!format!("{session:?}").contains("secret"));
    }
}
