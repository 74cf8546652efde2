//! `paymaster_executeTransaction`: takes on what was built and signed, as if nothing had been built.

use ciro_contracts::Forwarder;

use super::{
    carry::{self, Payment, Request, carry},
    deployment,
    desk::{Caller, Desk, now},
    signed::{CallerRule, Signed},
};
use crate::{
    admission::Kind,
    relay::tracking_id,
    snip29::{
        Deployment, ExecutableTransaction, Executed, Fault, FaultCode, FeeMode, Parameters,
        SignedInvoke,
    },
};

/// Takes it on.
pub async fn execute(
    desk: &Desk,
    caller: &Caller,
    transaction: ExecutableTransaction,
    parameters: &Parameters,
) -> Result<Executed, Fault> {
    match transaction {
        ExecutableTransaction::Deploy { deployment } => {
            deploy(desk, caller, &deployment, parameters).await
        }
        ExecutableTransaction::Invoke { invoke } => {
            let signed = Signed::read(&invoke, desk.chain().chain_id())?;
            signed.check(desk.forwarder(), CallerRule::Forwarder, now())?;
            let payment = payment(desk, caller, parameters, &signed).await?;
            let (id, account) = (carry::fresh(), signed.account);
            carry(
                desk,
                caller,
                Request { id, account, payment, signed: Some(signed), deployment: None },
            )
            .await
        }
        ExecutableTransaction::DeployAndInvoke { deployment, invoke } => {
            deploy_and_invoke(desk, caller, (&deployment, &invoke), parameters).await
        }
    }
}

/// Who pays: a sponsor by its key, or the account by its last call.
pub(super) async fn payment(
    desk: &Desk,
    caller: &Caller,
    parameters: &Parameters,
    signed: &Signed,
) -> Result<Payment, Fault> {
    match &parameters.fee_mode {
        FeeMode::Sponsored { .. } => {
            let (sponsor, key) = desk.sponsor(caller, Kind::Execute).await?;
            Ok(Payment::Sponsor(sponsor, key))
        }
        FeeMode::Default { gas_token, .. } => {
            let token = super::build::token(desk, *gas_token)?;
            let forwarder: Forwarder = desk.forwarder();
            Ok(Payment::Account(token, signed.fee(token, forwarder)?))
        }
    }
}

async fn deploy(
    desk: &Desk,
    caller: &Caller,
    deployment: &Deployment,
    parameters: &Parameters,
) -> Result<Executed, Fault> {
    let FeeMode::Sponsored { .. } = parameters.fee_mode else {
        let detail =
            "an account that pays for itself is made with its first call: `deploy_and_invoke`";
        return Err(Fault::new(FaultCode::InvalidDeploymentData, detail));
    };
    let (sponsor, key) = desk.sponsor(caller, Kind::Execute).await?;
    let id = carry::fresh();
    let new = deployment::check(desk, deployment, tracking_id(id)).await?;
    let payment = Payment::Sponsor(sponsor, key);
    let request =
        Request { id, account: new.address, payment, signed: None, deployment: new.deployment };
    carry(desk, caller, request).await
}

async fn deploy_and_invoke(
    desk: &Desk,
    caller: &Caller,
    (deployment, invoke): (&Deployment, &SignedInvoke),
    parameters: &Parameters,
) -> Result<Executed, Fault> {
    let signed = Signed::read(invoke, desk.chain().chain_id())?;
    signed.check(desk.forwarder(), CallerRule::Forwarder, now())?;
    let id = carry::fresh();
    let new = deployment::check(desk, deployment, tracking_id(id)).await?;
    if new.address != signed.account {
        let detail = format!("{} is made, and {} has signed", new.address, signed.account);
        return Err(Fault::new(FaultCode::InvalidDeploymentData, detail));
    }
    let payment = payment(desk, caller, parameters, &signed).await?;
    let deployment = new.deployment;
    carry(
        desk,
        caller,
        Request { id, account: new.address, payment, signed: Some(signed), deployment },
    )
    .await
}
