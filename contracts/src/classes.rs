//! The compiled contracts, embedded, and their hashes. Never reads a file at run time.

use std::sync::{Arc, LazyLock};

use ciro_api::Felt;
use starknet_rust::core::types::{
    FlattenedSierraClass,
    contract::{CompiledClass, SierraClass},
};

/// A class in the form that is declared.
#[derive(Debug, Clone)]
pub struct Class {
    /// What is sent when it is declared.
    pub sierra: Arc<FlattenedSierraClass>,
    /// Its name on chain.
    pub hash: Felt,
    /// The Blake hash of its compiled form, as Starknet 0.14.1 and later want it.
    pub compiled_hash: Felt,
}

/// `CdcPool`: holds all the money.
pub static CDC_POOL: LazyLock<Class> = LazyLock::new(|| {
    read(
        include_str!("../artifacts/CdcPool.contract_class.json"),
        include_str!("../artifacts/CdcPool.compiled_contract_class.json"),
    )
});

/// `JobManager`: decides what is paid and who is slashed.
pub static JOB_MANAGER: LazyLock<Class> = LazyLock::new(|| {
    read(
        include_str!("../artifacts/JobManager.contract_class.json"),
        include_str!("../artifacts/JobManager.compiled_contract_class.json"),
    )
});

/// `Sha256Adjudicator`: recomputes `ciro/sha256`.
pub static SHA256_ADJUDICATOR: LazyLock<Class> = LazyLock::new(|| {
    read(
        include_str!("../artifacts/Sha256Adjudicator.contract_class.json"),
        include_str!("../artifacts/Sha256Adjudicator.compiled_contract_class.json"),
    )
});

/// `Forwarder`: relays what accounts have signed.
pub static FORWARDER: LazyLock<Class> = LazyLock::new(|| {
    read(
        include_str!("../artifacts/Forwarder.contract_class.json"),
        include_str!("../artifacts/Forwarder.compiled_contract_class.json"),
    )
});

/// `FleetAccount`: acts for the owner of a fleet and, within its policy, for the devices.
pub static FLEET_ACCOUNT: LazyLock<Class> = LazyLock::new(|| {
    read(
        include_str!("../artifacts/FleetAccount.contract_class.json"),
        include_str!("../artifacts/FleetAccount.compiled_contract_class.json"),
    )
});

fn read(sierra: &str, compiled: &str) -> Class {
    let sierra: SierraClass =
        serde_json::from_str(sierra).expect("the committed class is a Sierra class");
    let compiled: CompiledClass =
        serde_json::from_str(compiled).expect("the committed compiled class is a CASM class");
    let sierra = sierra.flatten().expect("a Sierra class has an ABI");
    Class {
        hash: sierra.class_hash(),
        sierra: Arc::new(sierra),
        compiled_hash: compiled.class_hash().expect("the committed compiled class can be hashed"),
    }
}
