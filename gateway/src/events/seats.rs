//! How many event streams are open on this replica, and for whom. Frees a seat when its stream is dropped, however it ends.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ciro_api::{DeviceId, ErrorCode, limits};

use crate::problem::ApiError;

/// The open streams of this process.
#[derive(Clone, Default)]
pub(crate) struct Seats {
    taken: Arc<Mutex<HashMap<DeviceId, usize>>>,
}

/// One open stream.
pub(super) struct Seat {
    seats: Seats,
    device: DeviceId,
}

impl Seats {
    /// A seat for one more stream of the device.
    pub(super) fn take(&self, device: DeviceId) -> Result<Seat, ApiError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&device).copied().unwrap_or(0);
        if own >= limits::EVENT_STREAMS_PER_DEVICE_MAX {
            let most = limits::EVENT_STREAMS_PER_DEVICE_MAX;
            let detail =
                format!("this device has {most} event streams open here; close one of them");
            return Err(ApiError::new(ErrorCode::RateLimited, detail));
        }
        if all >= limits::EVENT_STREAMS_MAX {
            let detail =
                "this replica has all the event streams open that it may; try another, or poll";
            return Err(ApiError::new(ErrorCode::Unavailable, detail));
        }
        taken.insert(device, own + 1);
        Ok(Seat { seats: self.clone(), device })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.get(&self.device).copied().unwrap_or(0).saturating_sub(1);
        if left == 0 {
            taken.remove(&self.device);
        } else {
            taken.insert(self.device, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_device_has_so_many_seats_and_gets_them_back() {
        let seats = Seats::default();
        let device = DeviceId(Uuid::from_u128(1));
        let taken: Vec<Seat> = (0..limits::EVENT_STREAMS_PER_DEVICE_MAX)
            .map(|_| seats.take(device).ok().unwrap())
            .collect();
        assert_eq!(seats.take(device).err().unwrap().code(), ErrorCode::RateLimited);
        let other = seats.take(DeviceId(Uuid::from_u128(2))).ok().unwrap();
        drop(taken);
        assert!(seats.take(device).is_ok());
        drop(other);
        assert!(seats.taken.lock().unwrap().is_empty(), "a seat stayed taken");
    }
}
