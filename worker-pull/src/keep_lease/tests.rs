use ciro_api::{
    Drain, Felt, Fri, ModelId,
    rest::{Base64, leases::HeartbeatResult},
};

use super::*;
use crate::attest::tests::fence;

const TTL: Duration = Duration::from_secs(30);

fn lease(job: u128, run_within: Duration) -> Lease {
    Lease {
        fence: fence(job, 1),
        model: ModelId(Felt::ONE),
        input: Base64(Vec::new()),
        price_fri: Fri(1),
        ttl_ms: u64::try_from(TTL.as_millis()).unwrap(),
        run_within_ms: u64::try_from(run_within.as_millis()).unwrap(),
        trace: None,
    }
}

fn reply(leases: &[&Lease], state: LeaseState) -> HeartbeatReply {
    let result = |lease: &&Lease| HeartbeatResult { lease: lease.fence.lease, state };
    HeartbeatReply {
        results: leases.iter().map(result).collect(),
        ttl_ms: 30_000,
        drain: Drain::None,
    }
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

#[test]
fn a_lease_counts_from_when_its_request_was_sent() {
    let (held, sent) = (Held::default(), Instant::now());
    let lease = lease(1, minutes(5));
    let received = sent + Duration::from_secs(20);
    assert!(!held.take(&lease, sent, received));
    assert!(held.may_go_on(lease.fence, sent + Duration::from_secs(29)));
    assert!(!held.may_go_on(lease.fence, sent + TTL));
}

#[test]
fn heartbeats_come_every_third_of_the_lease_and_at_once_after_a_long_poll() {
    let (held, sent) = (Held::default(), Instant::now());
    held.take(&lease(1, minutes(5)), sent, sent);
    assert_eq!(held.first_beat(), Some(sent + TTL / 3));
    let received = sent + Duration::from_secs(20);
    held.take(&lease(2, minutes(5)), sent, received);
    assert_eq!(held.first_beat(), Some(sent + TTL / 3));
    held.release([fence(1, 1)]);
    assert_eq!(held.first_beat(), Some(received));
}

#[test]
fn a_heartbeat_extends_from_when_it_was_sent_and_never_past_the_run_deadline() {
    let (held, sent) = (Held::default(), Instant::now());
    let lease = lease(1, Duration::from_secs(45));
    held.take(&lease, sent, sent);
    let beat = sent + Duration::from_secs(25);
    held.beaten(
        &[lease.fence],
        &reply(&[&lease], LeaseState::Ok),
        beat,
        beat + Duration::from_secs(2),
    );
    assert!(held.may_go_on(lease.fence, sent + Duration::from_secs(44)));
    assert!(!held.may_go_on(lease.fence, sent + Duration::from_secs(46)));
}

#[test]
fn a_lost_lease_stops_its_run_and_its_heartbeats() {
    let (held, now) = (Held::default(), Instant::now());
    let (mine, lost) = (lease(1, minutes(5)), lease(2, minutes(5)));
    held.take(&mine, now, now);
    held.take(&lost, now, now);
    held.beaten(&[lost.fence], &reply(&[&lost], LeaseState::Lost), now, now);
    assert!(!held.may_go_on(lost.fence, now));
    assert!(held.may_go_on(mine.fence, now));
    assert_eq!(held.fences(), [mine.fence]);
}

#[test]
fn past_its_deadline_a_run_is_given_up_and_a_signed_result_is_not() {
    let (held, now) = (Held::default(), Instant::now());
    held.take(&lease(1, minutes(5)), now, now);
    held.take(&lease(2, minutes(5)), now, now);
    held.signed([fence(2, 1)]);
    held.give_up_expired(now + TTL);
    assert_eq!(held.fences(), [fence(2, 1)]);
}

#[test]
fn a_grant_found_again_after_its_time_is_reported_as_late() {
    let (held, sent) = (Held::default(), Instant::now());
    let lease = lease(1, minutes(5));
    let received = sent + minutes(1);
    assert!(held.take(&lease, sent, received));
    assert!(!held.may_go_on(lease.fence, received));
    held.beaten(&[lease.fence], &reply(&[&lease], LeaseState::Ok), received, received);
    assert!(held.may_go_on(lease.fence, received));
}

#[test]
fn an_answer_for_a_lease_that_is_not_held_changes_nothing() {
    let (held, now) = (Held::default(), Instant::now());
    let stranger = lease(9, minutes(5));
    held.beaten(&[stranger.fence], &reply(&[&stranger], LeaseState::Ok), now, now);
    assert_eq!(held.first_beat(), None);
}

#[test]
fn jobs_granted_together_share_a_lease_id_and_are_lost_one_by_one() {
    let (held, now) = (Held::default(), Instant::now());
    let (mine, mut lost) = (lease(1, minutes(5)), lease(2, minutes(5)));
    lost.fence.lease = mine.fence.lease;
    held.take(&mine, now, now);
    held.take(&lost, now, now);
    assert_eq!(held.fences().len(), 2);
    let mut answer = reply(&[&lost, &mine], LeaseState::Ok);
    answer.results[0].state = LeaseState::Lost;
    held.beaten(&[lost.fence, mine.fence], &answer, now, now);
    assert_eq!(held.fences(), [mine.fence]);
}

#[test]
fn a_canceled_job_is_given_back_unless_its_result_is_signed() {
    let (held, sent) = (Held::default(), Instant::now());
    let (running, done) = (lease(1, minutes(5)), lease(2, minutes(5)));
    for one in [&running, &done] {
        held.take(one, sent, sent);
    }
    held.signed([done.fence]);
    let asked = [running.fence, done.fence];
    let unwanted = held.beaten(&asked, &reply(&[&running, &done], LeaseState::Cancel), sent, sent);
    assert_eq!(unwanted, [running.fence]);
    assert!(!held.may_go_on(running.fence, sent));
    assert!(held.may_go_on(done.fence, sent));
}
