//! The two roles, and the timelocked handover of each.

use core::num::traits::Zero;
use crate::components::roles::RolesComponent::{Errors, Event, HandoverAccepted, HandoverProposed};
use crate::interfaces::job_manager::{
    IModelsDispatcherTrait, IModelsSafeDispatcher, IModelsSafeDispatcherTrait,
    IPauseDispatcherTrait, IPauseSafeDispatcher, IPauseSafeDispatcherTrait, IRolesDispatcherTrait,
    IRolesSafeDispatcher, IRolesSafeDispatcherTrait
};
use crate::job_manager::JobManager::Event as ManagerEvent;
use crate::types::parameters::ManagerParameters;
use crate::types::roles::Role;
use starknet::testing::pop_log_raw;
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::world::{
    NOTICE, Parameters, START, WINDOW, World, WorldTrait, act_as, assert_refused, at, deploy,
    empty_world, good_parameters, guardian, operator, registrar, sponsor, stranger, worker
};

const READY: u64 = START + NOTICE;

fn zero() -> ContractAddress {
    Zero::zero()
}

fn heir() -> ContractAddress {
    contract_address_const::<'heir'>()
}

fn second_heir() -> ContractAddress {
    contract_address_const::<'second heir'>()
}

/// Each role with its first holder and the refusal of everybody else.
fn roles() -> Array<(Role, ContractAddress, felt252)> {
    array![
        (Role::Registrar, registrar(), Errors::ONLY_REGISTRAR),
        (Role::Guardian, guardian(), Errors::ONLY_GUARDIAN)
    ]
}

fn quiet_world() -> World {
    let world = empty_world();
    world.forget_events();
    world
}

/// The role is offered to the heir.
fn proposed_world(role: Role, holder: ContractAddress) -> World {
    let world = quiet_world();
    act_as(holder);
    world.roles.propose_handover(role, heir());
    world.forget_events();
    world
}

/// The heir has the role.
fn handed_over_world(role: Role, holder: ContractAddress) -> World {
    let world = proposed_world(role, holder);
    at(READY);
    act_as(heir());
    world.roles.accept_handover(role);
    world.forget_events();
    world
}

fn proposed(role: Role, to: ContractAddress, ready_at: u64) -> ManagerEvent {
    ManagerEvent::RolesEvent(Event::HandoverProposed(HandoverProposed { role, to, ready_at }))
}

fn accepted(role: Role, holder: ContractAddress) -> ManagerEvent {
    ManagerEvent::RolesEvent(Event::HandoverAccepted(HandoverAccepted { role, holder }))
}

fn safe(world: World) -> IRolesSafeDispatcher {
    IRolesSafeDispatcher { contract_address: world.manager_address }
}

#[feature("safe_dispatcher")]
fn try_propose(world: World, caller: ContractAddress, role: Role) -> SyscallResult<()> {
    act_as(caller);
    safe(world).propose_handover(role, caller)
}

#[feature("safe_dispatcher")]
fn try_accept(world: World, caller: ContractAddress, role: Role) -> SyscallResult<()> {
    act_as(caller);
    safe(world).accept_handover(role)
}

#[feature("safe_dispatcher")]
fn try_register(world: World, caller: ContractAddress) -> SyscallResult<()> {
    act_as(caller);
    IModelsSafeDispatcher { contract_address: world.manager_address }
        .register_model('model', 0, zero(), 'sha256', 1, 1, 0, "ipfs://model")
}

#[feature("safe_dispatcher")]
fn try_pause(world: World, caller: ContractAddress) -> SyscallResult<()> {
    act_as(caller);
    IPauseSafeDispatcher { contract_address: world.manager_address }.pause()
}

fn assert_state(world: World, role: Role, holder: ContractAddress, offer: (ContractAddress, u64)) {
    assert_eq!(world.roles.holder_of(role), holder);
    assert_eq!(world.roles.proposed_handover_of(role), offer);
}

fn assert_silent(world: World) {
    assert!(pop_log_raw(world.manager_address).is_none(), "the JobManager emitted something");
}

/// Sees this one refused as nobody's successor, with nothing changed.
fn assert_no_successor(world: World, caller: ContractAddress, role: Role, holder: ContractAddress) {
    let offer = world.roles.proposed_handover_of(role);
    assert_refused(try_accept(world, caller, role), Errors::ONLY_SUCCESSOR);
    act_as(stranger());
    assert_state(world, role, holder, offer);
    assert_silent(world);
}

#[test]
fn a_deployment_names_the_first_holders_and_offers_no_role() {
    let world = empty_world();
    for (role, holder, _) in roles() {
        assert_state(world, role, holder, (zero(), 0));
    };
}

