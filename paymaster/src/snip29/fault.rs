//! What goes wrong, in the codes of SNIP-29 and JSON-RPC.

use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::Value;

macro_rules! fault_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $name:literal;)+) => {
        /// Every code that this paymaster answers with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FaultCode {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl FaultCode {
            /// Every code, in the order of its definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// On the wire.
            pub const fn number(self) -> i32 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// As the specification calls it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

fault_codes! {
    /// The body is no JSON.
    ParseError = -32_700, "Parse error";
    /// The JSON is no request.
    InvalidRequest = -32_600, "Invalid Request";
    /// No such method.
    MethodNotFound = -32_601, "Method not found";
    /// The parameters do not fit the method.
    InvalidParams = -32_602, "Invalid params";
    /// Our fault.
    InternalError = -32_603, "Internal error";
    /// Too many requests; the data says when to come back.
    RateLimited = -32_005, "Limit exceeded";
    /// The account is not there and is not to be made, or cannot be one.
    InvalidAddress = 150, "INVALID_ADDRESS";
    /// Fees cannot be paid in this token.
    TokenNotSupported = 151, "TOKEN_NOT_SUPPORTED";
    /// The account does not take the signature.
    InvalidSignature = 153, "INVALID_SIGNATURE";
    /// The signed fee is below what it costs now.
    MaxAmountTooLow = 154, "MAX_AMOUNT_TOO_LOW";
    /// The account's class has no outside execution.
    ClassHashNotSupported = 155, "CLASS_HASH_NOT_SUPPORTED";
    /// It would fail on chain, or a rule forbids it; the data says which.
    TransactionExecutionError = 156, "TRANSACTION_EXECUTION_ERROR";
    /// The time bounds leave no time, or too much.
    InvalidTimeBounds = 157, "INVALID_TIME_BOUNDS";
    /// The account cannot be made so.
    InvalidDeploymentData = 158, "INVALID_DEPLOYMENT_DATA";
    /// No such class.
    InvalidClassHash = 159, "INVALID_CLASS_HASH";
    /// No request has this tracking id.
    InvalidId = 160, "INVALID_ID";
    /// Anything else: the data says what.
    UnknownError = 163, "UNKNOWN_ERROR";
}

impl FaultCode {
    /// Of SNIP-29, which words its messages in one way.
    const fn is_of_snip29(self) -> bool {
        self.number() >= 150
    }
}

/// What is answered in the place of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What kind.
    pub code: FaultCode,
    /// What exactly, for people or machines.
    pub data: Option<Value>,
}

impl Fault {
    /// A fault with a sentence that says which input and what to do.
    pub fn new(code: FaultCode, detail: impl Into<String>) -> Self {
        Self { code, data: Some(Value::String(detail.into())) }
    }

    /// What the chain, or a rule, says against it.
    pub fn execution(error: impl Into<Value>) -> Self {
        let data = serde_json::json!({ "execution_error": error.into() });
        Self { code: FaultCode::TransactionExecutionError, data: Some(data) }
    }

    fn message(&self) -> String {
        let name = self.code.name();
        if self.code.is_of_snip29() {
            format!("An error occurred ({name})")
        } else {
            name.to_owned()
        }
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fault = serializer.serialize_struct("Fault", 3)?;
        fault.serialize_field("code", &self.code.number())?;
        fault.serialize_field("message", &self.message())?;
        match &self.data {
            Some(data) => fault.serialize_field("data", data)?,
            None => fault.skip_field("data")?,
        }
        fault.end()
    }
}
