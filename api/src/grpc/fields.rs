//! Reads single fields. What protobuf cannot require is required here.

use std::{fmt::Display, str::FromStr};

use crate::problem::{ErrorCode, Problem};

/// The refusal of one field.
pub(super) fn unusable<T>(pointer: &str, detail: impl Display) -> Result<T, Box<Problem>> {
    let what = "the message has a field that cannot be used";
    let problem = Problem::new(ErrorCode::InvalidRequest, what);
    Err(Box::new(problem.at(pointer, detail.to_string())))
}

/// A message that must be there.
pub(super) fn required<T>(pointer: &str, given: Option<T>) -> Result<T, Box<Problem>> {
    given.map_or_else(|| unusable(pointer, "missing"), Ok)
}

/// A word that must be there: an id, a felt, an amount.
pub(super) fn read<T: FromStr<Err: Display>>(pointer: &str, text: &str) -> Result<T, Box<Problem>> {
    if text.is_empty() {
        return unusable(pointer, "missing");
    }
    text.parse().or_else(|error| unusable(pointer, error))
}

/// A number of an enum that we know.
pub(super) fn known<T: TryFrom<i32>>(pointer: &str, number: i32) -> Result<T, Box<Problem>> {
    let unknown = |_| unusable(pointer, format!("{number} is not one of its values"));
    number.try_into().or_else(unknown)
}
