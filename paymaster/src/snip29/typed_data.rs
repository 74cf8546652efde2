//! The SNIP-12 document of an outside execution: written for wallets, and read back without belief.
//!
//! What comes back is hashed anew from what is read here, so a document that says one thing and was signed as another is
//! refused by the account's own check of the signature.

use ciro_api::{
    Address, ChainId, Felt,
    hash::outside_execution::{OutsideCall, OutsideExecution},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::felt::WireFelt;

/// Calls in one execution: more do not fit a transaction, whose calldata has 5,000 felts.
const CALLS_MAX: usize = 256;
/// What every document is for.
const NAME: &str = "Account.execute_from_outside";

/// The versions of SNIP-9 whose signatures typed data can ask for. The third has a hash that wallets cannot make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypedVersion {
    /// `execute_from_outside`: SNIP-12 revision 0, Pedersen.
    V1,
    /// `execute_from_outside_v2`: SNIP-12 revision 1, Poseidon.
    V2,
}

/// A document that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// How it is hashed and executed.
    pub version: TypedVersion,
    /// The chain that it is for.
    pub chain: ChainId,
    /// What it says.
    pub execution: OutsideExecution,
}

impl Read {
    /// What `account` has signed if it has signed this.
    pub fn message_hash(&self, account: Address) -> Felt {
        match self.version {
            TypedVersion::V1 => self.execution.message_hash_v1(self.chain, account),
            TypedVersion::V2 => self.execution.message_hash_v2(self.chain, account),
        }
    }
}

/// Why a document is none of an outside execution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypedDataError {
    /// Its shape.
    #[error("the typed data is not of an outside execution: {0}")]
    Shape(String),
    /// Its domain.
    #[error("the typed data's domain is not that of SNIP-9: {0}")]
    Domain(&'static str),
    /// Too much of it.
    #[error("the typed data has {0} calls; at most {CALLS_MAX} are possible")]
    TooManyCalls(usize),
}

/// The document that a wallet signs.
pub fn write(version: TypedVersion, chain: ChainId, execution: &OutsideExecution) -> Value {
    match version {
        TypedVersion::V1 => write_v1(chain, execution),
        TypedVersion::V2 => write_v2(chain, execution),
    }
}

fn hex(felt: Felt) -> String {
    WireFelt(felt).to_string()
}

fn field(name: &str, kind: &str) -> Value {
    json!({ "name": name, "type": kind })
}

fn domain(names: &[&str], kind: &str) -> Vec<Value> {
    names.iter().map(|name| field(name, kind)).collect()
}

fn felts(felts: &[Felt]) -> Vec<String> {
    felts.iter().copied().map(hex).collect()
}

fn write_v1(chain: ChainId, execution: &OutsideExecution) -> Value {
    let call = |call: &OutsideCall| {
        json!({
            "to": call.to, "selector": hex(call.selector),
            "calldata_len": hex(call.calldata.len().into()), "calldata": felts(&call.calldata),
        })
    };
    json!({
        "types": {
            "StarkNetDomain": domain(&["name", "version", "chainId"], "felt"),
            "OutsideExecution": [
                field("caller", "felt"), field("nonce", "felt"), field("execute_after", "felt"),
                field("execute_before", "felt"), field("calls_len", "felt"), field("calls", "OutsideCall*"),
            ],
            "OutsideCall": [
                field("to", "felt"), field("selector", "felt"),
                field("calldata_len", "felt"), field("calldata", "felt*"),
            ],
        },
        "primaryType": "OutsideExecution",
        "domain": { "name": NAME, "version": "1", "chainId": chain },
        "message": {
            "caller": execution.caller, "nonce": hex(execution.nonce),
            "execute_after": hex(execution.execute_after.into()),
            "execute_before": hex(execution.execute_before.into()),
            "calls_len": hex(execution.calls.len().into()),
            "calls": execution.calls.iter().map(call).collect::<Vec<_>>(),
        },
    })
}

