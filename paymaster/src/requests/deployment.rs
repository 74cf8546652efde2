//! Accounts that are to be made: only where they say they are, and only of classes that there are.

use ciro_api::{Address, Felt, TrackingId};
use ciro_contracts::{AccountDeployment, account_address};

use super::{accounts::version_of, desk::Desk};
use crate::snip29::{Deployment, Fault, FaultCode, TypedVersion};

/// An account that is to be made, or that somebody has made meanwhile.
#[derive(Clone, Debug)]
pub(super) struct NewAccount {
    pub(super) address: Address,
    pub(super) class_hash: Felt,
    pub(super) version: TypedVersion,
    /// Nothing where it is there already.
    pub(super) deployment: Option<AccountDeployment>,
}

fn invalid(detail: impl Into<String>) -> Fault {
    Fault::new(FaultCode::InvalidDeploymentData, detail)
}

/// Checks it, and whether it is there already.
pub(super) async fn check(
    desk: &Desk,
    deployment: &Deployment,
    id: TrackingId,
) -> Result<NewAccount, Fault> {
    if deployment.version != 1 {
        return Err(invalid("`version` must be 1"));
    }
    if deployment.sigdata.is_some() {
        return Err(invalid("accounts that need `sigdata` cannot be made here; deploy them first"));
    }
    let constructor_calldata: Vec<Felt> = deployment.calldata.iter().map(|felt| felt.0).collect();
    let (class_hash, salt) = (deployment.class_hash.0, deployment.salt.0);
    let address = account_address(class_hash, salt, &constructor_calldata);
    if address.0 != deployment.address.0 {
        return Err(invalid(format!("such an account comes to be at {address}")));
    }
    let new =
        AccountDeployment { id, account: address, class: class_hash, salt, constructor_calldata };
    // Whoever made it meanwhile may have given it another class since.
    let there = desk.chain().class_at(address).await?;
    let deployment = if there.is_some() { None } else { Some(new) };
    let class_hash = there.unwrap_or(class_hash);
    let class = desk.accounts().class(desk.chain(), class_hash).await?.ok_or_else(|| {
        Fault::new(FaultCode::InvalidClassHash, format!("no class {class_hash:#x} is declared"))
    })?;
    let version = version_of(class, class_hash)?;
    Ok(NewAccount { address, class_hash, version, deployment })
}
