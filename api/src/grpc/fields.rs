//! Reads single fields. What protobuf cannot require is required here.

use std::{fmt::Display, str::FromStr};

use crate::problem::{ErrorCode, Problem};

/// The refusal of one field.
pub(super) fn unusable(pointer: &str, detail: impl Display) -> Problem {
    Problem::new(ErrorCode::InvalidRequest, "the message has a field that cannot be used")
        .at(pointer, detail.to_string())
}

/// A message that must be there.
pub(super) fn required<T>(pointer: &str, given: Option<T>) -> Result<T, Problem> {
    given.ok_or_else(|| unusable(pointer, "missing"))
}

/// A word that must be there: an id, a felt, an amount.
pub(super) fn read<T: FromStr<Err: Display>>(pointer: &str, text: &str) -> Result<T, Problem> {
    if text.is_empty() {
        return Err(unusable(pointer, "missing"));
    }
    text.parse().map_err(|error| unusable(pointer, error))
}

/// A number of an enum that we know.
pub(super) fn known<T: TryFrom<i32>>(pointer: &str, number: i32) -> Result<T, Problem> {
    number.try_into().map_err(|_| unusable(pointer, format!("{number} is not one of its values")))
}