#[test]
fn a_deployment_with_a_role_for_nobody_is_refused() {
    let good = good_parameters();
    for manager in array![
        ManagerParameters { registrar: zero(), ..good.manager },
        ManagerParameters { guardian: zero(), ..good.manager }
    ] {
        assert_refused(deploy(Parameters { manager, ..good }), Errors::HOLDER_IS_ZERO);
    };
}

#[test]
fn a_proposal_is_announced_with_the_moment_it_ripens_and_changes_no_holder() {
    for (
        role, holder, _
    ) in roles() {
        let world = quiet_world();
        act_as(holder);
        world.roles.propose_handover(role, heir());
        world.expect_of_manager(proposed(role, heir(), READY));
        assert_silent(world);
        assert_state(world, role, holder, (heir(), READY));
    };
}

#[test]
fn a_proposal_of_one_role_leaves_the_other_alone() {
    let world = proposed_world(Role::Registrar, registrar());
    assert_state(world, Role::Guardian, guardian(), (zero(), 0));
    at(READY);
    assert_no_successor(world, heir(), Role::Guardian, guardian());
    assert_eq!(world.roles.proposed_handover_of(Role::Registrar), (heir(), READY));
}

#[test]
fn handover_events_have_the_role_as_a_key() {
    for (
        role, holder, _
    ) in roles() {
        let world = quiet_world();
        act_as(holder);
        world.roles.propose_handover(role, heir());
        let (keys, data) = pop_log_raw(world.manager_address).unwrap();
        let number = match role {
            Role::Registrar => 0,
            Role::Guardian => 1,
        };
        assert_eq!(keys, [selector!("HandoverProposed"), number].span());
        assert_eq!(data, [heir().into(), READY.into()].span());
    };
}

#[test]
fn only_the_holder_proposes() {
    for (
        role, holder, reason
    ) in roles() {
        let world = quiet_world();
        for caller in array![
            stranger(), heir(), sponsor(), worker(), operator(), world.pool_address
        ] {
            assert_refused(try_propose(world, caller, role), reason);
        };
        assert_state(world, role, holder, (zero(), 0));
        assert_silent(world);
    };
}

#[test]
fn neither_holder_proposes_the_other_role() {
    let world = quiet_world();
    assert_refused(try_propose(world, guardian(), Role::Registrar), Errors::ONLY_REGISTRAR);
    assert_refused(try_propose(world, registrar(), Role::Guardian), Errors::ONLY_GUARDIAN);
    assert_state(world, Role::Registrar, registrar(), (zero(), 0));
    assert_state(world, Role::Guardian, guardian(), (zero(), 0));
    assert_silent(world);
}

#[test]
fn a_successor_that_has_not_accepted_cannot_propose() {
    for (
        role, holder, reason
    ) in roles() {
        let world = proposed_world(role, holder);
        at(READY);
        assert_refused(try_propose(world, heir(), role), reason);
        assert_state(world, role, holder, (heir(), READY));
    };
}

#[test]
fn only_the_proposed_accepts() {
    for (
        role, holder, _
    ) in roles() {
        let world = proposed_world(role, holder);
        at(READY);
        for caller in array![
            stranger(), second_heir(), holder, world.pool_address, zero()
        ] {
            assert_no_successor(world, caller, role, holder);
        };
    };
}

#[test]
fn a_role_that_is_not_offered_is_accepted_by_nobody() {
    for (
        role, holder, _
    ) in roles() {
        let world = quiet_world();
        for caller in array![
            stranger(), holder, zero()
        ] {
            assert_no_successor(world, caller, role, holder);
        };
    };
}

#[test]
fn the_proposed_waits_as_long_as_a_sponsors_notice() {
    for (
        role, holder, _
    ) in roles() {
        let world = proposed_world(role, holder);
        for moment in array![
            START, START + WINDOW, READY - 1
        ] {
            at(moment);
            assert_refused(try_accept(world, heir(), role), Errors::TIMELOCKED);
            assert_state(world, role, holder, (heir(), READY));
            assert_silent(world);
        };
        at(READY);
        try_accept(world, heir(), role).unwrap();
        assert_eq!(world.roles.holder_of(role), heir());
    };
}

#[test]
fn accepting_is_announced_and_uses_the_offer_up() {
    for (
        role, holder, _
    ) in roles() {
        let world = proposed_world(role, holder);
        at(READY);
        act_as(heir());
        world.roles.accept_handover(role);
        world.expect_of_manager(accepted(role, heir()));
        assert_silent(world);
        assert_state(world, role, heir(), (zero(), 0));
    };
}

#[test]
fn an_offer_stays_open_after_it_has_ripened() {
    let world = proposed_world(Role::Guardian, guardian());
    at(READY + 1_000_000_000);
    try_accept(world, heir(), Role::Guardian).unwrap();
    assert_eq!(world.roles.holder_of(Role::Guardian), heir());
}