fn write_v2(chain: ChainId, execution: &OutsideExecution) -> Value {
    let call = |call: &OutsideCall| {
        json!({
            "To": call.to, "Selector": hex(call.selector), "Calldata": felts(&call.calldata),
        })
    };
    json!({
        "types": {
            "StarknetDomain": domain(&["name", "version", "chainId", "revision"], "shortstring"),
            "OutsideExecution": [
                field("Caller", "ContractAddress"), field("Nonce", "felt"), field("Execute After", "u128"),
                field("Execute Before", "u128"), field("Calls", "Call*"),
            ],
            "Call": [field("To", "ContractAddress"), field("Selector", "selector"), field("Calldata", "felt*")],
        },
        "primaryType": "OutsideExecution",
        "domain": { "name": NAME, "version": "2", "chainId": chain, "revision": "1" },
        "message": {
            "Caller": execution.caller, "Nonce": hex(execution.nonce),
            "Execute After": hex(execution.execute_after.into()),
            "Execute Before": hex(execution.execute_before.into()),
            "Calls": execution.calls.iter().map(call).collect::<Vec<_>>(),
        },
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    #[serde(rename = "types")]
    _types: Value,
    primary_type: String,
    domain: Domain,
    message: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Domain {
    name: String,
    version: Value,
    chain_id: String,
    #[serde(default)]
    revision: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageV1 {
    caller: WireFelt,
    nonce: WireFelt,
    execute_after: WireFelt,
    execute_before: WireFelt,
    calls_len: WireFelt,
    calls: Vec<CallV1>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallV1 {
    to: WireFelt,
    selector: WireFelt,
    calldata_len: WireFelt,
    calldata: Vec<WireFelt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageV2 {
    #[serde(rename = "Caller")]
    caller: WireFelt,
    #[serde(rename = "Nonce")]
    nonce: WireFelt,
    #[serde(rename = "Execute After")]
    execute_after: WireFelt,
    #[serde(rename = "Execute Before")]
    execute_before: WireFelt,
    #[serde(rename = "Calls")]
    calls: Vec<CallV2>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct CallV2 {
    to: WireFelt,
    selector: WireFelt,
    calldata: Vec<WireFelt>,
}

/// Reads a document.
pub fn read(document: &Value) -> Result<Read, TypedDataError> {
    let Document { primary_type, domain, message, .. } =
        Document::deserialize(document).map_err(|error| shape(&error))?;
    if primary_type != "OutsideExecution" {
        return Err(TypedDataError::Shape("its primary type is another".to_owned()));
    }
    let version = version_of(&domain)?;
    let chain = chain_of(&domain.chain_id)?;
    let execution = match version {
        TypedVersion::V1 => read_v1(message)?,
        TypedVersion::V2 => read_v2(message)?,
    };
    if execution.calls.len() > CALLS_MAX {
        return Err(TypedDataError::TooManyCalls(execution.calls.len()));
    }
    Ok(Read { version, chain, execution })
}

fn shape(error: &serde_json::Error) -> TypedDataError {
    TypedDataError::Shape(error.to_string())
}

/// Clients write the same number as text or as number.
fn is(value: &Value, number: u64) -> bool {
    value.as_u64() == Some(number) || value.as_str() == Some(&number.to_string())
}

fn version_of(domain: &Domain) -> Result<TypedVersion, TypedDataError> {
    if domain.name != NAME {
        return Err(TypedDataError::Domain("its name"));
    }
    match &domain.revision {
        Some(revision) if is(revision, 1) && is(&domain.version, 2) => Ok(TypedVersion::V2),
        None if is(&domain.version, 1) => Ok(TypedVersion::V1),
        Some(Value::String(zero)) if zero == "0" && is(&domain.version, 1) => Ok(TypedVersion::V1),
        _ => Err(TypedDataError::Domain("its version and revision")),
    }
}

/// As a felt, or as the short string that it encodes.
fn chain_of(text: &str) -> Result<ChainId, TypedDataError> {
    if text.starts_with("0x") || text.starts_with("0X") {
        let felt = super::felt::read(text).map_err(|_| TypedDataError::Domain("its chain"))?;
        return Ok(ChainId(felt));
    }
    let is_short = (1..=31).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if !is_short {
        return Err(TypedDataError::Domain("its chain"));
    }
    Ok(ChainId(Felt::from_bytes_be_slice(text.as_bytes())))
}

fn moment(felt: WireFelt) -> Result<u64, TypedDataError> {
    let refused = |_| TypedDataError::Shape(format!("{felt} is no moment in seconds"));
    u64::try_from(felt.0).map_err(refused)
}

fn is_length(given: WireFelt, length: usize) -> Result<(), TypedDataError> {
    if given.0 == Felt::from(length) {
        return Ok(());
    }
    Err(TypedDataError::Shape(format!("a length says {given}, and there are {length}")))
}

fn unwrap(felts: Vec<WireFelt>) -> Vec<Felt> {
    felts.into_iter().map(|felt| felt.0).collect()
}

fn read_v1(message: Value) -> Result<OutsideExecution, TypedDataError> {
    let message: MessageV1 = serde_json::from_value(message).map_err(|error| shape(&error))?;
    is_length(message.calls_len, message.calls.len())?;
    let call = |call: CallV1| {
        is_length(call.calldata_len, call.calldata.len())?;
        let (to, selector) = (Address(call.to.0), call.selector.0);
        Ok(OutsideCall { to, selector, calldata: unwrap(call.calldata) })
    };
    Ok(OutsideExecution {
        caller: Address(message.caller.0),
        nonce: message.nonce.0,
        execute_after: moment(message.execute_after)?,
        execute_before: moment(message.execute_before)?,
        calls: message.calls.into_iter().map(call).collect::<Result<_, TypedDataError>>()?,
    })
}

fn read_v2(message: Value) -> Result<OutsideExecution, TypedDataError> {
    let message: MessageV2 = serde_json::from_value(message).map_err(|error| shape(&error))?;
    let call = |call: CallV2| {
        let (to, selector) = (Address(call.to.0), call.selector.0);
        OutsideCall { to, selector, calldata: unwrap(call.calldata) }
    };
    Ok(OutsideExecution {
        caller: Address(message.caller.0),
        nonce: message.nonce.0,
        execute_after: moment(message.execute_after)?,
        execute_before: moment(message.execute_before)?,
        calls: message.calls.into_iter().map(call).collect(),
    })
}
