//! What devices with a Stark key sign: that a key is theirs, and that they are there.

use starknet_rust_core::types::Felt;

use super::snip12::{TypedStruct, string_hash};
use crate::{
    felt::{Address, Commitment, Digest},
    id::DeviceId,
};

/// Claims an enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceClaim<'a> {
    /// The device's own serial.
    pub serial: &'a str,
    /// The claim token's commitment under the scheme `sha256`.
    pub claim: Commitment,
    /// The gateway's challenge.
    pub challenge: Digest,
    /// The `JobManager` of this network, so that a claim elsewhere is worth nothing here.
    pub contract: Address,
}

impl TypedStruct for DeviceClaim<'_> {
    const TYPE: &'static str = concat!(
        r#""DeviceClaim"("Serial":"string","Claim":"felt","Challenge":"felt","#,
        r#""Contract":"ContractAddress")"#
    );

    fn fields(&self) -> Vec<Felt> {
        vec![string_hash(self.serial), self.claim.0, self.challenge.0, self.contract.0]
    }
}

/// Asks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceLogin {
    /// The device; its UUID read as a 128-bit big-endian integer is signed.
    pub device: DeviceId,
    /// The gateway's single-use challenge.
    pub challenge: Digest,
    /// The `JobManager` of this network.
    pub contract: Address,
}

impl TypedStruct for DeviceLogin {
    const TYPE: &'static str =
        r#""DeviceLogin"("Device":"u128","Challenge":"felt","Contract":"ContractAddress")"#;

    fn fields(&self) -> Vec<Felt> {
        vec![Felt::from(self.device.0.as_u128()), self.challenge.0, self.contract.0]
    }
}
