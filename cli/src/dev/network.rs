//! What a running development network is made of: the one document that scripts and the demo read.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use ciro_api::{Address, SponsorId};
use ciro_contracts::Deployment;
use serde::{Deserialize, Serialize};

/// The sponsor that pays for the development network's devices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SponsorInfo {
    /// In our ledger.
    pub id: SponsorId,
    /// On chain.
    pub address: Address,
}

/// URLs, addresses and the claim token of a running development network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    /// REST.
    pub gateway_url: String,
    /// Health of the settlement.
    pub paymaster_url: String,
    /// The paymaster for wallets: SNIP-29.
    pub snip29_url: String,
    /// The chain.
    pub rpc_url: String,
    /// The database, with its password: loopback only, private to this directory.
    pub database_url: String,
    /// The index, with its password.
    pub redis_url: String,
    /// What assertions name as audience.
    pub issuer: String,
    /// The contracts' addresses.
    pub contracts: Deployment,
    /// Who pays.
    pub sponsor: SponsorInfo,
    /// Who settles.
    pub operator: Address,
    /// Who works.
    pub worker: Address,
    /// Enrols devices.
    pub claim_token: String,
    /// Asks the paymaster for the sponsor's money, within its policy.
    pub sponsorship_key: String,
    /// Human-rated sentences to try the models on.
    pub corpora_dir: PathBuf,
    /// The process that holds it all.
    pub pid: u32,
}

impl Network {
    /// Writes the document whole, readable by its owner alone.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        super::files::write_private(path, &serde_json::to_string_pretty(self)?)
    }

    /// Reads the document of a running network.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is not a network document", path.display()))
    }

    /// For people.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "gateway    {}   (API at /openapi.json)", self.gateway_url)?;
        writeln!(out, "paymaster  {}/health", self.paymaster_url)?;
        writeln!(
            out,
            "SNIP-29    {}   (x-paymaster-api-key: {})",
            self.snip29_url, self.sponsorship_key
        )?;
        writeln!(out, "chain      {}", self.rpc_url)?;
        writeln!(out, "sponsor    {} ({})", self.sponsor.id, self.sponsor.address)?;
        writeln!(out, "worker     {}", self.worker)?;
        writeln!(out, "CdcPool    {}", self.contracts.pool)?;
        writeln!(out, "JobManager {}", self.contracts.job_manager)?;
        writeln!(out, "claim      {}", self.claim_token)?;
        writeln!(out, "everything is running; Ctrl-C or `make down` ends it")
    }
}
