//! Devices: enrolment and tokens.

pub(crate) mod assertion;
pub(crate) mod claim;
pub(crate) mod token;
