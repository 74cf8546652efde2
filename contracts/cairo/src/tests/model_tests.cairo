//! The model registry.

use crate::adjudicators::sha256::Sha256Adjudicator;
use crate::components::model_registry::ModelRegistryComponent::{Errors, Event, ModelRegistered};
use crate::components::roles::RolesComponent::Errors as RolesErrors;
use crate::interfaces::job_manager::{
    IModelsDispatcherTrait, IModelsSafeDispatcher, IModelsSafeDispatcherTrait
};
use crate::job_manager::JobManager::Event as ManagerEvent;
use crate::types::model::Model;
use starknet::syscalls::deploy_syscall;
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::world::{
    World, WorldTrait, act_as, assert_refused, empty_world, registrar, sponsor, stranger, worker
};

/// A registration's arguments; a test changes one field to see it refused.
#[derive(Copy, Drop)]
struct Terms {
    id: felt252,
    level: u8,
    adjudicator: ContractAddress,
    scheme: felt252,
    input_bytes_max: u32,
    min_price: u128,
}

fn zero() -> ContractAddress {
    contract_address_const::<0>()
}

fn good() -> Terms {
    let class = Sha256Adjudicator::TEST_CLASS_HASH.try_into().unwrap();
    let (adjudicator, _) = deploy_syscall(class, 0, [].span(), false).unwrap();
    Terms {
        id: 'model',
        level: 1,
        adjudicator,
        scheme: 'poseidon',
        input_bytes_max: 4_096,
        min_price: 10
    }
}

fn uri() -> ByteArray {
    "https://models.example/sentiment-int8/manifest.json"
}

#[feature("safe_dispatcher")]
fn try_register(world: @World, terms: Terms) -> SyscallResult<()> {
    let Terms { id, level, adjudicator, scheme, input_bytes_max, min_price } = terms;
    IModelsSafeDispatcher { contract_address: *world.manager_address }
        .register_model(id, level, adjudicator, scheme, input_bytes_max, min_price, 600, uri())
}

fn registrar_world() -> World {
    let world = empty_world();
    act_as(registrar());
    world
}

#[test]
fn a_registered_model_is_readable_and_announced() {
    let world = registrar_world();
    assert_eq!(world.models.model('model'), Option::None);
    let terms = good();
    let adjudicator = terms.adjudicator;
    try_register(@world, terms).unwrap();
    let model = Model {
        level: 1,
        adjudicator,
        scheme: 'poseidon',
        input_bytes_max: 4_096,
        min_price: 10,
        min_stake: 600,
        manifest_uri: uri(),
    };
    assert_eq!(world.models.model('model'), Option::Some(model));
    let registered = ModelRegistered {
        model_id: 'model',
        level: 1,
        adjudicator,
        scheme: 'poseidon',
        input_bytes_max: 4_096,
        min_price: 10,
        min_stake: 600,
        manifest_uri: uri(),
    };
    world.expect_of_manager(ManagerEvent::ModelRegistryEvent(Event::ModelRegistered(registered)));
}

#[test]
fn signed_models_and_sha256_are_accepted_too() {
    let world = registrar_world();
    try_register(@world, Terms { level: 0, adjudicator: zero(), scheme: 'sha256', ..good() })
        .unwrap();
    assert_eq!(world.models.model('model').unwrap().level, 0);
}

#[test]
fn only_the_registrar_registers_models() {
    let world = empty_world();
    let good = good();
    for caller in array![
        stranger(), sponsor(), worker(), world.pool_address
    ] {
        act_as(caller);
        assert_refused(try_register(@world, good), RolesErrors::ONLY_REGISTRAR);
    };
    assert_eq!(world.models.model('model'), Option::None);
}

#[test]
fn a_registration_cannot_be_changed() {
    let world = registrar_world();
    let good = good();
    try_register(@world, good).unwrap();
    let changed = Terms { min_price: 11, ..good };
    assert_refused(try_register(@world, changed), Errors::ALREADY_REGISTERED);
    assert_eq!(world.models.model('model').unwrap().min_price, 10);
}

#[test]
fn bad_terms_are_refused() {
    let world = registrar_world();
    let good = good();
    let bad = array![
        (Terms { id: 0, ..good }, Errors::ID_IS_ZERO),
        (Terms { level: 2, ..good }, Errors::LEVEL_UNKNOWN),
        (Terms { level: 255, ..good }, Errors::LEVEL_UNKNOWN),
        (Terms { scheme: 'keccak', ..good }, Errors::SCHEME_UNKNOWN),
        (Terms { scheme: 0, ..good }, Errors::SCHEME_UNKNOWN),
        (Terms { input_bytes_max: 0, ..good }, Errors::INPUT_MAX_IS_ZERO),
        (Terms { min_price: 0, ..good }, Errors::PRICE_IS_ZERO),
        (Terms { adjudicator: zero(), ..good }, Errors::NO_ADJUDICATOR),
        (Terms { level: 0, ..good }, Errors::SURPLUS_ADJUDICATOR),
        (Terms { scheme: 'sha256', ..good }, Errors::SCHEME_NOT_ON_CHAIN),
        (Terms { input_bytes_max: 8_193, ..good }, Errors::INPUT_OVER_ADJUDICATOR),
    ];
    for (terms, reason) in bad {
        assert_refused(try_register(@world, terms), reason);
    };
    assert_eq!(world.models.model('model'), Option::None);
}
