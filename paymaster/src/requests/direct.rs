//! What was signed and comes without its typed data: `paymaster_executeDirectTransaction` and
//! `cartridge_addExecuteOutsideTransaction`.

use ciro_api::{
    Address, ChainId, Felt,
    hash::outside_execution::{OutsideCall, OutsideExecution},
};
use ciro_contracts::{OutsideVersion, selector};

use super::{
    carry::{self, Payment, Request, carry},
    desk::{Caller, Desk, now},
    execute::payment,
    signed::{CallerRule, Signed},
};
use crate::admission::Kind;
use crate::snip29::{
    DirectInvoke, DirectTransaction, Executed, Fault, FaultCode, FeeSource, OutsideFields,
    OutsideNonce, OutsideTransaction, Parameters, UserCall,
};

/// Takes on a call into an account.
pub async fn execute_direct(
    desk: &Desk,
    caller: &Caller,
    transaction: &DirectTransaction,
    parameters: &Parameters,
) -> Result<Executed, Fault> {
    let DirectTransaction::Invoke { invoke } = transaction;
    let signed = read_call(invoke, desk.chain().chain_id())?;
    signed.check(desk.forwarder(), CallerRule::ForwarderOrAny, now())?;
    let payment = payment(desk, caller, parameters, &signed).await?;
    take_on(desk, caller, signed, payment).await
}

/// Takes on what a controller signed. The sponsor pays.
pub async fn execute_outside(
    desk: &Desk,
    caller: &Caller,
    transaction: OutsideTransaction,
) -> Result<Executed, Fault> {
    if transaction.fee_source == Some(FeeSource::Credits) {
        return Err(Fault::refused("no_credits", "there are no credits here; a sponsor pays"));
    }
    let (sponsor, key) = desk.sponsor(caller, Kind::Execute).await?;
    let signed = from_fields(transaction, desk.chain().chain_id())?;
    signed.check(desk.forwarder(), CallerRule::ForwarderOrAny, now())?;
    take_on(desk, caller, signed, Payment::Sponsor(sponsor, key)).await
}

async fn take_on(
    desk: &Desk,
    caller: &Caller,
    signed: Signed,
    payment: Payment,
) -> Result<Executed, Fault> {
    let (id, account) = (carry::fresh(), signed.account);
    let request = Request { id, account, payment, signed: Some(signed), deployment: None };
    carry(desk, caller, request).await
}

fn invalid(detail: impl Into<String>) -> Fault {
    Fault::new(FaultCode::InvalidParams, detail)
}

/// Reads felts from the front; every length is checked against what is there.
struct Reader<'a>(&'a [Felt]);

impl<'a> Reader<'a> {
    fn felt(&mut self) -> Result<Felt, Fault> {
        let (first, rest) =
            self.0.split_first().ok_or_else(|| invalid("the calldata ends early"))?;
        self.0 = rest;
        Ok(*first)
    }

    fn number<T: TryFrom<Felt>>(&mut self) -> Result<T, Fault> {
        let felt = self.felt()?;
        T::try_from(felt).map_err(|_| invalid(format!("{felt:#x} in the calldata is out of range")))
    }

    fn list(&mut self) -> Result<&'a [Felt], Fault> {
        let length = usize::try_from(self.number::<u64>()?).unwrap_or(usize::MAX);
        if length > self.0.len() {
            return Err(invalid("a length in the calldata is more than there is"));
        }
        let (list, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(list)
    }

    fn call(&mut self) -> Result<OutsideCall, Fault> {
        let (to, function) = (Address(self.felt()?), self.felt()?);
        Ok(OutsideCall { to, selector: function, calldata: self.list()?.to_vec() })
    }

    fn end(&self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(invalid("the calldata goes on after its end")) }
    }
}

/// The account is the only contract that may be called, and only by the functions of SNIP-9.
fn read_call(invoke: &DirectInvoke, chain: ChainId) -> Result<Signed, Fault> {
    let UserCall { to, selector: function, calldata } = &invoke.execute_from_outside_call;
    if *to != invoke.user_address {
        return Err(invalid("`to` must be the account itself"));
    }
    let names = ["execute_from_outside", "execute_from_outside_v2", "execute_from_outside_v3"];
    let place = names.iter().position(|name| selector(name) == function.0);
    let version = match place {
        Some(0) => OutsideVersion::V1,
        Some(1) => OutsideVersion::V2,
        Some(2) => OutsideVersion::V3,
        _ => return Err(invalid(format!("`selector` must be that of {}", names.join(", ")))),
    };
    let calldata: Vec<Felt> = calldata.iter().map(|felt| felt.0).collect();
    let mut felts = Reader(&calldata);
    let (caller, nonce) = (Address(felts.felt()?), felts.felt()?);
    let mask = if version == OutsideVersion::V3 { Some(felts.number()?) } else { None };
    let (execute_after, execute_before) = (felts.number()?, felts.number()?);
    let count = felts.number::<u64>()?;
    let mut calls = Vec::new();
    for _ in 0..count {
        calls.push(felts.call()?);
    }
    let signature = felts.list()?.to_vec();
    felts.end()?;
    let execution = OutsideExecution { caller, nonce, execute_after, execute_before, calls };
    Ok(signed(Address(invoke.user_address.0), version, execution, mask, signature, chain))
}

