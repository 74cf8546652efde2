//! JSON-RPC 2.0: one call or several in a body, each answered under its id.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::fault::{Fault, FaultCode};

/// Calls in one body: more cost a client a second request, and us nothing.
const CALLS_MAX: usize = 50;
/// Longest id that is said back.
const ID_BYTES_MAX: usize = 256;

/// What a call is answered under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// As starknet.js counts.
    Number(Number),
    /// As others do.
    Text(String),
    /// Also for what cannot be read.
    Null(()),
}

impl Id {
    /// Of a call whose own id cannot be read.
    pub const NONE: Self = Self::Null(());
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Nothing for a notification, which is not answered.
    pub id: Option<Id>,
    /// Its name.
    pub method: String,
    /// By name or by place; some clients leave them out where there are none.
    pub params: Option<Value>,
}

/// A call that cannot be made, under the id that could still be read.
#[derive(Clone, Debug, PartialEq)]
pub struct MalformedCall {
    /// For the answer.
    pub id: Id,
    /// What is wrong.
    pub fault: Fault,
}

/// Reads a body: its calls, in order, and whether the answers belong into an array.
pub fn read_calls(body: &[u8]) -> Result<(Vec<Result<Call, MalformedCall>>, bool), Fault> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Fault::new(FaultCode::ParseError, error.to_string()))?;
    let Value::Array(calls) = value else {
        return Ok((vec![read_call(value)], false));
    };
    if !(1..=CALLS_MAX).contains(&calls.len()) {
        let detail = format!("a batch has 1 to {CALLS_MAX} calls, not {}", calls.len());
        return Err(Fault::new(FaultCode::InvalidRequest, detail));
    }
    Ok((calls.into_iter().map(read_call).collect(), true))
}

fn read_call(value: Value) -> Result<Call, MalformedCall> {
    let malformed = |id, detail: &str| {
        let fault = Fault::new(FaultCode::InvalidRequest, detail);
        Err(MalformedCall { id, fault })
    };
    let Value::Object(mut members) = value else {
        return malformed(Id::NONE, "a call is an object");
    };
    let id = match members.remove("id").map(read_id) {
        Some(None) => {
            let detail = "an id is a number, null, or a string of at most 256 bytes";
            return malformed(Id::NONE, detail);
        }
        Some(id) => id,
        None => None,
    };
    let answered = id.clone().unwrap_or(Id::NONE);
    if members.remove("jsonrpc") != Some(Value::from("2.0")) {
        return malformed(answered, "`jsonrpc` must be \"2.0\"");
    }
    let Some(Value::String(method)) = members.remove("method") else {
        return malformed(answered, "`method` must be a string");
    };
    let params = members.remove("params");
    if !matches!(params, None | Some(Value::Array(_) | Value::Object(_))) {
        return malformed(answered, "`params` must be an array or an object");
    }
    match members.keys().next() {
        Some(_) => malformed(answered, "a call has `jsonrpc`, `id`, `method` and `params` only"),
        None => Ok(Call { id, method, params }),
    }
}

fn read_id(value: Value) -> Option<Id> {
    match value {
        Value::Number(number) => Some(Id::Number(number)),
        Value::String(text) if text.len() <= ID_BYTES_MAX => Some(Id::Text(text)),
        Value::Null => Some(Id::NONE),
        _ => None,
    }
}

/// The answer to one call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reply {
    jsonrpc: &'static str,
    id: Id,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Result(Value),
    Error(Fault),
}

impl Reply {
    /// What a call gave.
    pub fn new(id: Id, outcome: Result<Value, Fault>) -> Self {
        let outcome = match outcome {
            Ok(result) => Outcome::Result(result),
            Err(fault) => Outcome::Error(fault),
        };
        Self { jsonrpc: "2.0", id, outcome }
    }
}
