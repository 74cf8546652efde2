//! The account of a fleet as its owner and everyone see it, and its devices ([`Device`]). Builds calls; sends none.

mod policy;
mod signer;

use ciro_api::{
    Address, ChainId, Felt, Fri, ModelId, PublicKey,
    felt::Digest,
    hash::{
        fleet::{DeviceNonce, FleetOwnerKey, Place},
        outside_execution::OutsideExecution,
        sign::{self, SignError},
        snip12::TypedStruct,
    },
};
use starknet_rust::core::types::Call;

use crate::{
    chain::{Chain, ChainError},
    felts::{Felts, FeltsError, selector},
    private_key::PrivateKey,
};

pub use policy::{ModelsAllowed, SessionPolicy};
pub use signer::{Device, DeviceSecret};

/// An account whose devices post jobs within its owner's policy. The calls are the owner's, made by the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetAccount {
    /// Where it is.
    pub address: Address,
}

/// The root before the last rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousRoot {
    /// The root.
    pub root: Digest,
    /// Until when it counts, in seconds since 1970.
    pub until: u64,
}

impl FleetAccount {
    fn call(self, function: &str, calldata: Vec<Felt>) -> Call {
        Call { to: self.address.0, selector: selector(function), calldata }
    }

    /// Puts `root` in the place of the present one, which counts until `previous_until`, in seconds since 1970 and ahead by
    /// 30 days at most; nothing ends it at once.
    pub fn rotate(self, root: Digest, previous_until: Option<u64>) -> Call {
        self.call("rotate", vec![root.0, Felt::from(previous_until.unwrap_or(0))])
    }

    /// Shuts out the device with this leaf at once.
    pub fn revoke(self, device: Digest) -> Call {
        self.call("revoke", vec![device.0])
    }

    /// Lets in a device that was shut out.
    pub fn unrevoke(self, device: Digest) -> Call {
        self.call("unrevoke", vec![device.0])
    }

    /// Sets what devices may do. The list of models stays as it is.
    pub fn set_policy(self, policy: &SessionPolicy) -> Call {
        self.call("set_policy", policy.felts())
    }

    /// Lets devices ask this model.
    pub fn allow_model(self, model: ModelId) -> Call {
        self.call("allow_model", vec![model.0])
    }

    /// Takes that back.
    pub fn disallow_model(self, model: ModelId) -> Call {
        self.call("disallow_model", vec![model.0])
    }

    /// Puts the public half of `next` in the place of the owner's key `from`; `next` proves that it is there.
    pub fn rotate_owner_key(
        self,
        chain: ChainId,
        from: PublicKey,
        next: &PrivateKey,
    ) -> Result<Call, SignError> {
        let to = next.public_key();
        let message = FleetOwnerKey { from, to }.message_hash(chain, self.address);
        let signature = sign::sign(next.reveal(), &message)?;
        let calldata = vec![to.0, Felt::TWO, signature.r.0, signature.s.0];
        Ok(self.call("rotate_owner_key", calldata))
    }

    /// What a relayer without a Forwarder sends: `calldata` as [`Device::operation_calldata`] makes it.
    pub fn execute_from_outside(self, calldata: Vec<Felt>) -> Call {
        self.call("execute_from_outside_v2", calldata)
    }

    /// Who signs for the owner.
    pub async fn owner_key(self, chain: &Chain) -> Result<PublicKey, ChainError> {
        chain.view(self.address, "owner_key", Vec::new(), |f| f.felt("key").map(PublicKey)).await
    }

    /// The root of the devices' keys; zero where there are none.
    pub async fn root(self, chain: &Chain) -> Result<Digest, ChainError> {
        chain.view(self.address, "root", Vec::new(), |f| f.felt("root").map(Digest)).await
    }

    /// The root before it, as long as it was given time; it may be over.
    pub async fn previous_root(self, chain: &Chain) -> Result<Option<PreviousRoot>, ChainError> {
        let read = |f: &mut Felts<'_>| {
            Ok(PreviousRoot { root: Digest(f.felt("root")?), until: f.number("until")? })
        };
        let previous = chain.view(self.address, "previous_root", Vec::new(), read).await?;
        Ok(Some(previous).filter(|previous| previous.until != 0))
    }

    /// Whether the device with this leaf is shut out.
    pub async fn is_revoked(self, chain: &Chain, device: Digest) -> Result<bool, ChainError> {
        chain.view(self.address, "is_revoked", vec![device.0], truth).await
    }

    /// What devices may do.
    pub async fn policy(self, chain: &Chain) -> Result<SessionPolicy, ChainError> {
        chain.view(self.address, "policy", Vec::new(), SessionPolicy::read).await
    }

    /// Whether devices may ask this model, by name or because they may ask any.
    pub async fn is_model_allowed(self, chain: &Chain, model: ModelId) -> Result<bool, ChainError> {
        chain.view(self.address, "is_model_allowed", vec![model.0], truth).await
    }

    /// What all devices together have spent on this day.
    pub async fn spent_today(self, chain: &Chain) -> Result<Fri, ChainError> {
        chain.view(self.address, "spent_today", Vec::new(), |f| f.fri("spent")).await
    }

    /// Whether a device's nonce is not used yet.
    pub async fn is_free(self, chain: &Chain, nonce: DeviceNonce) -> Result<bool, ChainError> {
        let calldata = vec![nonce.to_felt()];
        chain.view(self.address, "is_valid_outside_execution_nonce", calldata, truth).await
    }

    /// Which of the nonces `word * 128` and 127 more of a device are used, from the lowest bit up.
    pub async fn used_nonces(
        self,
        chain: &Chain,
        place: Place,
        word: u64,
    ) -> Result<u128, ChainError> {
        let calldata = vec![Felt::from(place.0), Felt::from(word)];
        chain.view(self.address, "used_nonces", calldata, |f| f.number("used")).await
    }

    /// Whether `signature` is of a device that may act now with this execution's nonce. It does not say whether the nonce
    /// is used, nor whether caller, time and policy allow the calls.
    pub async fn is_signed_by_a_device(
        self,
        chain: &Chain,
        execution: &OutsideExecution,
        signature: &[Felt],
    ) -> Result<bool, ChainError> {
        let calldata = execution.calldata(signature);
        chain.view(self.address, "is_valid_device_signature", calldata, truth).await
    }
}

fn truth(felts: &mut Felts<'_>) -> Result<bool, FeltsError> {
    felts.truth("answer")
}
