//! The settlement statement: what a worker countersigns so that many receipts settle at once.

use starknet_rust_core::types::Felt;

use super::snip12::TypedStruct;
use crate::{
    felt::{Address, Digest},
    money::Fri,
};

/// `count` receipts of one sponsor and one worker, worth `amount` together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who pays: the sponsor's account.
    pub sponsor: Address,
    /// Through whom: the operator's account. No other can settle it.
    pub operator: Address,
    /// Who is paid: the worker's account.
    pub worker: Address,
    /// Place in the sequence of these three, from 1 without gaps: the chain's replay guard.
    pub seq: u64,
    /// How many receipts.
    pub count: u64,
    /// Their sum.
    pub amount: Fri,
    /// Root of their Merkle-sum tree.
    pub receipts: Digest,
    /// The `JobManager` that settles it.
    pub contract: Address,
}

impl TypedStruct for Statement {
    const TYPE: &'static str = concat!(
        r#""Statement"("Sponsor":"ContractAddress","Operator":"ContractAddress","#,
        r#""Worker":"ContractAddress","Seq":"u128","Count":"u128","Amount":"u128","Receipts":"felt","Contract":"ContractAddress")"#
    );

    fn fields(&self) -> Vec<Felt> {
        vec![
            self.sponsor.0,
            self.operator.0,
            self.worker.0,
            Felt::from(self.seq),
            Felt::from(self.count),
            self.amount.into(),
            self.receipts.0,
            self.contract.0,
        ]
    }
}
