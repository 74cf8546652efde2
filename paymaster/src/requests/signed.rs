//! What an account has signed, in whatever form it came: read, hashed anew, and checked as far as that needs nobody.

use ciro_api::{
    Address, ChainId, Felt,
    hash::outside_execution::{OutsideCall, OutsideExecution},
    limits,
};
use ciro_contracts::{Forwarder, OutsideVersion, selector};
use serde_json::json;
use time::OffsetDateTime;

use super::tokens::GasToken;
use crate::snip29::{Fault, FaultCode, SignedInvoke, TypedVersion, typed_data};

/// Longest signature: that of a passkey with its session takes some hundred felts.
const SIGNATURE_FELTS_MAX: usize = 500;
/// How far away an end may be: longer than any key should live.
const HORIZON_S: u64 = 5 * 365 * 86_400;
/// `ANY_CALLER`: anybody may execute it.
const ANY_CALLER: Felt = Felt::from_hex_unchecked("0x414e595f43414c4c4552");

/// What an account has signed.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) account: Address,
    pub(super) version: OutsideVersion,
    pub(super) execution: OutsideExecution,
    /// What the signature is of; in version 3, a hash of the calldata in its place.
    pub(super) message_hash: Felt,
    pub(super) signature: Vec<Felt>,
    /// The execution and its signature, as the account takes them.
    pub(super) calldata: Vec<Felt>,
}

/// Whether it may name `ANY_CALLER`: what we build names the Forwarder, because others could lift anything else out of the
/// mempool and use it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallerRule {
    Forwarder,
    ForwarderOrAny,
}

impl Signed {
    /// Of typed data that came back with a signature.
    pub(super) fn read(invoke: &SignedInvoke, chain: ChainId) -> Result<Self, Fault> {
        let read = typed_data::read(&invoke.typed_data)
            .map_err(|error| Fault::new(FaultCode::InvalidParams, error.to_string()))?;
        if read.chain != chain {
            let detail = format!("it is signed for chain {}, and this is {chain}", read.chain);
            return Err(Fault::refused("other_chain", detail));
        }
        let account = Address(invoke.user_address.0);
        let signature: Vec<Felt> = invoke.signature.iter().map(|felt| felt.0).collect();
        let message_hash = read.message_hash(account);
        let calldata = read.execution.calldata(&signature);
        let version = match read.version {
            TypedVersion::V1 => OutsideVersion::V1,
            TypedVersion::V2 => OutsideVersion::V2,
        };
        Ok(Self { account, version, execution: read.execution, message_hash, signature, calldata })
    }

    /// What needs neither the chain nor a sponsor.
    pub(super) fn check(
        &self,
        forwarder: Forwarder,
        caller: CallerRule,
        now: OffsetDateTime,
    ) -> Result<(), Fault> {
        let OutsideExecution { caller: named, calls, .. } = &self.execution;
        let is_any = caller == CallerRule::ForwarderOrAny && named.0 == ANY_CALLER;
        if *named != forwarder.address && !is_any {
            let detail =
                format!("it names {named} as the caller, and we call as {}", forwarder.address);
            return Err(Fault::refused("other_caller", detail));
        }
        if self.account == forwarder.address {
            return Err(Fault::new(
                FaultCode::InvalidAddress,
                "the paymaster's contract is no account",
            ));
        }
        if calls.is_empty() {
            return Err(Fault::new(FaultCode::InvalidParams, "it has no call"));
        }
        if calls.iter().any(|call| call.to == forwarder.address) {
            return Err(Fault::refused("calls_forwarder", "it calls the paymaster's own contract"));
        }
        if self.signature.len() > SIGNATURE_FELTS_MAX {
            let detail = format!(
                "the signature has {} felts; at most {SIGNATURE_FELTS_MAX} are taken",
                self.signature.len()
            );
            return Err(Fault::refused("too_large", detail));
        }
        if u64::try_from(self.calldata.len())
            .is_ok_and(|felts| felts > limits::RELAYED_FELTS_MAX / 2)
        {
            let detail = format!(
                "the operation has {} felts; at most {} are taken",
                self.calldata.len(),
                limits::RELAYED_FELTS_MAX / 2
            );
            return Err(Fault::refused("too_large", detail));
        }
        check_bounds(self.execution.execute_after, self.execution.execute_before, now)
    }

    /// Until when the account takes it.
    pub(super) fn expires_at(&self) -> OffsetDateTime {
        let seconds = i64::try_from(self.execution.execute_before).unwrap_or(i64::MAX);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// How much of `token` its last call sends to the Forwarder.
    pub(super) fn fee(&self, token: GasToken, forwarder: Forwarder) -> Result<u128, Fault> {
        let refused = || {
            let detail = format!(
                "its last call must be `transfer` of the gas token {} to {}",
                token.address, forwarder.address
            );
            Fault::refused("no_fee", detail)
        };
        let last = self.execution.calls.last().ok_or_else(refused)?;
        let OutsideCall { to, selector: function, calldata } = last;
        if *to != token.address || *function != selector("transfer") {
            return Err(refused());
        }
        let [recipient, low, high] = calldata[..] else { return Err(refused()) };
        if recipient != forwarder.address.0 || high != Felt::ZERO {
            return Err(refused());
        }
        u128::try_from(low).map_err(|_| refused())
    }
}

/// Both ends are left out, as the account does it. It may begin later; then it waits in the queue until it fails or begins.
pub(super) fn check_bounds(after: u64, before: u64, now: OffsetDateTime) -> Result<(), Fault> {
    let now = u64::try_from(now.unix_timestamp()).unwrap_or(0);
    let fault = |detail: &str| {
        let data = json!({ "detail": detail, "now": now, "execute_after": after, "execute_before": before });
        Fault { code: FaultCode::InvalidTimeBounds, data: Some(data) }
    };
    if before <= now {
        return Err(fault("it is over"));
    }
    if after >= now {
        return Err(fault("it has not begun; ask again when it has"));
    }
    if before - now > HORIZON_S {
        return Err(fault("it ends too far away"));
    }
    Ok(())
}
