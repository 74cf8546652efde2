//! `paymaster_buildTransaction`: something to sign, and what it costs. Keeps nothing and promises nothing: what comes back is
//! judged anew.

use std::time::Duration;

use ciro_api::{
    Address, Felt, SponsorId, SponsorKeyId,
    hash::outside_execution::{OutsideCall, OutsideExecution},
    limits,
};
use ciro_contracts::{AccountDeployment, Call, Effects, Simulation, TokenUnits, selector};
use rand::Rng;
use serde_json::json;

use super::{
    accounts::{self, version_of},
    carry::fresh,
    decide::{Matter, decide},
    denials,
    deployment::{self, NewAccount},
    desk::{Caller, Desk, now},
    quote::Cost,
    signed::check_bounds,
    tokens::{GasToken, GasTokens, Untaken},
};
use crate::{
    admission::Kind,
    ask::Phase,
    policy,
    relay::tracking_id,
    snip29::{
        Built, BuiltTransaction, Deployment, Fault, FaultCode, FeeMode, Parameters, TimeBounds,
        TypedVersion, UserCall, UserInvoke, UserTransaction, WireFelt, typed_data,
    },
};

/// What is built for.
struct Builder<'a> {
    desk: &'a Desk,
    caller: &'a Caller,
    parameters: Parameters,
    /// Why it is built, for the sponsor's server.
    phase: Phase,
    /// Who is to pay, if not the account.
    sponsor: Option<(SponsorId, SponsorKeyId)>,
}

/// An account that acts, and that is perhaps made first.
struct Actor {
    address: Address,
    class_hash: Felt,
    version: TypedVersion,
    deployment: Option<AccountDeployment>,
}

/// Builds it.
pub async fn build(
    desk: &Desk,
    caller: &Caller,
    transaction: UserTransaction,
    parameters: Parameters,
) -> Result<Built, Fault> {
    build_for(desk, caller, transaction, parameters, Phase::Build).await
}

/// Builds it, to be signed or only to see whether it could be.
pub(super) async fn build_for(
    desk: &Desk,
    caller: &Caller,
    transaction: UserTransaction,
    parameters: Parameters,
    phase: Phase,
) -> Result<Built, Fault> {
    // Before anything that costs us something.
    let sponsor = match parameters.fee_mode {
        FeeMode::Sponsored { .. } => Some(desk.sponsor(caller, Kind::Build).await?),
        FeeMode::Default { .. } => None,
    };
    let builder = Builder { desk, caller, parameters, phase, sponsor };
    match transaction {
        UserTransaction::Invoke { invoke } => {
            let actor = builder.actor(&invoke).await?;
            let calls = calls(&invoke.calls)?;
            builder.invoke(actor, calls, None).await
        }
        UserTransaction::Deploy { deployment } => builder.deploy(deployment).await,
        UserTransaction::DeployAndInvoke { deployment, invoke } => {
            let actor = builder.new_actor(&deployment).await?;
            if actor.address.0 != invoke.user_address.0 {
                let detail = format!("{} is made, and {} acts", actor.address, invoke.user_address);
                return Err(Fault::new(FaultCode::InvalidDeploymentData, detail));
            }
            let calls = calls(&invoke.calls)?;
            builder.invoke(actor, calls, Some(deployment)).await
        }
    }
}

/// The token that fees are to be paid in.
pub(super) fn token(desk: &Desk, address: WireFelt) -> Result<GasToken, Fault> {
    desk.tokens().find(address.0).map_err(|untaken| match untaken {
        Untaken::Unknown => {
            let detail = format!(
                "fees are not taken in {address}; `paymaster_getSupportedTokens` says in what they are"
            );
            Fault::new(FaultCode::TokenNotSupported, detail)
        }
        Untaken::NoPrice => {
            let data = json!({
                "reason": "price_unknown", "retry_after": 10,
                "detail": format!("nobody knows now what {address} is worth; pay in another token, or try later"),
            });
            Fault { code: FaultCode::TokenNotSupported, data: Some(data) }
        }
    })
}

