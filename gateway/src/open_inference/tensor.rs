//! Reads and writes tensors of bytes, as JSON or behind it (the protocol's binary extension). Believes no length before it
//! has seen the bytes.

use base64::{Engine, engine::general_purpose::STANDARD};
use ciro_api::{
    ErrorCode, Problem, limits,
    rest::open_inference::{InferInput, InferOutput, InferRequest},
};
use serde_json::{Map, Value, json};

use crate::problem::ApiError;

const DATATYPE: &str = "BYTES";
const SIZE: &str = "binary_data_size";
/// How many bytes tell the length of an element.
const PREFIX: usize = 4;

fn refuse(pointer: &str, detail: impl Into<String>) -> ApiError {
    let problem =
        Problem::new(ErrorCode::InvalidRequest, "the request has a part that cannot be used");
    problem.at(pointer, detail).into()
}

/// The JSON and what comes behind it; `header` is `Inference-Header-Content-Length`.
pub(crate) fn split<'a>(
    header: Option<&str>,
    body: &'a [u8],
) -> Result<(&'a [u8], &'a [u8]), ApiError> {
    let Some(text) = header else {
        return Ok((body, &[]));
    };
    text.parse().ok().and_then(|length| body.split_at_checked(length)).ok_or_else(|| {
        refuse(
            "header/Inference-Header-Content-Length",
            "the length of the JSON before the tensors",
        )
    })
}

/// The elements of the one input.
pub(crate) fn read(request: &InferRequest, binary: &[u8]) -> Result<Vec<Vec<u8>>, ApiError> {
    let [input] = &request.inputs[..] else {
        return Err(refuse("/inputs", "a model takes one input"));
    };
    if request.outputs.len() > 1 {
        return Err(refuse("/outputs", "a model gives one output"));
    }
    if input.datatype != DATATYPE {
        return Err(refuse("/inputs/0/datatype", "models take BYTES"));
    }
    let count = input.shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
    let count = count.and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| (1..=limits::INFER_ELEMENTS_MAX).contains(count));
    let count = count.ok_or_else(|| {
        refuse("/inputs/0/shape", format!("1 to {} elements", limits::INFER_ELEMENTS_MAX))
    })?;
    let elements = match input.parameters.get(SIZE) {
        Some(size) => behind(size, binary)?,
        None if binary.is_empty() => inside(input)?,
        None => {
            return Err(refuse(
                "/inputs/0/parameters",
                "what is behind the JSON belongs to no input",
            ));
        }
    };
    if elements.len() != count {
        let detail = format!("the shape says {count} elements and {} are there", elements.len());
        return Err(refuse("/inputs/0/shape", detail));
    }
    Ok(elements)
}

fn behind(size: &Value, binary: &[u8]) -> Result<Vec<Vec<u8>>, ApiError> {
    if size.as_u64().and_then(|size| usize::try_from(size).ok()) != Some(binary.len()) {
        let detail = format!("{} bytes are behind the JSON", binary.len());
        return Err(refuse("/inputs/0/parameters/binary_data_size", detail));
    }
    let broken = || {
        refuse(
            "/inputs/0",
            "an element breaks off: each is 4 bytes of length, the lowest first, and so many bytes",
        )
    };
    let mut elements = Vec::new();
    let mut rest = binary;
    while !rest.is_empty() {
        let (prefix, behind) = rest.split_first_chunk::<PREFIX>().ok_or_else(broken)?;
        let length = usize::try_from(u32::from_le_bytes(*prefix)).unwrap_or(usize::MAX);
        let (element, behind) = behind.split_at_checked(length).ok_or_else(broken)?;
        // A body of empty elements must not become millions of them.
        if elements.len() == limits::INFER_ELEMENTS_MAX {
            return Err(refuse(
                "/inputs/0",
                format!("at most {} elements", limits::INFER_ELEMENTS_MAX),
            ));
        }
        elements.push(element.to_vec());
        rest = behind;
    }
    Ok(elements)
}

fn inside(input: &InferInput) -> Result<Vec<Vec<u8>>, ApiError> {
    let mut elements = Vec::new();
    let data = input.data.as_ref().ok_or_else(|| refuse("/inputs/0/data", "there is none"))?;
    flatten(data, &mut elements)?;
    Ok(elements)
}

fn flatten(data: &Value, elements: &mut Vec<Vec<u8>>) -> Result<(), ApiError> {
    match data {
        Value::Array(items) => items.iter().try_for_each(|item| flatten(item, elements)),
        Value::String(_) if elements.len() == limits::INFER_ELEMENTS_MAX => Err(refuse(
            "/inputs/0/data",
            format!("at most {} elements", limits::INFER_ELEMENTS_MAX),
        )),
        Value::String(text) => {
            elements.push(text.clone().into_bytes());
            Ok(())
        }
        _ => Err(refuse("/inputs/0/data", "BYTES are strings in JSON")),
    }
}

/// Whether the output comes behind the JSON.
pub(super) fn wants_binary(request: &InferRequest) -> bool {
    let says =
        |parameters: &Map<String, Value>, name| parameters.get(name) == Some(&Value::Bool(true));
    match request.outputs.first() {
        Some(output) => says(&output.parameters, "binary_data"),
        None => says(&request.parameters, "binary_data_output"),
    }
}

/// The output tensor, and what goes behind the JSON.
pub(super) fn write(
    request: &InferRequest,
    outputs: &[Vec<u8>],
    is_text: bool,
) -> (InferOutput, Vec<u8>) {
    let name = request.outputs.first().map_or("OUTPUT", |output| &output.name);
    let mut tensor = InferOutput {
        name: name.to_owned(),
        shape: vec![u64::try_from(outputs.len()).unwrap_or(u64::MAX)],
        datatype: DATATYPE.to_owned(),
        parameters: Map::new(),
        data: None,
    };
    if wants_binary(request) {
        let binary: Vec<u8> = outputs.iter().flat_map(|output| prefixed(output)).collect();
        tensor.parameters.insert(SIZE.to_owned(), json!(binary.len()));
        return (tensor, binary);
    }
    let texts: Option<Vec<String>> =
        outputs.iter().map(|output| String::from_utf8(output.clone()).ok()).collect();
    tensor.data = texts.filter(|_| is_text).or_else(|| {
        tensor.parameters.insert("content_type".to_owned(), json!("base64"));
        Some(outputs.iter().map(|output| STANDARD.encode(output)).collect())
    });
    (tensor, Vec::new())
}

fn prefixed(element: &[u8]) -> Vec<u8> {
    // An output is far below 4 GiB.
    let length = u32::try_from(element.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes()[..], element].concat()
}

#[cfg(test)]
mod tests;
