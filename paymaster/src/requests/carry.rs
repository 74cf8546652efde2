//! Takes on what was signed: simulates it as it would be sent, asks the sponsor's policy, reserves, queues, and waits until a
//! transaction carries it.

use ciro_api::{Address, Felt, OperationId, SponsorId, SponsorKeyId, TrackingId, TxHash, limits};
use ciro_contracts::{
    AccountDeployment, Charge, Effects, Operation, Outcome, OutsideVersion, Simulation, TokenUnits,
    Validation,
};
use serde_json::json;
use tracing::{Instrument, info_span};
use uuid::Uuid;

use super::{
    accounts::{self, version_of},
    denials,
    desk::{Caller, Desk, now},
    queue::{Refused, queue, queue_sponsored},
    quote::Cost,
    signed::Signed,
    standing,
    tokens::GasToken,
};
use crate::{
    policy,
    relay::{self, Carried, Queued, Track, TrackState},
    snip29::{Executed, Fault, FaultCode, TypedVersion, WireFelt},
};

/// Operations that take more L2 gas than this share no transaction: one that runs out takes the others down.
const ALONE_L2_GAS: u64 = 100_000_000;

/// Who pays.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payment {
    /// This sponsor, whose key came with the request.
    Sponsor(SponsorId, SponsorKeyId),
    /// The account, which has signed a transfer of so much of a token to us.
    Account(GasToken, u128),
}

/// What is to be taken on.
pub(super) struct Request {
    pub(super) id: OperationId,
    pub(super) account: Address,
    pub(super) payment: Payment,
    pub(super) signed: Option<Signed>,
    pub(super) deployment: Option<AccountDeployment>,
}

impl Request {
    /// What makes two requests the same.
    fn message_hash(&self) -> Felt {
        self.signed.as_ref().map_or(self.account.0, |signed| signed.message_hash)
    }

    fn carried(&self, charge: Option<Charge>) -> Result<Carried, Fault> {
        let operation = self.signed.as_ref().map(|signed| Operation {
            id: relay::tracking_id(self.id),
            account: signed.account,
            version: signed.version,
            charge,
            calldata: signed.calldata.clone(),
        });
        match (self.deployment.clone(), operation) {
            (None, Some(operation)) => Ok(Carried::Execute(operation)),
            (Some(deployment), None) => Ok(Carried::Deploy(deployment)),
            (Some(deployment), Some(first)) => Ok(Carried::DeployAndExecute(deployment, first)),
            (None, None) => {
                let detail = format!("there is an account at {} already", self.account);
                Err(Fault::new(FaultCode::InvalidDeploymentData, detail))
            }
        }
    }
}

/// Takes it on. The same request again is answered as before.
pub(super) async fn carry(
    desk: &Desk,
    caller: &Caller,
    request: Request,
) -> Result<Executed, Fault> {
    let message = request.message_hash();
    if let Some(known) = known(desk, &request).await? {
        return wait(desk, known).await;
    }
    let class_hash = class_hash(desk, &request).await?;
    if let Some(signed) = &request.signed {
        check_version(desk, class_hash, signed).await?;
    }
    let simulating = simulate(desk, &request).instrument(info_span!("simulate"));
    let (carried, simulation) = simulating.await?;
    let cost = Cost::of(&simulation);
    check_gas(cost)?;
    // Its account has signed it, or the simulation would have failed.
    desk.charge(request.account)?;
    let subjects = standing::subjects(request.account, class_hash, caller.device_id());
    standing::check(desk, &subjects).await?;
    desk.overheads().executed(message, class_hash, cost.l2_gas);
    let alone = is_risky(desk, &simulation).await? || cost.l2_gas > ALONE_L2_GAS;
    let queued = Queued {
        id: request.id,
        class_hash,
        message_hash: message,
        carried: &carried,
        sponsor: None,
        device: caller.device_id(),
        l2_gas: cost.l2_gas,
        alone,
        expires_at: expires_at(desk, &request),
        trace: caller.trace.as_ref(),
    };
    let queueing = async {
        match request.payment {
            Payment::Account(..) => queue(desk, &queued).await,
            Payment::Sponsor(sponsor, key) => {
                let operation = operation(desk, caller, &request, (key, class_hash, cost))?;
                queue_sponsored(desk, (sponsor, key), &queued, &operation).await
            }
        }
    };
    let done = queueing.instrument(info_span!("reserve")).await;
    if let (Err(Refused::Fault(fault)), Payment::Sponsor(sponsor, key)) = (&done, request.payment) {
        denials::note(desk, (sponsor, key), fault).await;
    }
    match done {
        Ok(()) => {
            desk.bell().queued();
            wait(desk, request.id).await
        }
        // Somebody else was faster with the same.
        Err(Refused::Known) => match known(desk, &request).await? {
            Some(known) => wait(desk, known).await,
            None => Err(Fault::refused("raced", "the same operation has just ended; ask again")),
        },
        Err(Refused::Fault(fault)) => Err(fault),
    }
}

