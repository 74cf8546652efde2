//! What a sponsor's server is asked: everything that the decision is about, as it was parsed and hashed here.

use std::net::IpAddr;

use ciro_api::{ChainId, DeviceId, Felt, Fri, SponsorId, SponsorKeyId};
use serde::Serialize;

use crate::{
    policy::{Operation, RuleId},
    snip29::WireFelt,
};

/// What the answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Somebody wants to know what to sign.
    Build,
    /// It is signed, and is carried if the answer is yes and the limits leave room.
    Execute,
    /// Somebody only wants to know.
    DryRun,
}

/// Whether the sponsor pays for an operation.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What for.
    pub phase: Phase,
    /// The chain that the operation is for.
    pub chain: ChainId,
    /// Whose server it is.
    pub sponsor: SponsorId,
    /// The revision of its policy.
    pub revision: i32,
    /// Whose rule of this name asks.
    pub rule: &'a RuleId,
    /// What the account wants to do.
    pub operation: &'a Operation<'a>,
    /// What it has signed, where it has.
    pub message_hash: Option<Felt>,
}

/// On the wire. Members may be added, so servers are told to let those pass that they do not know.
#[derive(Serialize)]
struct Body<'a> {
    phase: Phase,
    chain_id: String,
    sponsor: SponsorId,
    key: SponsorKeyId,
    policy_revision: i32,
    rule: &'a RuleId,
    account: WireFelt,
    class_hash: WireFelt,
    deploys: bool,
    device: Option<DeviceId>,
    from: Option<IpAddr>,
    origin: Option<&'a str>,
    calls: Vec<WireCall<'a>>,
    l2_gas: u64,
    l2_gas_price_fri: Fri,
    fee_fri: Fri,
    message_hash: Option<WireFelt>,
}

#[derive(Serialize)]
struct WireCall<'a> {
    to: WireFelt,
    selector: WireFelt,
    #[serde(serialize_with = "felts")]
    calldata: &'a [Felt],
}

fn felts<S: serde::Serializer>(felts: &[Felt], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(felts.iter().map(|felt| WireFelt(*felt)))
}

impl Question<'_> {
    /// The bytes that are signed and sent.
    pub(super) fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        let Self { phase, chain, sponsor, revision, rule, operation, message_hash } = *self;
        let calls = operation.calls.iter().map(|call| WireCall {
            to: WireFelt(call.to.0),
            selector: WireFelt(call.selector),
            calldata: &call.calldata,
        });
        serde_json::to_vec(&Body {
            phase,
            chain_id: chain.to_string(),
            sponsor,
            key: operation.key,
            policy_revision: revision,
            rule,
            account: WireFelt(operation.account.0),
            class_hash: WireFelt(operation.class_hash),
            deploys: operation.deploys,
            device: operation.device,
            from: operation.from,
            origin: operation.origin,
            calls: calls.collect(),
            l2_gas: operation.l2_gas,
            l2_gas_price_fri: operation.l2_gas_price,
            fee_fri: operation.fee,
            message_hash: message_hash.map(WireFelt),
        })
    }
}
