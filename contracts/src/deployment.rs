//! Where the contracts are on one network: the addresses file. Never talks to the chain.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ciro_api::{Address, ChainId};
use serde::{Deserialize, Serialize};

/// The contracts of one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The chain they are on.
    pub chain_id: ChainId,
    /// `CdcPool`.
    pub pool: Address,
    /// `JobManager`, which the pool deployed.
    pub job_manager: Address,
    /// Recomputes `ciro/sha256` models.
    pub sha256_adjudicator: Address,
    /// The CIRO credits, which `JobManager` mints.
    pub credits: Address,
    /// The token that the pool holds.
    pub token: Address,
    /// Relays what accounts have signed; a network can do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarder: Option<Address>,
    /// How long an operator's allowance lasts before it starts anew.
    pub allowance_epoch_s: u64,
    /// No event of theirs is older than this block.
    pub deployed_at_block: u64,
}

/// An addresses file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentFileError {
    /// It cannot be read.
    #[error("cannot read the deployment file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the deployment file {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not what we write.
    #[error("the deployment file {path} is not valid")]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Deployment {
    /// Reads an addresses file.
    pub fn read(path: &Path) -> Result<Self, DeploymentFileError> {
        let text = fs::read_to_string(path)
            .map_err(|source| DeploymentFileError::Read { path: path.to_owned(), source })?;
        serde_json::from_str(&text)
            .map_err(|source| DeploymentFileError::Content { path: path.to_owned(), source })
    }

    /// Writes an addresses file whole: a reader never sees half of it.
    pub fn write(&self, path: &Path) -> Result<(), DeploymentFileError> {
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|source| DeploymentFileError::Content { path: path.to_owned(), source })?;
        text.push('\n');
        let fresh = path.with_extension("new");
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, path))
            .map_err(|source| DeploymentFileError::Write { path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests;
