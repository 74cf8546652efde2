//! Devices: enrolment and tokens.

pub(crate) mod assertion;
pub(crate) mod challenge;
pub(crate) mod claim;
mod key;
pub(crate) mod list;
pub(crate) mod me;
pub(crate) mod revoke;
pub(crate) mod session;
pub(crate) mod token;

use ciro_api::{DeviceId, ErrorCode, SponsorId, rest::devices::Device};
use tokio_postgres::Row;

use crate::{database, problem::ApiError};

/// The device of a row with `serial`, `sponsor_id` and `revoked_at`. Without one, it does not exist for the caller.
fn shown(id: DeviceId, row: Option<&Row>) -> Result<Device, ApiError> {
    let row = row.ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("there is no device {id} of yours"))
    })?;
    Ok(Device {
        id,
        serial: database::read(row, "serial")?,
        sponsor: SponsorId(row.try_get("sponsor_id")?),
        revoked_at: row.try_get("revoked_at")?,
    })
}
