//! The journal's bytes: records behind a length and a checksum, and how a torn end is told from damage.
//!
//! Knows nothing of what the records mean and touches no file.

use sha2::{Digest, Sha256};

/// Starts every record, so that a search for records behind a bad place has few places to look at.
const MAGIC: [u8; 4] = *b"CIRJ";
/// Magic, length (u32, little-endian), first 8 bytes of SHA-256 over length and payload.
const HEADER_BYTES: usize = 16;
/// Largest payload: a submitted batch is at most 4 MiB and a snapshot's chunks are smaller.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A payload over the bound.
#[derive(Debug, thiserror::Error)]
#[error("a journal record of {0} bytes is over the bound of {PAYLOAD_BYTES_MAX}")]
pub(crate) struct TooLarge(usize);

/// Bytes that are no record, with a good record behind them: a crash cannot leave that.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal is damaged at byte {at}, with good records behind")]
pub(crate) struct Damaged {
    pub(crate) at: usize,
}

/// What a journal's bytes hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scan<'a> {
    pub(crate) payloads: Vec<&'a [u8]>,
    /// Where the last good record ends; what follows was torn by a crash.
    pub(crate) good_bytes: usize,
}

pub(crate) fn encode(payload: &[u8]) -> Result<Vec<u8>, TooLarge> {
    let too_large = || TooLarge(payload.len());
    let length = u32::try_from(payload.len()).map_err(|_| too_large())?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(too_large());
    }
    let length = length.to_le_bytes();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&checksum(length, payload));
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// Reads every record. One append is on disk before the next begins, so a crash can only tear the end.
pub(crate) fn scan(bytes: &[u8]) -> Result<Scan<'_>, Damaged> {
    let mut scan = Scan { payloads: Vec::new(), good_bytes: 0 };
    while scan.good_bytes < bytes.len() {
        let at = scan.good_bytes;
        let Some(payload) = record_at(bytes, at) else {
            let behind = (at + 1..bytes.len()).any(|later| record_at(bytes, later).is_some());
            return if behind { Err(Damaged { at }) } else { Ok(scan) };
        };
        scan.payloads.push(payload);
        scan.good_bytes += HEADER_BYTES + payload.len();
    }
    Ok(scan)
}

fn record_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?.strip_prefix(&MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let payload_bytes = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if payload_bytes > PAYLOAD_BYTES_MAX {
        return None;
    }
    let payload = rest.get(..payload_bytes)?;
    (checksum(*length, payload) == *sum).then_some(payload)
}

fn checksum(length: [u8; 4], payload: &[u8]) -> [u8; 8] {
    let digest = Sha256::new().chain_update(length).chain_update(payload).finalize();
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest[..8]);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn journal_of(payloads: &[Vec<u8>]) -> Vec<u8> {
        payloads.iter().flat_map(|payload| encode(payload).unwrap()).collect()
    }

    #[test]
    fn a_journal_torn_at_any_byte_keeps_every_record_before_the_tear() {
        let payloads = [b"first".to_vec(), Vec::new(), b"CIRJ inside a payload".to_vec()];
        let bytes = journal_of(&payloads);
        for end in 0..=bytes.len() {
            let scan = scan(&bytes[..end]).unwrap();
            let mut whole = 0;
            let mut good = 0;
            for payload in &payloads {
                if good + HEADER_BYTES + payload.len() > end {
                    break;
                }
                good += HEADER_BYTES + payload.len();
                whole += 1;
            }
            assert_eq!((scan.payloads.len(), scan.good_bytes), (whole, good), "torn at {end}");
        }
    }

    #[test]
    fn a_tail_of_zeros_as_some_file_systems_leave_it_is_a_tear() {
        let mut bytes = journal_of(&[b"kept".to_vec()]);
        let good = bytes.len();
        bytes.resize(good + 4_096, 0);
        let scan = scan(&bytes).unwrap();
        assert_eq!((scan.payloads.len(), scan.good_bytes), (1, good));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_never_read_as_a_record(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5),
            place: prop::sample::Index,
            bit in 0..8_u8,
        ) {
            let mut bytes = journal_of(&payloads);
            let at = place.index(bytes.len());
            bytes[at] ^= 1 << bit;
            match scan(&bytes) {
                Ok(scan) => {
                    prop_assert_eq!(scan.payloads.len(), payloads.len() - 1);
                    prop_assert!(scan.good_bytes <= at);
                }
                Err(damaged) => prop_assert!(damaged.at <= at),
            }
        }

        #[test]
        fn wild_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _scanned = scan(&bytes);
        }
    }
}
