//! The methods and how their parameters come: by name, by place, in one object or in two, or not at all.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    direct::{DirectTransaction, OutsideTransaction},
    envelope::Call,
    fault::{Fault, FaultCode},
    felt::WireFelt,
    parameters::Parameters,
    transaction::{ExecutableTransaction, UserTransaction},
};

macro_rules! methods {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// What can be asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Method {
            /// Every method.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// On the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

methods! {
    /// Whether requests are taken now.
    IsAvailable = "paymaster_isAvailable";
    /// In what fees may be paid.
    GetSupportedTokens = "paymaster_getSupportedTokens";
    /// What carries a request, and how it stands.
    TrackingIdToLatestHash = "paymaster_trackingIdToLatestHash";
    /// Something to sign, and what it costs.
    BuildTransaction = "paymaster_buildTransaction";
    /// Sends what was signed.
    ExecuteTransaction = "paymaster_executeTransaction";
    /// Whether the service lives. Not of SNIP-29.
    Health = "paymaster_health";
    /// Whether the sponsor would pay, and by which rule. Not of SNIP-29.
    CanSponsor = "paymaster_canSponsor";
    /// Sends what was signed, as calldata. Not of SNIP-29.
    ExecuteDirectTransaction = "paymaster_executeDirectTransaction";
    /// The same as Cartridge's controllers call it. Not of SNIP-29.
    AddExecuteOutsideTransaction = "cartridge_addExecuteOutsideTransaction";
}

/// A call that was understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `paymaster_isAvailable`.
    IsAvailable,
    /// `paymaster_getSupportedTokens`.
    GetSupportedTokens,
    /// `paymaster_trackingIdToLatestHash`.
    TrackingIdToLatestHash(WireFelt),
    /// `paymaster_buildTransaction`.
    BuildTransaction(UserTransaction, Parameters),
    /// `paymaster_executeTransaction`.
    ExecuteTransaction(ExecutableTransaction, Parameters),
    /// `paymaster_health`.
    Health,
    /// `paymaster_canSponsor`.
    CanSponsor(UserTransaction, Parameters),
    /// `paymaster_executeDirectTransaction`.
    ExecuteDirectTransaction(DirectTransaction, Parameters),
    /// `cartridge_addExecuteOutsideTransaction`.
    AddExecuteOutsideTransaction(OutsideTransaction),
}

impl Request {
    /// Understands a call.
    pub fn read(call: &Call) -> Result<Self, Fault> {
        let known = Method::ALL.iter().find(|method| method.name() == call.method);
        let method = known.ok_or_else(|| {
            let names: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
            let detail = format!("the methods are {}", names.join(", "));
            Fault::new(FaultCode::MethodNotFound, detail)
        })?;
        match method {
            Method::IsAvailable => none(call).map(|()| Self::IsAvailable),
            Method::GetSupportedTokens => none(call).map(|()| Self::GetSupportedTokens),
            Method::TrackingIdToLatestHash => tracking_id(call).map(Self::TrackingIdToLatestHash),
            Method::BuildTransaction => {
                pair(call).map(|(transaction, with)| Self::BuildTransaction(transaction, with))
            }
            Method::ExecuteTransaction => {
                pair(call).map(|(transaction, with)| Self::ExecuteTransaction(transaction, with))
            }
            Method::Health => none(call).map(|()| Self::Health),
            Method::CanSponsor => {
                pair(call).map(|(transaction, with)| Self::CanSponsor(transaction, with))
            }
            Method::ExecuteDirectTransaction => pair(call)
                .map(|(transaction, with)| Self::ExecuteDirectTransaction(transaction, with)),
            Method::AddExecuteOutsideTransaction => {
                outside(call).map(Self::AddExecuteOutsideTransaction)
            }
        }
    }
}

fn invalid(detail: impl Into<String>) -> Fault {
    Fault::new(FaultCode::InvalidParams, detail)
}

fn none(call: &Call) -> Result<(), Fault> {
    match &call.params {
        None => Ok(()),
        Some(Value::Array(places)) if places.is_empty() => Ok(()),
        Some(Value::Object(names)) if names.is_empty() => Ok(()),
        Some(_) => Err(invalid(format!("{} takes no parameters", call.method))),
    }
}

fn tracking_id(call: &Call) -> Result<WireFelt, Fault> {
    let only = match &call.params {
        Some(Value::Array(places)) => <&[Value; 1]>::try_from(&places[..]).ok().map(|[one]| one),
        Some(Value::Object(names)) if names.len() == 1 => names.get("tracking_id"),
        _ => None,
    };
    let value = only.ok_or_else(|| invalid("pass `tracking_id` and nothing else"))?;
    read("tracking_id", value.clone())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    transaction: Value,
    parameters: Value,
}

fn pair<T: DeserializeOwned>(call: &Call) -> Result<(T, Parameters), Fault> {
    let expected = || invalid("pass `transaction` and `parameters`, by name or in this order");
    let names = match call.params.clone() {
        Some(Value::Object(names)) => Value::Object(names),
        Some(Value::Array(mut places)) => match (places.len(), places.pop()) {
            (1, Some(names)) => names,
            (2, Some(parameters)) => {
                let transaction = places.pop().ok_or_else(expected)?;
                let names = [("transaction", transaction), ("parameters", parameters)];
                let names = names.map(|(name, value)| (name.to_owned(), value));
                Value::Object(Map::from_iter(names))
            }
            _ => return Err(expected()),
        },
        _ => return Err(expected()),
    };
    let Pair { transaction, parameters } =
        serde_json::from_value(names).map_err(|error| invalid(error.to_string()))?;
    Ok((read("transaction", transaction)?, read("parameters", parameters)?))
}

/// By name, or by place in this order.
const OUTSIDE: [&str; 4] = ["address", "outside_execution", "signature", "fee_source"];

fn outside(call: &Call) -> Result<OutsideTransaction, Fault> {
    let names = match call.params.clone() {
        Some(Value::Object(names)) => Value::Object(names),
        Some(Value::Array(places)) if places.len() <= OUTSIDE.len() => {
            let named = OUTSIDE.iter().map(|name| (*name).to_owned()).zip(places);
            Value::Object(named.collect())
        }
        _ => {
            let detail = format!("pass {}, by name or in this order", OUTSIDE.join(", "));
            return Err(invalid(detail));
        }
    };
    serde_json::from_value(names).map_err(|error| invalid(error.to_string()))
}

fn read<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|error| invalid(format!("`{name}`: {error}")))
}
