//! Signs closed statements as the operator, so that their workers can settle them without us. Never one that says
//! anything else than its receipts do, and never a second time by the same key.

use ciro_api::{
    Address, ChainId, PublicKey, Signature, StatementId,
    hash::{
        receipts::{Receipt, ReceiptsError, SumNode, root},
        sign::{SignError as KeyError, sign as sign_message},
        snip12::TypedStruct,
        statement::Statement,
    },
    rest::statements::StatementDocument,
};
use ciro_contracts::PrivateKey;
use tokio_postgres::{Client, types::Type};
use uuid::Uuid;

use super::document::{documents, ids};
use crate::StoreError;

/// How many statements are read at once: each may have a thousand receipts of some 200 bytes.
const PAGE: i64 = 64;

/// Statements that were not signed. Those that could be are.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The database did not answer or holds something impossible.
    #[error("could not read or record the operator's signatures")]
    Store(#[from] StoreError),
    /// The receipts say something else.
    #[error("statement {statement} is not what its receipts say and was not signed: {detail}")]
    Books {
        /// The statement.
        statement: StatementId,
        /// What differs.
        detail: String,
    },
    /// The receipts make no tree.
    #[error("could not compute the root of statement {statement}")]
    Root {
        /// The statement.
        statement: StatementId,
        /// Why.
        #[source]
        source: ReceiptsError,
    },
    /// The key does not sign.
    #[error("the operator's key does not sign statement {0}")]
    Key(StatementId, #[source] KeyError),
}

impl From<tokio_postgres::Error> for SignError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(StoreError::Database(error))
    }
}

/// An operator, and the key that it has registered to sign statements.
#[derive(Clone, Debug)]
pub struct Signer {
    operator: Address,
    key: PrivateKey,
    chain: ChainId,
}

impl Signer {
    /// Signs for `operator` on `chain`.
    pub fn new(operator: Address, key: PrivateKey, chain: ChainId) -> Self {
        Self { operator, key, chain }
    }

    /// Who signs.
    pub fn operator(&self) -> Address {
        self.operator
    }

    /// What signatures are checked with.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The signature of what a document says, if its receipts say the same.
    fn signature(&self, document: &StatementDocument) -> Result<Signature, SignError> {
        let statement = checked(document)?;
        let message = statement.message_hash(self.chain, self.operator);
        sign_message(self.key.reveal(), &message)
            .map_err(|error| SignError::Key(document.id, error))
    }
}

/// Signs every statement that is neither signed nor over. One that cannot be signed does not keep the others from it;
/// the first such error is returned once the others are signed.
pub async fn sign(client: &Client, signer: &Signer) -> Result<Vec<StatementId>, SignError> {
    let mut done = Vec::new();
    let mut first_error = None;
    let mut after: Option<Uuid> = None;
    loop {
        let rows = client
            .query_typed(include_str!("unsigned.sql"), &[(&after, Type::UUID), (&PAGE, Type::INT8)])
            .await?;
        let page = ids(&rows)?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        for document in documents(client, &page).await? {
            match signer.signature(&document) {
                Ok(signature) if write(client, signer, document.id, &signature).await? => {
                    done.push(document.id);
                }
                Ok(_) => {}
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
    }
    first_error.map_or(Ok(done), Err)
}

/// Takes back what another key has signed, since the chain does not accept it any more: it is signed anew.
pub async fn forget_other_keys(client: &Client, signer: &Signer) -> Result<u64, StoreError> {
    let key = signer.public_key().to_string();
    let forgotten =
        client.execute_typed(include_str!("forget_signatures.sql"), &[(&key, Type::TEXT)]).await?;
    Ok(forgotten)
}

/// The statement as its receipts make it, if that is what it says.
fn checked(document: &StatementDocument) -> Result<Statement, SignError> {
    let statement = document.id;
    let receipts: Vec<Receipt> = document.receipts.iter().map(Receipt::from).collect();
    let SumNode { hash, sum } =
        root(&receipts).map_err(|source| SignError::Root { statement, source })?;
    if u64::try_from(receipts.len()) == Ok(document.count)
        && (sum, hash) == (document.amount_fri, document.root)
    {
        return Ok(document.statement());
    }
    let detail = format!(
        "it says {} receipts, {} fri and root {}; there are {} receipts, {sum} fri and root {hash}",
        document.count,
        document.amount_fri,
        document.root,
        receipts.len(),
    );
    Err(SignError::Books { statement, detail })
}

async fn write(
    client: &Client,
    signer: &Signer,
    statement: StatementId,
    signature: &Signature,
) -> Result<bool, StoreError> {
    let words = [signer.public_key().to_string(), signature.r.to_string(), signature.s.to_string()];
    let written = client
        .execute_typed(
            include_str!("sign.sql"),
            &[
                (&statement.0, Type::UUID),
                (&words[0], Type::TEXT),
                (&words[1], Type::TEXT),
                (&words[2], Type::TEXT),
            ],
        )
        .await?;
    Ok(written == 1)
}
