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
    /// Who is paid: the worker's account.
    pub worker: Address,
    /// Place in the sequence of this pair, from 1 without gaps: the chain's replay guard.
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
        r#""Statement"("Sponsor":"ContractAddress","Worker":"ContractAddress","Seq":"u128","#,
        r#""Count":"u128","Amount":"u128","Receipts":"felt","Contract":"ContractAddress")"#
    );

    fn fields(&self) -> Vec<Felt> {
        vec![
            self.sponsor.0,
            self.worker.0,
            Felt::from(self.seq),
            Felt::from(self.count),
            self.amount.into(),
            self.receipts.0,
            self.contract.0,
        ]
    }
}
