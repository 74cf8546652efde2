//! What the devices of a fleet may do.

use ciro_api::{Address, Felt, Fri};

use crate::felts::{Felts, FeltsError};

/// Which models devices may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelsAllowed {
    /// Those that the owner has allowed by name.
    Named,
    /// All of them.
    Any,
}

/// One policy for the whole fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Where alone devices may post jobs; nothing: they may do nothing.
    pub job_manager: Option<Address>,
    /// The highest price of a job; below 2^120.
    pub price_max: Fri,
    /// What all devices together may spend on one day since 1970 (UTC); below 2^120.
    pub per_day_max: Fri,
    /// On which models.
    pub models: ModelsAllowed,
}

impl SessionPolicy {
    pub(crate) fn felts(&self) -> Vec<Felt> {
        let job_manager = self.job_manager.map_or(Felt::ZERO, |address| address.0);
        let any = Felt::from(self.models == ModelsAllowed::Any);
        vec![job_manager, self.price_max.into(), self.per_day_max.into(), any]
    }

    pub(super) fn read(felts: &mut Felts<'_>) -> Result<Self, FeltsError> {
        let job_manager = felts.address("job_manager")?;
        let (price_max, per_day_max) = (felts.fri("price_max")?, felts.fri("per_day_max")?);
        let models =
            if felts.truth("any_model")? { ModelsAllowed::Any } else { ModelsAllowed::Named };
        let job_manager = Some(job_manager).filter(|address| address.0 != Felt::ZERO);
        Ok(Self { job_manager, price_max, per_day_max, models })
    }
}