fn from_fields(transaction: OutsideTransaction, chain: ChainId) -> Result<Signed, Fault> {
    let OutsideTransaction { address, outside_execution: fields, signature, .. } = transaction;
    let OutsideFields { caller, nonce, execute_after, execute_before, calls } = fields;
    let (version, nonce, mask) = match nonce {
        OutsideNonce::Felt(nonce) => (OutsideVersion::V2, nonce, None),
        OutsideNonce::Bit(channel, mask) => {
            let mask = u128::try_from(mask.0).map_err(|_| invalid("the mask has 128 bits"))?;
            (OutsideVersion::V3, channel, Some(mask))
        }
    };
    let call = |call: UserCall| OutsideCall {
        to: Address(call.to.0),
        selector: call.selector.0,
        calldata: call.calldata.iter().map(|felt| felt.0).collect(),
    };
    let execution = OutsideExecution {
        caller: Address(caller.0),
        nonce: nonce.0,
        execute_after,
        execute_before,
        calls: calls.into_iter().map(call).collect(),
    };
    let signature = signature.iter().map(|felt| felt.0).collect();
    Ok(signed(Address(address.0), version, execution, mask, signature, chain))
}

fn signed(
    account: Address,
    version: OutsideVersion,
    execution: OutsideExecution,
    mask: Option<u128>,
    signature: Vec<Felt>,
    chain: ChainId,
) -> Signed {
    let (message_hash, calldata) = match (version, mask) {
        (OutsideVersion::V1, _) => {
            (execution.message_hash_v1(chain, account), execution.calldata(&signature))
        }
        (OutsideVersion::V3, Some(mask)) => {
            let hash = execution.message_hash_v3(chain, account, mask);
            (hash, execution.calldata_v3(mask, &signature))
        }
        _ => (execution.message_hash_v2(chain, account), execution.calldata(&signature)),
    };
    Signed { account, version, execution, message_hash, signature, calldata }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::snip29::WireFelt;

    fn invoke(function: &str, calldata: &[Felt]) -> DirectInvoke {
        let account = WireFelt(Felt::from(0xacc_u64));
        let calldata = calldata.iter().copied().map(WireFelt).collect();
        let selector = WireFelt(selector(function));
        DirectInvoke {
            user_address: account,
            execute_from_outside_call: UserCall { to: account, selector, calldata },
        }
    }

    fn execution(calls: Vec<Vec<u64>>) -> OutsideExecution {
        let call = |felts: Vec<u64>| OutsideCall {
            to: Address(Felt::from(7_u64)),
            selector: Felt::from(8_u64),
            calldata: felts.into_iter().map(Felt::from).collect(),
        };
        OutsideExecution {
            caller: Address(Felt::from(1_u64)),
            nonce: Felt::from(2_u64),
            execute_after: 3,
            execute_before: 4,
            calls: calls.into_iter().map(call).collect(),
        }
    }

    proptest! {
        #[test]
        fn what_an_account_signed_is_read_back_as_it_was(
            calls in prop::collection::vec(prop::collection::vec(any::<u64>(), 0..5), 0..5),
            signature in prop::collection::vec(any::<u64>(), 0..5), mask: u128,
        ) {
            let chain = ChainId(Felt::ONE);
            let execution = execution(calls);
            let signature: Vec<Felt> = signature.into_iter().map(Felt::from).collect();
            let plain = execution.calldata(&signature);
            let read = read_call(&invoke("execute_from_outside_v2", &plain), chain).unwrap();
            prop_assert_eq!(&read.execution, &execution);
            prop_assert_eq!(&read.signature, &signature);
            prop_assert_eq!(&read.calldata, &plain);
            let masked = execution.calldata_v3(mask, &signature);
            let read = read_call(&invoke("execute_from_outside_v3", &masked), chain).unwrap();
            prop_assert_eq!(&read.calldata, &masked);
        }

        #[test]
        fn wild_calldata_is_refused_and_never_panics(
            felts in prop::collection::vec(any::<[u8; 31]>(), 0..40), small in prop::collection::vec(0..6_u64, 0..40),
        ) {
            let wild: Vec<Felt> = felts.iter().map(|bytes| Felt::from_bytes_be_slice(bytes)).collect();
            let small: Vec<Felt> = small.into_iter().map(Felt::from).collect();
            for name in ["execute_from_outside", "execute_from_outside_v2", "execute_from_outside_v3"] {
                for felts in [&wild, &small] {
                    if let Ok(read) = read_call(&invoke(name, felts), ChainId(Felt::ONE)) {
                        prop_assert_eq!(&read.calldata, felts, "what is read is all there was");
                    }
                }
            }
        }
    }
}
