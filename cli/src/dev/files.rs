//! Keys and documents below the state directory. Secrets are made once and readable by their owner alone.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use ciro_api::{Address, Felt};
use ciro_contracts::PrivateKey;
use p256::elliptic_curve::rand_core::{OsRng, RngCore};

/// The directory that services read their keys from.
pub(super) struct Files {
    dir: PathBuf,
}

impl Files {
    pub(super) fn prepare(state_dir: &Path) -> anyhow::Result<Self> {
        let dir = state_dir.join("network");
        for path in [dir.clone(), dir.join("worker")] {
            fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        }
        Ok(Self { dir })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn write_secret(&self, name: &str, text: &str) -> anyhow::Result<()> {
        write_private(&self.path(name), text)
    }

    /// The worker's Stark key. Not its account's: whoever steals it can sign results, but moves no money.
    pub(super) fn worker_key(&self) -> anyhow::Result<PrivateKey> {
        let path = self.path("worker.key");
        if !path.exists() {
            let mut bytes = [0_u8; 31];
            OsRng.fill_bytes(&mut bytes);
            // 31 bytes are below the curve's order; the lowest bit keeps it from being zero.
            bytes[30] |= 1;
            write_private(&path, &format!("{:#x}", Felt::from_bytes_be_slice(&bytes)))?;
        }
        Ok(PrivateKey::from_file(&path)?)
    }

    /// The directory with the keystores of relayers, and the file with their password. Both are made once: a keystore that is
    /// written anew would be slow to open for nothing.
    pub(super) fn relayer_keystores(
        &self,
        relayers: &[(Address, PrivateKey)],
    ) -> anyhow::Result<(PathBuf, PathBuf)> {
        let (directory, password) = (self.path("relayers"), self.path("relayers.password"));
        if !password.exists() {
            write_private(&password, &ciro_gateway::auth::secret::Secret::generate())?;
        }
        fs::create_dir_all(&directory)
            .with_context(|| format!("making {}", directory.display()))?;
        let text = fs::read_to_string(&password)
            .with_context(|| format!("reading {}", password.display()))?;
        for (address, key) in relayers {
            let path = directory.join(format!("{address}.json"));
            if !path.exists() {
                key.write_keystore(&path, text.trim_end_matches('\n'))?;
            }
        }
        Ok((directory, password))
    }

    /// The key that signs the gateway's tokens.
    pub(super) fn token_key(&self) -> anyhow::Result<PathBuf> {
        let path = self.path("token-key.pem");
        if !path.exists() {
            write_private(&path, &ciro_gateway::auth::key_file::fresh()?)?;
        }
        Ok(path)
    }

    /// The key that signs the paymaster's questions to sponsors' servers.
    pub(super) fn policy_webhook_key(&self) -> anyhow::Result<PathBuf> {
        let path = self.path("policy-webhook-key.pem");
        if !path.exists() {
            write_private(&path, &ciro_gateway::auth::key_file::fresh()?)?;
        }
        Ok(path)
    }

    /// What the gateways make ids and webhook secrets from.
    pub(super) fn gateway_secret(&self) -> anyhow::Result<PathBuf> {
        let path = self.path("gateway-secret");
        if !path.exists() {
            write_private(&path, &ciro_gateway::auth::secret::Secret::generate())?;
        }
        Ok(path)
    }
}

/// Writes a file whole, with mode 0600 from its first byte.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .with_context(|| format!("writing {}", partial.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path).with_context(|| format!("writing {}", path.display()))
}
