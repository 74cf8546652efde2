//! `JobManager` as its callers see it: models, worker keys, settlement. Builds calls; sends none.

use ciro_api::{
    Address, Felt, Fri, Level, ModelId, PublicKey, Scheme, Signature, hash::statement::Statement,
};
use starknet_rust::core::{
    codec::Encode,
    types::{ByteArray, Call},
};

use crate::{
    chain::{Chain, ChainError},
    felts::{Felts, selector},
};

/// The contract that decides what is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobManager {
    /// Where it is.
    pub address: Address,
}

/// What a model's registration fixes for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelTerms {
    /// The content hash of its manifest.
    pub id: ModelId,
    /// How strongly its results are verified.
    pub level: Level,
    /// How inputs and outputs are committed to.
    pub scheme: Scheme,
    /// Largest input.
    pub input_bytes_max: u32,
    /// Least price of one result.
    pub min_price: Fri,
    /// Least stake of a worker that runs it.
    pub min_stake: Fri,
    /// Where the manifest lies.
    pub manifest_uri: String,
}

/// A statement and its worker's countersignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedStatement {
    /// What was signed.
    pub statement: Statement,
    /// By the worker's registered key.
    pub signature: Signature,
}

/// The felt that stands for a scheme on chain: its word as a short string.
pub fn scheme_felt(scheme: Scheme) -> Felt {
    Felt::from_bytes_be_slice(scheme.as_str().as_bytes())
}

impl JobManager {
    fn call(self, function: &str, calldata: Vec<Felt>) -> Call {
        Call { to: self.address.0, selector: selector(function), calldata }
    }

    /// Registers a model for good; only the registrar may.
    pub fn register_model(self, model: &ModelTerms) -> Call {
        let mut calldata = vec![
            model.id.0,
            Felt::from(model.level.code()),
            scheme_felt(model.scheme),
            Felt::from(model.input_bytes_max),
            model.min_price.into(),
            model.min_stake.into(),
        ];
        ByteArray::from(model.manifest_uri.as_str())
            .encode(&mut calldata)
            .expect("a byte array can always be written to a vector");
        self.call("register_model", calldata)
    }

    /// Makes `key` the key that signs for the caller.
    pub fn register_worker(self, key: PublicKey) -> Call {
        self.call("register_worker", vec![key.0])
    }

    /// Settles statements; the caller is the operator whose allowance they use up.
    pub fn settle(self, statements: &[SignedStatement]) -> Call {
        let mut calldata = vec![Felt::from(statements.len())];
        for SignedStatement { statement, signature } in statements {
            calldata.extend([
                statement.sponsor.0,
                statement.worker.0,
                Felt::from(statement.seq),
                Felt::from(statement.count),
                statement.amount.into(),
                statement.receipts.0,
                signature.r.0,
                signature.s.0,
            ]);
        }
        self.call("settle", calldata)
    }

    /// The worker's current key.
    pub async fn worker_key(
        self,
        chain: &Chain,
        worker: Address,
    ) -> Result<Option<PublicKey>, ChainError> {
        let key = self.felt(chain, "worker_key", vec![worker.0]).await?;
        Ok((key != Felt::ZERO).then_some(PublicKey(key)))
    }

    /// The number of the last settled statement of this pair.
    pub async fn last_seq(
        self,
        chain: &Chain,
        sponsor: Address,
        worker: Address,
    ) -> Result<u64, ChainError> {
        const DOING: &str = "last_seq";
        let seq = self.felt(chain, DOING, vec![sponsor.0, worker.0]).await?;
        u64::try_from(seq).map_err(|_| ChainError::Unexpected {
            doing: DOING,
            detail: "the number is out of range".to_owned(),
        })
    }

    /// Whether a model of this id is registered.
    pub async fn has_model(self, chain: &Chain, model: ModelId) -> Result<bool, ChainError> {
        // A Cairo Option: 0 is Some, 1 is None.
        let answer = chain.call(self.address, "model", vec![model.0]).await?;
        Ok(answer.first() == Some(&Felt::ZERO))
    }

    async fn felt(
        self,
        chain: &Chain,
        function: &'static str,
        calldata: Vec<Felt>,
    ) -> Result<Felt, ChainError> {
        let answer = chain.call(self.address, function, calldata).await?;
        Felts::new(&answer)
            .felt("answer")
            .map_err(|e| ChainError::Unexpected { doing: function, detail: e.to_string() })
    }
}
