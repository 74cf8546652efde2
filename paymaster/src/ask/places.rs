//! How many questions each sponsor's server has from us now.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use ciro_api::SponsorId;

/// Most questions in flight for one sponsor: half of the builds that may be in flight, so that a server that answers late leaves
/// as much room to other sponsors.
pub const PLACES: usize = 32;

/// Too many questions of the sponsor are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{PLACES} questions to the sponsor's server are in flight, as many as there may be")]
pub struct Crowded;

/// Counts them. A sponsor of whom nothing is in flight takes no room.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<SponsorId, usize>>);

/// A place. Given back however the question ends, also when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Place<'a> {
    places: &'a Places,
    sponsor: SponsorId,
}

impl Places {
    pub(super) fn take(&self, sponsor: SponsorId) -> Result<Place<'_>, Crowded> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = taken.entry(sponsor).or_default();
        if *now >= PLACES {
            return Err(Crowded);
        }
        *now += 1;
        Ok(Place { places: self, sponsor })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = taken.get_mut(&self.sponsor) {
            *now -= 1;
            if *now == 0 {
                taken.remove(&self.sponsor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_sponsor_has_so_many_places_and_none_is_lost() {
        let places = Places::default();
        let [one, other] = [1, 2].map(|number| SponsorId(Uuid::from_u128(number)));
        for _ in 0..3 {
            let held: Vec<_> = (0..PLACES).map(|_| places.take(one).unwrap()).collect();
            assert_eq!(places.take(one).err(), Some(Crowded));
            assert!(places.take(other).is_ok(), "another sponsor is served");
            drop(held);
            assert!(
                places.0.lock().unwrap().is_empty(),
                "nothing is kept of who waits for nothing"
            );
        }
    }
}