async fn known(desk: &Desk, request: &Request) -> Result<Option<OperationId>, Fault> {
    let client = desk.client().await?;
    Ok(relay::known(&**client, request.account, request.message_hash()).await?)
}

async fn class_hash(desk: &Desk, request: &Request) -> Result<Felt, Fault> {
    match &request.deployment {
        Some(deployment) => Ok(deployment.class),
        None => accounts::class_of(desk.chain(), request.account).await,
    }
}

fn check_gas(cost: Cost) -> Result<(), Fault> {
    if cost.l2_gas <= limits::RELAYED_L2_GAS_MAX {
        return Ok(());
    }
    let detail = format!(
        "it takes {} units of L2 gas; at most {} are possible",
        cost.l2_gas,
        limits::RELAYED_L2_GAS_MAX
    );
    Err(Fault::refused("too_large", detail))
}

fn expires_at(desk: &Desk, request: &Request) -> time::OffsetDateTime {
    let queue = now() + desk.settings().queue;
    request.signed.as_ref().map_or(queue, |signed| signed.expires_at().min(queue))
}

/// What it would do, as it would be sent. An account that pays is charged what that costs.
async fn simulate(desk: &Desk, request: &Request) -> Result<(Carried, Simulation), Fault> {
    let Payment::Account(token, signed_most) = request.payment else {
        let carried = request.carried(None)?;
        let simulation = simulated(desk, request, &carried).await?;
        return Ok((carried, simulation));
    };
    // One unit: less than is sent, so that the refund is a part of what it takes.
    let probe = Charge { token: token.address, amount: TokenUnits(1) };
    let probed = request.carried(Some(probe))?;
    let simulation = simulated(desk, request, &probed).await?;
    let amount = Cost::of(&simulation).charge(token)?;
    if amount.0 > signed_most {
        let data = json!({
            "detail": "the signed fee is below what it costs now; build it again",
            "signed": WireFelt(Felt::from(signed_most)), "needed": WireFelt(Felt::from(amount.0)),
        });
        return Err(Fault { code: FaultCode::MaxAmountTooLow, data: Some(data) });
    }
    let carried = request.carried(Some(Charge { token: token.address, amount }))?;
    Ok((carried, simulation))
}

async fn simulated(desk: &Desk, request: &Request, carried: &Carried) -> Result<Simulation, Fault> {
    let call = carried.call(desk.forwarder());
    let simulation = desk.simulator().simulate(vec![call], Validation::Included).await?;
    let reason = match &simulation.effects {
        Effects::Reverted(reason) => reason.clone(),
        Effects::Succeeded(_) => {
            let outcomes = desk.forwarder().simulated_outcomes(&simulation.effects)?;
            match outcomes.into_iter().next().map(|told| told.outcome) {
                Some(Outcome::Succeeded) => return Ok(simulation),
                Some(Outcome::Failed(reason)) => reason.to_string(),
                None => "the Forwarder says nothing of it".to_owned(),
            }
        }
    };
    Err(explain(desk, request, reason).await)
}

/// Why it would fail: the account's own answers first, because they say what to do.
async fn explain(desk: &Desk, request: &Request, reason: String) -> Fault {
    let (Some(signed), None) = (&request.signed, &request.deployment) else {
        return Fault::execution(reason);
    };
    let nonce = vec![signed.execution.nonce];
    let view = "is_valid_outside_execution_nonce";
    if desk
        .chain()
        .call(signed.account, view, nonce)
        .await
        .is_ok_and(|answer| answer == [Felt::ZERO])
    {
        return Fault::refused("nonce_used", "the account has used this nonce; build it again");
    }
    // Session keys and devices sign what `is_valid_signature` does not know of; then the reason alone says what is wrong.
    if !reason.to_ascii_lowercase().contains("sig") {
        return Fault::execution(reason);
    }
    let mut asked = vec![signed.message_hash, Felt::from(signed.signature.len())];
    asked.extend(&signed.signature);
    let answer = desk.chain().call(signed.account, "is_valid_signature", asked).await;
    let valid = Felt::from_bytes_be_slice(b"VALID");
    match answer {
        Ok(answer) if answer == [valid] || answer == [Felt::ONE] => Fault::execution(reason),
        Err(error) if error.is_unreachable() => error.into(),
        // Some accounts answer no, others fail.
        Ok(_) | Err(_) => Fault::new(FaultCode::InvalidSignature, reason),
    }
}