#[test]
fn a_new_proposal_replaces_the_old_one_and_restarts_the_delay() {
    for (
        role, holder, _
    ) in roles() {
        let world = proposed_world(role, holder);
        at(READY - 1);
        act_as(holder);
        world.roles.propose_handover(role, second_heir());
        let ready_at = READY - 1 + NOTICE;
        world.expect_of_manager(proposed(role, second_heir(), ready_at));
        at(ready_at - 1);
        assert_no_successor(world, heir(), role, holder);
        assert_refused(try_accept(world, second_heir(), role), Errors::TIMELOCKED);
        at(ready_at);
        try_accept(world, second_heir(), role).unwrap();
        assert_eq!(world.roles.holder_of(role), second_heir());
    };
}

#[test]
fn proposing_the_same_successor_again_restarts_the_delay() {
    let world = proposed_world(Role::Registrar, registrar());
    at(START + 1);
    act_as(registrar());
    world.roles.propose_handover(Role::Registrar, heir());
    at(READY);
    assert_refused(try_accept(world, heir(), Role::Registrar), Errors::TIMELOCKED);
    at(READY + 1);
    try_accept(world, heir(), Role::Registrar).unwrap();
}

#[test]
fn the_zero_address_withdraws_a_proposal() {
    for (
        role, holder, _
    ) in roles() {
        let world = proposed_world(role, holder);
        act_as(holder);
        world.roles.propose_handover(role, zero());
        world.expect_of_manager(proposed(role, zero(), 0));
        assert_state(world, role, holder, (zero(), 0));
        at(READY);
        assert_no_successor(world, heir(), role, holder);
        assert_no_successor(world, zero(), role, holder);
    };
}

#[test]
fn a_ripe_proposal_can_still_be_withdrawn() {
    let world = proposed_world(Role::Guardian, guardian());
    at(READY);
    act_as(guardian());
    world.roles.propose_handover(Role::Guardian, zero());
    world.forget_events();
    assert_no_successor(world, heir(), Role::Guardian, guardian());
}

#[test]
fn accepting_twice_is_refused() {
    for (
        role, holder, _
    ) in roles() {
        let world = handed_over_world(role, holder);
        assert_no_successor(world, heir(), role, heir());
    };
}

#[test]
fn an_accepted_role_is_not_taken_back() {
    for (
        role, holder, reason
    ) in roles() {
        let world = handed_over_world(role, holder);
        assert_refused(try_propose(world, holder, role), reason);
        assert_no_successor(world, holder, role, heir());
    };
}

#[test]
fn the_new_holder_hands_the_role_on_with_a_delay_of_its_own() {
    for (
        role, holder, _
    ) in roles() {
        let world = handed_over_world(role, holder);
        act_as(heir());
        world.roles.propose_handover(role, second_heir());
        world.expect_of_manager(proposed(role, second_heir(), READY + NOTICE));
        at(READY + NOTICE - 1);
        assert_refused(try_accept(world, second_heir(), role), Errors::TIMELOCKED);
        at(READY + NOTICE);
        try_accept(world, second_heir(), role).unwrap();
        assert_state(world, role, second_heir(), (zero(), 0));
    };
}

#[test]
fn the_old_registrar_cannot_register_models_and_the_new_one_can() {
    let world = handed_over_world(Role::Registrar, registrar());
    assert_refused(try_register(world, registrar()), Errors::ONLY_REGISTRAR);
    assert_eq!(world.models.model('model'), Option::None);
    try_register(world, heir()).unwrap();
    assert!(world.models.model('model').is_some());
}

#[test]
fn the_old_guardian_cannot_pause_and_the_new_one_can() {
    let world = handed_over_world(Role::Guardian, guardian());
    assert_refused(try_pause(world, guardian()), Errors::ONLY_GUARDIAN);
    assert_eq!(world.pause.paused_until(), 0);
    try_pause(world, heir()).unwrap();
    assert_eq!(world.pause.paused_until(), READY + WINDOW);
}

#[test]
fn until_the_handover_the_old_holder_keeps_the_power() {
    let world = proposed_world(Role::Registrar, registrar());
    at(READY);
    assert_refused(try_register(world, heir()), Errors::ONLY_REGISTRAR);
    try_register(world, registrar()).unwrap();
}

#[test]
fn the_registrar_cannot_pause_and_the_guardian_cannot_register_models() {
    let world = quiet_world();
    assert_refused(try_pause(world, registrar()), Errors::ONLY_GUARDIAN);
    assert_refused(try_register(world, guardian()), Errors::ONLY_REGISTRAR);
    assert_eq!(world.pause.paused_until(), 0);
    assert_eq!(world.models.model('model'), Option::None);
    assert_silent(world);
}
