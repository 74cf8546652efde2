//! The model registry.

use crate::components::model_registry::ModelRegistryComponent::{Errors, Event, ModelRegistered};
use crate::interfaces::job_manager::{
    IModelsDispatcherTrait, IModelsSafeDispatcher, IModelsSafeDispatcherTrait
};
use crate::job_manager::JobManager::Event as ManagerEvent;
use crate::types::model::Model;
use starknet::SyscallResult;
use super::world::{
    World, WorldTrait, act_as, assert_refused, empty_world, registrar, sponsor, stranger, worker
};

/// A registration's arguments; a test changes one field to see it refused.
#[derive(Copy, Drop)]
struct Terms {
    id: felt252,
    level: u8,
    scheme: felt252,
    input_bytes_max: u32,
    min_price: u128,
}

fn good() -> Terms {
    Terms { id: 'model', level: 1, scheme: 'poseidon', input_bytes_max: 4_096, min_price: 10 }
}

fn uri() -> ByteArray {
    "https://models.example/sentiment-int8/manifest.json"
}

#[feature("safe_dispatcher")]
fn try_register(world: @World, terms: Terms) -> SyscallResult<()> {
    let Terms { id, level, scheme, input_bytes_max, min_price } = terms;
    IModelsSafeDispatcher { contract_address: *world.manager_address }
        .register_model(id, level, scheme, input_bytes_max, min_price, 600, uri())
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
    try_register(@world, good()).unwrap();
    let model = Model {
        level: 1,
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
    try_register(@world, Terms { level: 0, scheme: 'sha256', ..good() }).unwrap();
    assert_eq!(world.models.model('model').unwrap().level, 0);
}

#[test]
fn only_the_registrar_registers_models() {
    let world = empty_world();
    for caller in array![
        stranger(), sponsor(), worker(), world.pool_address
    ] {
        act_as(caller);
        assert_refused(try_register(@world, good()), Errors::ONLY_REGISTRAR);
    };
    assert_eq!(world.models.model('model'), Option::None);
}

#[test]
fn a_registration_cannot_be_changed() {
    let world = registrar_world();
    try_register(@world, good()).unwrap();
    let changed = Terms { min_price: 11, ..good() };
    assert_refused(try_register(@world, changed), Errors::ALREADY_REGISTERED);
    assert_eq!(world.models.model('model').unwrap().min_price, 10);
}

#[test]
fn bad_terms_are_refused() {
    let world = registrar_world();
    let bad = array![
        (Terms { id: 0, ..good() }, Errors::ID_IS_ZERO),
        (Terms { level: 2, ..good() }, Errors::LEVEL_UNKNOWN),
        (Terms { level: 255, ..good() }, Errors::LEVEL_UNKNOWN),
        (Terms { scheme: 'keccak', ..good() }, Errors::SCHEME_UNKNOWN),
        (Terms { scheme: 0, ..good() }, Errors::SCHEME_UNKNOWN),
        (Terms { input_bytes_max: 0, ..good() }, Errors::INPUT_MAX_IS_ZERO),
        (Terms { min_price: 0, ..good() }, Errors::PRICE_IS_ZERO),
    ];
    for (terms, reason) in bad {
        assert_refused(try_register(@world, terms), reason);
    };
    assert_eq!(world.models.model('model'), Option::None);
}
