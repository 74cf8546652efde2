//! Where the servers' programs are: what `make tools` wrote down, unless the environment says otherwise.
//! Never searches or installs anything itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use super::StackError;

/// The resolved paths of everything that a development stack runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolPaths {
    /// `redis-server`, 7 or newer.
    pub redis_server: PathBuf,
    /// The directory with `initdb` and `postgres`, 15 or newer.
    pub postgres_bin_dir: PathBuf,
    /// `starknet-devnet`.
    pub starknet_devnet: PathBuf,
    /// ONNX Runtime's `libonnxruntime.so`.
    pub onnxruntime_lib: PathBuf,
    /// The four `*_GroundTruth.txt` files of human-rated sentences.
    pub corpora_dir: PathBuf,
}

/// `tools.json`. Every field may miss, so that the error can name the one that does.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    redis_server: Option<PathBuf>,
    postgres_bin_dir: Option<PathBuf>,
    starknet_devnet: Option<PathBuf>,
    onnxruntime_lib: Option<PathBuf>,
    corpora_dir: Option<PathBuf>,
}

impl ToolPaths {
    /// Reads `$CIRO_TOOLS/tools.json` (`~/.cache/ciro-network/tools` by default) and the overrides
    /// `CIRO_REDIS_SERVER`, `CIRO_POSTGRES_BIN`, `CIRO_DEVNET`, `CIRO_ONNXRUNTIME_LIB`, `CIRO_CORPORA`.
    pub fn find() -> Result<Self, StackError> {
        Self::find_in(|name| std::env::var_os(name))
    }

    fn find_in(env: impl Fn(&str) -> Option<OsString>) -> Result<Self, StackError> {
        let path = index_path(&env);
        let index = read(&path)?;
        let pick = |tool, variable, indexed: Option<PathBuf>| {
            let found = env(variable)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
                .or(indexed)
                .ok_or_else(|| StackError::ToolUnknown { tool, variable, index: path.clone() })?;
            if found.exists() { Ok(found) } else { Err(StackError::ToolGone { tool, path: found }) }
        };
        Ok(Self {
            redis_server: pick("redis-server", "CIRO_REDIS_SERVER", index.redis_server)?,
            postgres_bin_dir: pick("PostgreSQL", "CIRO_POSTGRES_BIN", index.postgres_bin_dir)?,
            starknet_devnet: pick("starknet-devnet", "CIRO_DEVNET", index.starknet_devnet)?,
            onnxruntime_lib: pick("ONNX Runtime", "CIRO_ONNXRUNTIME_LIB", index.onnxruntime_lib)?,
            corpora_dir: pick("the rated sentences", "CIRO_CORPORA", index.corpora_dir)?,
        })
    }
}

fn index_path(env: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let dir = env("CIRO_TOOLS").filter(|dir| !dir.is_empty()).map_or_else(
        || Path::new(&env("HOME").unwrap_or_default()).join(".cache/ciro-network/tools"),
        PathBuf::from,
    );
    dir.join("tools.json")
}

/// A missing file is an empty one: the overrides may name everything.
fn read(path: &Path) -> Result<Index, StackError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|source| StackError::ToolIndexUnreadable { index: path.to_owned(), source }),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
        Err(err) => Err(StackError::file("read", path)(err)),
    }
}

#[cfg(test)]
mod tests;
