//! `JobManager` as its callers see it: models, keys, settlement. Builds calls; sends none.

mod admin;
mod credits;
mod fraud;
mod onchain_jobs;
mod outcomes;

pub use admin::Role;
pub use outcomes::StatementOutcome;

use ciro_api::{
    Address, Felt, Fri, Level, ModelId, PublicKey, Scheme, Signature, hash::statement::Statement,
};
use starknet_rust::core::types::Call;

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
    /// Recomputes it; nothing for a model that is only signed.
    pub adjudicator: Option<Address>,
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

impl SignedStatement {
    fn felts(&self) -> [Felt; 8] {
        let Self { statement, signature } = self;
        [
            statement.sponsor.0,
            statement.worker.0,
            Felt::from(statement.seq),
            Felt::from(statement.count),
            statement.amount.into(),
            statement.receipts.0,
            signature.r.0,
            signature.s.0,
        ]
    }
}

/// A statement that both sides have signed, so that anyone may send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorSignedStatement {
    /// With the worker's signature.
    pub signed: SignedStatement,
    /// By the operator's registered key, over the same struct with the operator as signer.
    pub operator: Signature,
}

/// Bytes as Cairo serialises them: the number of full 31-byte words, the words, the rest and its length.
fn byte_array(bytes: &[u8]) -> Vec<Felt> {
    let words = bytes.chunks_exact(31);
    let rest = words.remainder();
    let mut felts = vec![Felt::from(words.len())];
    felts.extend(words.map(Felt::from_bytes_be_slice));
    felts.extend([Felt::from_bytes_be_slice(rest), Felt::from(rest.len())]);
    felts
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
            model.adjudicator.map_or(Felt::ZERO, |adjudicator| adjudicator.0),
            scheme_felt(model.scheme),
            Felt::from(model.input_bytes_max),
            model.min_price.into(),
            model.min_stake.into(),
        ];
        calldata.extend(byte_array(model.manifest_uri.as_bytes()));
        self.call("register_model", calldata)
    }

    /// Makes `key` the key that signs for the caller.
    pub fn register_worker(self, key: PublicKey) -> Call {
        self.call("register_worker", vec![key.0])
    }

    /// Takes the caller's signing key away.
    pub fn deregister_worker(self) -> Call {
        self.call("deregister_worker", Vec::new())
    }

    /// Makes `key` the key that signs statements for the caller, an operator; `None` takes the key away.
    pub fn register_operator(self, key: Option<PublicKey>) -> Call {
        self.call("register_operator", vec![key.map_or(Felt::ZERO, |key| key.0)])
    }

    /// Settles statements; the caller is the operator whose allowance they use up.
    pub fn settle(self, statements: &[SignedStatement]) -> Call {
        let count = Felt::from(statements.len());
        let felts = statements.iter().flat_map(SignedStatement::felts);
        self.call("settle", [count].into_iter().chain(felts).collect())
    }

    /// Settles statements that `operator` has signed too, whoever sends them.
    pub fn settle_for(self, operator: Address, statements: &[OperatorSignedStatement]) -> Call {
        let mut calldata = vec![operator.0, Felt::from(statements.len())];
        for OperatorSignedStatement { signed, operator } in statements {
            calldata.extend(signed.felts());
            calldata.extend([operator.r.0, operator.s.0]);
        }
        self.call("settle_for", calldata)
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

    /// The key that signs statements for `operator` now; nothing when it has none.
    pub async fn operator_key(
        self,
        chain: &Chain,
        operator: Address,
    ) -> Result<Option<PublicKey>, ChainError> {
        let key = self.felt(chain, "operator_key", vec![operator.0]).await?;
        Ok((key != Felt::ZERO).then_some(PublicKey(key)))
    }

    /// The contract that holds the money.
    pub async fn pool(self, chain: &Chain) -> Result<Address, ChainError> {
        self.felt(chain, "pool", Vec::new()).await.map(Address)
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

#[cfg(test)]
mod tests;
