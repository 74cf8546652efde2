//! The shapes of the Open Inference Protocol V2 over HTTP, as far as models of bytes need them.
//!
//! Unlike elsewhere, fields that we do not know are let through: clients of this protocol send extensions of their own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerMetadata {
    /// `ciro-network`.
    pub name: String,
    /// The gateway's version.
    pub version: String,
    /// `binary_tensor_data`.
    pub extensions: Vec<String>,
}

/// Whether the server lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerLive {
    /// Always.
    pub live: bool,
}

/// Whether the server can take jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerReady {
    /// Whether its database answers.
    pub ready: bool,
}

/// A tensor that a model takes or gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TensorMetadata {
    /// `INPUT` or `OUTPUT`.
    pub name: String,
    /// `BYTES`.
    pub datatype: String,
    /// `[-1]`: any number of elements, each a job of its own.
    pub shape: Vec<i64>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelMetadata {
    /// Its name without the version, as the catalogue has it.
    pub name: String,
    /// Its versions.
    pub versions: Vec<String>,
    /// `ciro`.
    pub platform: String,
    /// The one input.
    pub inputs: Vec<TensorMetadata>,
    /// The one output.
    pub outputs: Vec<TensorMetadata>,
}

/// Whether jobs for a model are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelReady {
    /// The model's name without its version.
    pub name: String,
    /// Always: a model is registered or unknown.
    pub ready: bool,
}

/// An input tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferInput {
    /// Any: a model has one input.
    pub name: String,
    /// As many elements as these numbers multiply to.
    pub shape: Vec<u64>,
    /// `BYTES`.
    pub datatype: String,
    /// `binary_data_size` when the elements come behind the JSON.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The elements as text, otherwise; nested as the shape is, or flat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub data: Option<Value>,
}

/// An output that is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestedOutput {
    /// `OUTPUT`.
    pub name: String,
    /// `binary_data`: whether it comes behind the JSON.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
}

/// Asks for runs of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferRequest {
    /// Given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `binary_data_output`: whether outputs come behind the JSON unless asked for otherwise.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// Exactly one.
    pub inputs: Vec<InferInput>,
    /// At most one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<RequestedOutput>,
}

/// An output tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferOutput {
    /// `OUTPUT`.
    pub name: String,
    /// One number: the elements.
    pub shape: Vec<u64>,
    /// `BYTES`.
    pub datatype: String,
    /// `binary_data_size` when the elements come behind the JSON; `content_type` `base64` when they are not text.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The elements, otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<String>>,
}

/// What the runs made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferReply {
    /// The model's name without its version.
    pub model_name: String,
    /// Its version.
    pub model_version: String,
    /// As asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `jobs`: the jobs' ids in the order of the elements.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The one output.
    pub outputs: Vec<InferOutput>,
}

/// A refusal in the shape of this protocol. The code is in the header `ciro-error-code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InferError {
    /// What happened.
    pub error: String,
}