fn calls(wire: &[UserCall]) -> Result<Vec<OutsideCall>, Fault> {
    if wire.is_empty() {
        return Err(Fault::new(FaultCode::InvalidParams, "`calls` is empty"));
    }
    let felts: usize = wire.iter().map(|call| 3 + call.calldata.len()).sum();
    if u64::try_from(felts).is_ok_and(|felts| felts > limits::RELAYED_FELTS_MAX / 2) {
        let detail = format!(
            "the calls have {felts} felts; at most {} are taken",
            limits::RELAYED_FELTS_MAX / 2
        );
        return Err(Fault::refused("too_large", detail));
    }
    let call = |call: &UserCall| OutsideCall {
        to: Address(call.to.0),
        selector: call.selector.0,
        calldata: call.calldata.iter().map(|felt| felt.0).collect(),
    };
    Ok(wire.iter().map(call).collect())
}

fn plain(calls: &[OutsideCall]) -> Vec<Call> {
    let plain = |call: &OutsideCall| Call {
        to: call.to.0,
        selector: call.selector,
        calldata: call.calldata.clone(),
    };
    calls.iter().map(plain).collect()
}

fn succeeded(simulation: &Simulation) -> Result<(), Fault> {
    match &simulation.effects {
        Effects::Succeeded(_) => Ok(()),
        Effects::Reverted(reason) => Err(Fault::execution(reason.clone())),
    }
}

