//! What kind of class a class is.

use ciro_api::Felt;
use starknet_rust::{
    core::types::{BlockId, BlockTag, ContractClass, StarknetError},
    providers::Provider,
};

use super::{Chain, ChainError};
use crate::felts::selector;

/// A class as far as it matters to whoever calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassKind {
    /// Of Cairo 0: its failures cannot be caught.
    Legacy,
    /// With these external functions, by selector, in rising order.
    Sierra(Vec<Felt>),
}

impl ClassKind {
    /// Whether it has an external function of this name. Of a legacy class nobody says.
    pub fn has_function(&self, name: &str) -> bool {
        match self {
            Self::Legacy => false,
            Self::Sierra(functions) => functions.contains(&selector(name)),
        }
    }
}

impl Chain {
    /// The class with this hash, or nothing where none is declared.
    pub async fn class_kind(&self, hash: Felt) -> Result<Option<ClassKind>, ChainError> {
        let request = self.client.get_class(BlockId::Tag(BlockTag::PreConfirmed), hash);
        match self.ask("read a class", request).await {
            Ok(ContractClass::Legacy(_)) => Ok(Some(ClassKind::Legacy)),
            Ok(ContractClass::Sierra(class)) => {
                let external = class.entry_points_by_type.external;
                Ok(Some(ClassKind::Sierra(external.into_iter().map(|e| e.selector).collect())))
            }
            Err(e) if e.refusal() == Some(&StarknetError::ClassHashNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
