//! Pay waits at least one window and less than two, in two slots for each worker and sponsor.

use crate::components::pending_pay::PendingPayComponent::{Claimed, Errors, Event};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPendingPaySafeDispatcher, IPendingPaySafeDispatcherTrait
};
use crate::pool::CdcPool::Event as PoolEvent;
use super::world::{
    START, WINDOW, World, WorldTrait, act_as, assert_refused, at, busy_world, sponsor, stranger,
    worker
};

fn safe(world: @World) -> IPendingPaySafeDispatcher {
    IPendingPaySafeDispatcher { contract_address: *world.pool_address }
}

#[test]
fn pay_is_locked_until_the_second_bucket_after_it_begins() {
    let world = busy_world();
    world.pay(1, 300);
    assert_eq!(world.pending_of(worker()), (300, 0));
    assert_eq!(world.pay.next_unlock_at(worker(), sponsor()), START + 2 * WINDOW);
    at(START + 2 * WINDOW - 1);
    assert_eq!(world.pending_of(worker()), (300, 0));
    at(START + 2 * WINDOW);
    assert_eq!(world.pending_of(worker()), (0, 300));
    assert_eq!(world.pay.next_unlock_at(worker(), sponsor()), 0);
}

#[test]
fn pay_at_the_end_of_a_bucket_still_waits_a_full_window() {
    let world = busy_world();
    at(START + WINDOW - 1);
    world.pay(1, 300);
    at(START + 2 * WINDOW - 1);
    assert_eq!(world.pending_of(worker()), (300, 0));
    at(START + 2 * WINDOW);
    assert_eq!(world.pending_of(worker()), (0, 300));
}

#[test]
fn anyone_may_claim_for_a_worker_and_only_the_worker_gets_the_money() {
    let world = busy_world();
    world.pay(1, 300);
    world.forget_events();
    at(START + 2 * WINDOW);
    act_as(stranger());
    world.claim(worker());
    let claimed = Claimed { worker: worker(), amount: 300 };
    world.expect_of_pool(PoolEvent::PendingPayEvent(Event::Claimed(claimed)));
    assert_eq!(world.balance_of(worker()), 300);
    assert_eq!(world.balance_of(stranger()), 0);
    assert_eq!(world.pending_of(worker()), (0, 0));
}

#[test]
#[feature("safe_dispatcher")]
fn claiming_locked_pay_is_refused() {
    let world = busy_world();
    world.pay(1, 300);
    at(START + 2 * WINDOW - 1);
    assert_refused(safe(@world).claim(worker(), [sponsor()].span()), Errors::NOTHING_TO_CLAIM);
    assert_eq!(world.balance_of(worker()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn pay_is_claimed_only_once() {
    let world = busy_world();
    world.pay(1, 300);
    at(START + 2 * WINDOW);
    world.claim(worker());
    assert_refused(safe(@world).claim(worker(), [sponsor()].span()), Errors::NOTHING_TO_CLAIM);
    assert_eq!(world.balance_of(worker()), 300);
}

#[test]
#[feature("safe_dispatcher")]
fn claiming_for_someone_without_pay_is_refused() {
    let world = busy_world();
    assert_refused(safe(@world).claim(stranger(), [sponsor()].span()), Errors::NOTHING_TO_CLAIM);
}

#[test]
fn payments_of_one_bucket_share_a_slot() {
    let world = busy_world();
    world.pay(1, 100);
    at(START + WINDOW - 1);
    world.pay(2, 200);
    assert_eq!(world.pending_of(worker()), (300, 0));
    assert_eq!(world.pay.next_unlock_at(worker(), sponsor()), START + 2 * WINDOW);
}

#[test]
fn two_buckets_unlock_one_after_the_other() {
    let world = busy_world();
    world.pay(1, 100);
    at(START + WINDOW);
    world.pay(2, 200);
    assert_eq!(world.pending_of(worker()), (300, 0));
    at(START + 2 * WINDOW);
    assert_eq!(world.pending_of(worker()), (200, 100));
    assert_eq!(world.pay.next_unlock_at(worker(), sponsor()), START + 3 * WINDOW);
    world.claim(worker());
    assert_eq!(world.pending_of(worker()), (200, 0));
    at(START + 3 * WINDOW);
    world.claim(worker());
    assert_eq!(world.balance_of(worker()), 300);
}

#[test]
fn writing_over_an_old_bucket_keeps_its_pay_claimable() {
    let world = busy_world();
    world.pay(1, 100);
    at(START + 2 * WINDOW);
    world.pay(2, 200);
    at(START + 3 * WINDOW);
    world.pay(3, 300);
    assert_eq!(world.pending_of(worker()), (500, 100));
    at(START + 8 * WINDOW);
    world.pay(4, 400);
    assert_eq!(world.pending_of(worker()), (400, 600));
    world.claim(worker());
    assert_eq!(world.balance_of(worker()), 600);
    assert_eq!(world.pay.next_unlock_at(worker(), sponsor()), START + 10 * WINDOW);
}