/// Whether it could take others down with it, if it did something else than it does now: what Cairo 0 and deployments do wrong
/// cannot be caught.
async fn is_risky(desk: &Desk, simulation: &Simulation) -> Result<bool, Fault> {
    if simulation.effects.deploys() {
        return Ok(true);
    }
    for hash in simulation.effects.classes() {
        let class = desk.accounts().class(desk.chain(), hash).await?;
        if class.is_none_or(|class| class.is_legacy) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the sponsor's policy decides about.
fn operation<'a>(
    desk: &Desk,
    caller: &'a Caller,
    request: &'a Request,
    (key, class_hash, cost): (SponsorKeyId, Felt, Cost),
) -> Result<policy::Operation<'a>, Fault> {
    Ok(policy::Operation {
        key,
        account: request.account,
        class_hash,
        deploys: request.deployment.is_some(),
        device: caller.device_id(),
        from: caller.from,
        origin: caller.origin.as_deref(),
        calls: request.signed.as_ref().map_or(&[][..], |signed| &signed.execution.calls),
        l2_gas: cost.l2_gas,
        l2_gas_price: cost.l2_gas_price,
        fee: cost.most()?,
        forwarder: desk.forwarder().address,
        now: now(),
    })
}

/// Until a transaction carries it, which a client can then look up.
async fn wait(desk: &Desk, id: OperationId) -> Result<Executed, Fault> {
    until_sent(desk, id).instrument(info_span!("wait")).await
}

async fn until_sent(desk: &Desk, id: OperationId) -> Result<Executed, Fault> {
    let tracking_id = relay::tracking_id(id);
    let mut moved = desk.bell().movements();
    let waiting = async {
        loop {
            moved.mark_unchanged();
            let found = look(desk, tracking_id).await?;
            match found {
                Some(track) => match (track.hash, track.state) {
                    (Some(TxHash(hash)), _) => {
                        return Ok(Executed {
                            tracking_id: WireFelt(tracking_id.0),
                            transaction_hash: WireFelt(hash),
                        });
                    }
                    (None, TrackState::Dropped(reason)) => return Err(Fault::execution(reason)),
                    (None, _) => {}
                },
                None => {
                    return Err(Fault::refused("forgotten", "the operation is gone; ask again"));
                }
            }
            // Another process may have moved it, which nobody here rings for.
            let _rung = tokio::time::timeout(super::desk::LOOK, moved.changed()).await;
        }
    };
    if let Ok(done) = tokio::time::timeout(desk.settings().patience, waiting).await {
        return done;
    }
    let data = json!({
        "reason": "queued", "tracking_id": WireFelt(tracking_id.0), "retry_after": 5,
        "detail": "it is taken on and not sent yet; ask again with the same, or follow its tracking id",
    });
    Err(Fault { code: FaultCode::UnknownError, data: Some(data) })
}

/// The connection is not kept while nothing moves: more may wait than there are connections.
async fn look(desk: &Desk, id: TrackingId) -> Result<Option<Track>, Fault> {
    let client = desk.client().await?;
    Ok(relay::track(&**client, id).await?)
}

/// That the class has the function that was signed for.
async fn check_version(desk: &Desk, hash: Felt, signed: &Signed) -> Result<(), Fault> {
    let class = desk.accounts().class(desk.chain(), hash).await?;
    let class =
        class.ok_or_else(|| Fault::new(FaultCode::InvalidClassHash, format!("{hash:#x}")))?;
    let newest = version_of(class, hash)?;
    if signed.version == OutsideVersion::V2 && newest == TypedVersion::V1 {
        let detail = format!("class {hash:#x} takes version 1 of SNIP-9 only");
        return Err(Fault::new(FaultCode::ClassHashNotSupported, detail));
    }
    Ok(())
}

/// A fresh id.
pub(super) fn fresh() -> OperationId {
    OperationId(Uuid::now_v7())
}
