//! What one listener hears, without any store.

use ciro_api::rest::Base64;

use super::*;

fn entry(epoch: u64, seq: u32) -> Entry {
    Entry { epoch, seq, event: Progress::Output(Base64(vec![1])) }
}

fn found(entries: &[Entry]) -> Found {
    let newest = entries.last().map(|entry| (entry.epoch, entry.seq));
    Found { newest, entries: entries.to_vec() }
}

fn running(epoch: u64) -> Stand {
    Stand { status: JobStatus::Running, epoch }
}

/// What was told, in short words.
fn words(told: &[Told]) -> Vec<String> {
    let word = |told: &Told| match told {
        Told::Status(event) => format!("{} {}", event.status, event.epoch),
        Told::Worker(_, event) => format!("{}-{}", event.epoch, event.seq),
        Told::Restarted(event) => format!("restarted {}", event.epoch),
        Told::Lost(LostEvent { after, next: Some(next) }) => format!("lost {after}..{next}"),
        Told::Lost(LostEvent { after, next: None }) => format!("lost {after}.."),
    };
    told.iter().map(word).collect()
}

#[test]
fn a_run_is_told_in_order_and_a_state_only_once() {
    let queued = Stand { status: JobStatus::Queued, epoch: 0 };
    let mut teller = Teller::new(None, queued);
    assert_eq!(words(&teller.tell(queued, Some(found(&[])))), ["queued 0"]);
    assert!(teller.tell(queued, Some(found(&[]))).is_empty());
    let first = teller.tell(running(1), Some(found(&[entry(1, 1), entry(1, 2)])));
    assert_eq!(words(&first), ["running 1", "1-1", "1-2"]);
    assert_eq!(first[2].id(), Some("1-2".parse().unwrap()));
    assert!(
        teller.tell(running(1), Some(found(&[entry(1, 1), entry(1, 2)]))).is_empty(),
        "told twice"
    );
    assert_eq!(words(&teller.tell(running(1), Some(found(&[entry(1, 3)])))), ["1-3"]);
}

#[test]
fn chunks_of_two_leases_never_mix() {
    let mut teller = Teller::new(None, running(1));
    teller.tell(running(1), Some(found(&[entry(1, 1)])));
    let queued = Stand { status: JobStatus::Queued, epoch: 1 };
    assert_eq!(words(&teller.tell(queued, Some(found(&[entry(1, 1)])))), ["queued 1"]);
    let next = teller.tell(running(2), Some(found(&[entry(1, 2), entry(2, 1)])));
    assert_eq!(words(&next), ["restarted 2", "running 2", "2-1"], "1-2 is void");
    // The row was read before the lease began, and the entry after it.
    let ahead = teller.tell(running(2), Some(found(&[entry(3, 1)])));
    assert_eq!(words(&ahead), ["restarted 3", "3-1"]);
    assert_eq!(words(&teller.tell(running(3), Some(found(&[entry(3, 1)])))), ["running 3"]);
}

#[test]
fn who_comes_back_hears_only_what_is_behind_its_place() {
    let back = |after: &str, stand, entries: &[Entry]| {
        let mut teller = Teller::new(Some(after.parse().unwrap()), stand);
        words(&teller.tell(stand, Some(found(entries))))
    };
    let kept = [entry(2, 1), entry(2, 2), entry(2, 3)];
    assert_eq!(back("2-2", running(2), &kept), ["running 2", "2-3"]);
    assert_eq!(back("1-9", running(2), &kept), ["restarted 2", "running 2", "2-1", "2-2", "2-3"]);
    assert_eq!(back("0-0", running(2), &kept), ["running 2", "2-1", "2-2", "2-3"]);
    assert_eq!(back("2-3", running(2), &kept), ["running 2"]);
    assert_eq!(back("1-done", running(2), &kept)[0], "restarted 2");
    assert_eq!(back("9-9", running(2), &kept), ["running 2", "2-1", "2-2", "2-3"], "no such place");
}

#[test]
fn what_cannot_be_told_any_more_is_told_as_lost() {
    let mut late = Teller::new(None, running(1));
    assert_eq!(
        words(&late.tell(running(1), Some(found(&[entry(1, 7)])))),
        ["running 1", "lost 1-0..1-7", "1-7"]
    );
    // Redis was wiped, once told; then the worker goes on.
    assert_eq!(words(&late.tell(running(1), Some(found(&[])))), ["lost 1-7.."]);
    assert!(late.tell(running(1), Some(found(&[]))).is_empty());
    assert_eq!(
        words(&late.tell(running(1), Some(found(&[entry(1, 9)])))),
        ["lost 1-7..1-9", "1-9"]
    );
    // It was wiped again, and tells from a place before ours.
    assert_eq!(
        words(&late.tell(running(1), Some(Found { newest: Some((1, 2)), entries: vec![] }))),
        ["lost 1-9.."]
    );
    // That Redis is away says nothing about what it holds.
    assert!(late.tell(running(1), None).is_empty());
    let mut quiet = Teller::new(None, running(1));
    assert_eq!(
        words(&quiet.tell(running(1), Some(found(&[])))),
        ["running 1"],
        "nothing was told, so nothing is lost"
    );
}
