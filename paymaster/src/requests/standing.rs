//! Whether those who have part in an operation may have it carried, by what earlier ones have come to.

use ciro_api::{Address, DeviceId, Felt, felt::Digest};
use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use super::desk::{Desk, now};
use crate::{
    reputation::{self, Standing, Subject, Thresholds},
    snip29::{Fault, FaultCode},
};

/// How many operations of a throttled subject may be on their way: as many as ERC-7562 leaves a throttled entity in the mempool
/// (`THROTTLED_ENTITY_MEMPOOL_COUNT`).
const THROTTLED_MAX: i64 = 4;

/// Who has part in it.
pub(super) fn subjects(account: Address, class: Felt, device: Option<DeviceId>) -> Vec<Subject> {
    let mut subjects = vec![Subject::Account(account), Subject::Class(class)];
    subjects.extend(device.map(Subject::Device));
    subjects
}

/// Refuses what a banned subject wants, and what a throttled one has too much of.
pub(super) async fn check(desk: &Desk, subjects: &[Subject]) -> Result<(), Fault> {
    let client = desk.client().await?;
    let standing = reputation::standing(&**client, subjects, &Thresholds::default(), now()).await?;
    match standing {
        Standing::Good => Ok(()),
        Standing::Banned { subject, until } => Err(refused("banned", subject, until)),
        Standing::Throttled { subject, until } => {
            let (account, class, device) = match subject {
                Subject::Account(address) => (Some(address.to_string()), None, None),
                Subject::Class(hash) => (None, Some(Digest(hash).to_string()), None),
                Subject::Device(device) => (None, None, Some(device.0)),
            };
            let row = client
                .query_typed_one(
                    include_str!("on_their_way.sql"),
                    &[(&account, Type::TEXT), (&class, Type::TEXT), (&device, Type::UUID)],
                )
                .await?;
            if row.try_get::<_, i64>(0)? < THROTTLED_MAX {
                return Ok(());
            }
            Err(refused("throttled", subject, until))
        }
    }
}

fn refused(reason: &str, subject: Subject, until: OffsetDateTime) -> Fault {
    let wait = (until - now()).whole_seconds().max(1);
    let data = json!({
        "reason": reason, "retry_after": wait,
        "detail": format!("too many operations of {subject} have failed on chain of late"),
    });
    Fault { code: FaultCode::UnknownError, data: Some(data) }
}