impl Builder<'_> {
    async fn actor(&self, invoke: &UserInvoke) -> Result<Actor, Fault> {
        let address = Address(invoke.user_address.0);
        let class_hash = accounts::class_of(self.desk.chain(), address).await?;
        let class = self.desk.accounts().class(self.desk.chain(), class_hash).await?;
        let missing = || Fault::new(FaultCode::InvalidClassHash, format!("{class_hash:#x}"));
        let version = version_of(class.ok_or_else(missing)?, class_hash)?;
        Ok(Actor { address, class_hash, version, deployment: None })
    }

    async fn new_actor(&self, deployment: &Deployment) -> Result<Actor, Fault> {
        let new = deployment::check(self.desk, deployment, tracking_id(fresh())).await?;
        let NewAccount { address, class_hash, version, deployment, .. } = new;
        Ok(Actor { address, class_hash, version, deployment })
    }

    async fn deploy(&self, deployment: Deployment) -> Result<Built, Fault> {
        let actor = self.new_actor(&deployment).await?;
        if let FeeMode::Default { .. } = self.parameters.fee_mode {
            // It pays with its first call, which does nothing else.
            return self.invoke(actor, Vec::new(), Some(deployment)).await;
        }
        let Some(new) = &actor.deployment else {
            let detail = format!("there is an account at {} already", actor.address);
            return Err(Fault::new(FaultCode::InvalidDeploymentData, detail));
        };
        let call = self.desk.forwarder().deploy_account(new);
        let validation = ciro_contracts::Validation::Included;
        let simulation = self.desk.simulator().simulate(vec![call], validation).await?;
        succeeded(&simulation)?;
        let cost = Cost::of(&simulation);
        self.ask_policy(&actor, &[], cost).await?;
        let transaction = BuiltTransaction::Deploy { deployment };
        self.built(transaction, cost, GasTokens::strk())
    }

    async fn invoke(
        &self,
        actor: Actor,
        mut calls: Vec<OutsideCall>,
        deployment: Option<Deployment>,
    ) -> Result<Built, Fault> {
        let paid_in = match &self.parameters.fee_mode {
            FeeMode::Sponsored { .. } => None,
            FeeMode::Default { gas_token, .. } => Some(token(self.desk, *gas_token)?),
        };
        let bounds = self.bounds()?;
        if calls.iter().any(|call| call.to == self.desk.forwarder().address) {
            let detail = "it calls the paymaster's own contract";
            return Err(Fault::refused("calls_forwarder", detail));
        }
        if let Some(token) = paid_in {
            // Something, so that the transfer is a part of what is simulated.
            calls.push(self.fee_call(token, TokenUnits(1)));
        }
        let calls_cost = self.simulate(&actor, &calls).await?;
        let cost = calls_cost.with(self.desk.overheads().expected(actor.class_hash))?;
        match paid_in {
            None => self.ask_policy(&actor, &calls, cost).await?,
            Some(token) => {
                calls.pop();
                calls.push(self.fee_call(token, cost.most_in(token)?));
            }
        }
        let execution = OutsideExecution {
            caller: self.desk.forwarder().address,
            nonce: Felt::from(rand::rng().random::<u128>()),
            execute_after: bounds.execute_after,
            execute_before: bounds.execute_before,
            calls,
        };
        let chain = self.desk.chain().chain_id();
        let message = match actor.version {
            TypedVersion::V1 => execution.message_hash_v1(chain, actor.address),
            TypedVersion::V2 => execution.message_hash_v2(chain, actor.address),
        };
        self.desk.overheads().built(message, calls_cost.l2_gas);
        let typed_data = typed_data::write(actor.version, chain, &execution);
        let transaction = match deployment {
            None => BuiltTransaction::Invoke { typed_data },
            Some(deployment) => BuiltTransaction::DeployAndInvoke { deployment, typed_data },
        };
        self.built(transaction, cost, paid_in.unwrap_or_else(GasTokens::strk))
    }

    fn built(
        &self,
        transaction: BuiltTransaction,
        cost: Cost,
        token: GasToken,
    ) -> Result<Built, Fault> {
        Ok(Built { transaction, parameters: self.parameters.clone(), fee: cost.estimate(token)? })
    }

    fn bounds(&self) -> Result<TimeBounds, Fault> {
        let now = now();
        let bounds = self.parameters.time_bounds.unwrap_or_else(|| {
            let validity: Duration = self.desk.settings().validity;
            let end = u64::try_from((now + validity).unix_timestamp()).unwrap_or(u64::MAX);
            TimeBounds { execute_after: 1, execute_before: end }
        });
        check_bounds(bounds.execute_after, bounds.execute_before, now)?;
        Ok(bounds)
    }

    fn fee_call(&self, token: GasToken, amount: TokenUnits) -> OutsideCall {
        let calldata = vec![self.desk.forwarder().address.0, Felt::from(amount.0), Felt::ZERO];
        OutsideCall { to: token.address, selector: selector("transfer"), calldata }
    }

    /// What the calls cost the account itself, and with them its deployment.
    async fn simulate(&self, actor: &Actor, calls: &[OutsideCall]) -> Result<Cost, Fault> {
        let calls = plain(calls);
        let Some(deployment) = &actor.deployment else {
            let simulation = self.desk.chain().simulate_unsigned(actor.address, &calls).await?;
            succeeded(&simulation)?;
            return Ok(Cost::of(&simulation));
        };
        let deploy = vec![self.desk.forwarder().deploy_account(deployment)];
        let simulator = self.desk.simulator();
        let (made, acted) = simulator.simulate_before(deploy, actor.address, &calls).await?;
        succeeded(&made)?;
        succeeded(&acted)?;
        Cost::of(&acted).with(Cost::of(&made).l2_gas)
    }

    /// Whether the sponsor would pay now. It is asked again when it comes to it.
    async fn ask_policy(
        &self,
        actor: &Actor,
        calls: &[OutsideCall],
        cost: Cost,
    ) -> Result<(), Fault> {
        let Some((sponsor, key)) = self.sponsor else { return Ok(()) };
        let (revision, policy) = self.desk.policy(sponsor).await?;
        let operation = policy::Operation {
            key,
            account: actor.address,
            class_hash: actor.class_hash,
            deploys: actor.deployment.is_some(),
            device: self.caller.device_id(),
            from: self.caller.from,
            origin: self.caller.origin.as_deref(),
            calls,
            l2_gas: cost.l2_gas,
            l2_gas_price: cost.l2_gas_price,
            fee: cost.most()?,
            forwarder: self.desk.forwarder().address,
            now: now(),
        };
        let (phase, operation) = (self.phase, &operation);
        let matter = Matter { phase, sponsor, revision, operation, message_hash: None };
        let paid = decide(self.desk, &policy, &matter).await.map(drop);
        if let Err(fault) = &paid {
            denials::note(self.desk, (sponsor, key), fault).await;
        }
        paid
    }
}
