//! How full the pools are and who works in them: for who starts and stops workers. Signals, never decisions.

pub(crate) mod list;
pub(crate) mod notes;
