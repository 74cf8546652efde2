//! The operator through which this worker is paid, as the worker was told at its start. Never learnt from a gateway.

use ciro_api::{
    Address, ChainId, PublicKey, Signature,
    hash::{sign::verify, snip12::TypedStruct, statement::Statement},
};

/// An operator and the key that signs statements for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) address: Address,
    pub(crate) key: PublicKey,
}

impl Operator {
    /// Whether this is the operator's signature of `statement` on `chain`.
    pub(crate) fn has_signed(
        &self,
        chain: ChainId,
        statement: &Statement,
        signature: &Signature,
    ) -> bool {
        verify(self.key, &statement.message_hash(chain, self.address), signature)
    }
}

#[cfg(test)]
impl Operator {
    const TEST_KEY: ciro_api::Felt = ciro_api::Felt::from_hex_unchecked("0x0b5e55");

    pub(crate) fn of_test() -> Self {
        let address = Address(ciro_api::Felt::from(0x0b_u8));
        Self { address, key: ciro_api::hash::sign::public_key(&Self::TEST_KEY) }
    }

    pub(crate) fn sign_of_test(&self, chain: ChainId, statement: &Statement) -> Signature {
        let message = statement.message_hash(chain, self.address);
        ciro_api::hash::sign::sign(&Self::TEST_KEY, &message).unwrap()
    }
}
