//! Reads and writes CBOR (RFC 8949). A body is checked as a whole before anything is made of it: it is one well-formed item,
//! nested no deeper than the reader's 256 levels, and nothing follows it. No claimed length is believed: memory is taken for
//! bytes that are there.

use std::convert::Infallible;

use cbor4ii::{
    core::{
        RawValue,
        dec::{self, Decode, Read},
        types,
        utils::SliceReader,
    },
    serde::{DecodeError, Deserializer},
};
use ciro_api::{ErrorCode, Problem};
use serde::{Serialize, de::DeserializeOwned};

use crate::{extract, problem::ApiError};

/// Ends what has no length.
const BREAK: u8 = 0xff;

/// A document could not be written.
#[derive(Debug, thiserror::Error)]
#[error("a document cannot be written as CBOR: {0}")]
pub(crate) struct WriteError(String);

/// Writes a document.
pub(crate) fn write(value: &impl Serialize) -> Result<Vec<u8>, WriteError> {
    cbor4ii::serde::to_vec(Vec::new(), value).map_err(|error| WriteError(error.to_string()))
}

/// Reads a document; what it refuses it points at, from the root of `bytes`.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    check(bytes)?;
    let mut reader = Deserializer::new(SliceReader::new(bytes));
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = extract::pointer(error.path());
        let problem =
            Problem::new(ErrorCode::InvalidRequest, "the body has a field that cannot be used");
        ApiError::from(problem.at(pointer, explain(error.into_inner())))
    })?;
    // The reader takes a word for a choice with its content behind it; an item in the wrong place stays over.
    if is_over(&mut reader.into_inner()) {
        return Ok(value);
    }
    let problem = Problem::new(ErrorCode::InvalidRequest, "the body has a field of another shape");
    Err(problem.at("/", "a choice between fields is a map with one key").into())
}

/// Whether it is one well-formed item and nothing else.
pub(crate) fn check(bytes: &[u8]) -> Result<(), ApiError> {
    let whole = RawValue::decode(&mut SliceReader::new(bytes)).map_err(|e| not_cbor(&e))?;
    let length = whole.as_bytes().len();
    if length == bytes.len() {
        return Ok(());
    }
    let detail = format!("the body is one CBOR item; more follows it at byte {length}");
    Err(ApiError::new(ErrorCode::InvalidCbor, detail))
}

/// The members of a map that was checked, each as it came: what they are is for whoever reads them.
pub(crate) fn members<'a>(
    bytes: &'a [u8],
    known: &[&str],
) -> Result<Vec<(&'a str, &'a [u8])>, ApiError> {
    let mut reader = SliceReader::new(bytes);
    let length = types::Map::len(&mut reader).map_err(|e| wrong("/", &e))?;
    let mut members: Vec<(&str, &[u8])> = Vec::with_capacity(known.len());
    while another(&mut reader, length, members.len()) {
        let name = <&str>::decode(&mut reader).map_err(|e| wrong("/", &e))?;
        let at = || format!("/{}", name.chars().take(80).collect::<String>());
        if !known.contains(&name) {
            return Err(refuse(at(), format!("unknown field, expected one of {known:?}")));
        }
        if members.iter().any(|(earlier, _)| *earlier == name) {
            return Err(refuse(at(), "the same field twice".to_owned()));
        }
        let value = RawValue::decode(&mut reader).map_err(|e| wrong(&at(), &e))?;
        members.push((name, value.as_bytes()));
    }
    Ok(members)
}

/// Up to `most` elements of an array that was checked, each as it came; `pointer` says where the array stood.
pub(crate) fn elements<'a>(
    bytes: &'a [u8],
    most: usize,
    pointer: &str,
) -> Result<Vec<&'a [u8]>, ApiError> {
    let mut reader = SliceReader::new(bytes);
    let length = types::Array::len(&mut reader).map_err(|e| wrong(pointer, &e))?;
    let mut elements = Vec::new();
    while another(&mut reader, length, elements.len()) {
        if elements.len() == most {
            return Err(refuse(pointer.to_owned(), format!("at most {most} items")));
        }
        let value = RawValue::decode(&mut reader).map_err(|e| wrong(pointer, &e))?;
        elements.push(value.as_bytes());
    }
    Ok(elements)
}

/// Whether one more follows: by the count, or by what comes next where there is none.
fn another(reader: &mut SliceReader<'_>, length: Option<usize>, seen: usize) -> bool {
    if let Some(length) = length {
        return seen < length;
    }
    let Ok(next) = reader.fill(1);
    if next.as_ref() != [BREAK] {
        return true;
    }
    reader.advance(1);
    false
}

fn is_over(reader: &mut SliceReader<'_>) -> bool {
    let Ok(rest) = reader.fill(1);
    rest.as_ref().is_empty()
}

fn explain(error: DecodeError<Infallible>) -> String {
    match error {
        DecodeError::Custom(text) => text.into(),
        DecodeError::Core(cause) => describe(&cause),
    }
}

fn describe(cause: &dec::Error<Infallible>) -> String {
    match cause {
        dec::Error::Mismatch { name, .. } | dec::Error::Unsupported { name, .. } => {
            format!("another kind of value, expected {name}")
        }
        dec::Error::CastOverflow { .. } | dec::Error::ArithmeticOverflow { .. } => {
            "the number is out of range".to_owned()
        }
        dec::Error::RequireUtf8 { .. } => "the text is not UTF-8".to_owned(),
        dec::Error::DepthOverflow { .. } => "nested too deep".to_owned(),
        dec::Error::Eof { .. }
        | dec::Error::RequireLength { .. }
        | dec::Error::LengthOverflow { .. } => "it ends before its own end".to_owned(),
        _ => "it cannot be read".to_owned(),
    }
}

fn not_cbor(cause: &dec::Error<Infallible>) -> ApiError {
    let detail = format!("the body is not well-formed CBOR: {}", describe(cause));
    ApiError::new(ErrorCode::InvalidCbor, detail)
}

fn wrong(pointer: &str, cause: &dec::Error<Infallible>) -> ApiError {
    refuse(pointer.to_owned(), describe(cause))
}

fn refuse(pointer: String, detail: String) -> ApiError {
    let problem =
        Problem::new(ErrorCode::InvalidRequest, "the body has a field that cannot be used");
    problem.at(pointer, detail).into()
}

#[cfg(test)]
mod tests;
