//! Reads our words out of rows. Money travels as text, since no Rust type of the driver holds 39 digits.

use std::{fmt::Display, str::FromStr};

use tokio_postgres::{Config, Row};

/// A value in the database that we did not put there.
#[derive(Debug, thiserror::Error)]
#[error("the column {column} holds a value that is not ours: {detail}")]
pub struct Corrupt {
    column: &'static str,
    detail: String,
}

/// A query that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer or refused.
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
    /// It holds something impossible.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// How long a transaction may do nothing, in milliseconds: between two statements of one pass microseconds.
const STANDSTILL_MS: u32 = 10_000;

/// Has the server end a transaction that stands still, so that a process that was stopped does not keep its locks.
pub fn end_standstills(config: &mut Config) {
    let given = config.get_options().unwrap_or_default();
    config.options(format!("{given} -c idle_in_transaction_session_timeout={STANDSTILL_MS}"));
}

/// A text column as the word it stands for.
pub(crate) fn word<T>(row: &Row, column: &'static str) -> Result<T, Corrupt>
where
    T: FromStr<Err: Display>,
{
    let text: &str = row.try_get(column).map_err(|e| corrupt(column, e))?;
    text.parse().map_err(|e| corrupt(column, e))
}

/// The same for a column that may be null.
pub(crate) fn word_or_null<T>(row: &Row, column: &'static str) -> Result<Option<T>, Corrupt>
where
    T: FromStr<Err: Display>,
{
    let text: Option<&str> = row.try_get(column).map_err(|e| corrupt(column, e))?;
    text.map(str::parse).transpose().map_err(|e| corrupt(column, e))
}

/// An integer column as an unsigned number.
pub(crate) fn count(row: &Row, column: &'static str) -> Result<u64, Corrupt> {
    let number: i64 = row.try_get(column).map_err(|e| corrupt(column, e))?;
    u64::try_from(number).map_err(|e| corrupt(column, e))
}

fn corrupt(column: &'static str, detail: impl Display) -> Corrupt {
    Corrupt { column, detail: detail.to_string() }
}

/// A number of ours as the database's integer. Blocks, nonces and sequence numbers never come near 2^63.
pub(crate) fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
