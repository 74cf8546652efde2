//! What the worker is told at its start: flags, each with an environment variable. Reads no file.

use std::path::PathBuf;

use ciro_api::{Address, ChainId, Felt, PoolName, PublicKey, felt::parse_felt, limits};
use clap::Args;
use url::Url;

/// The worker's settings.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where the gateway is, for example `http://127.0.0.1:8080`.
    #[arg(long, env = "CIRO_GATEWAY_URL", value_parser = parse_gateway_url)]
    pub gateway_url: Url,
    /// The worker's account on Starknet, as registered and staked.
    #[arg(long, env = "CIRO_WORKER_ADDRESS")]
    pub worker_address: Address,
    /// File with the worker's private Stark key in hex. Must be readable by its owner only (mode 0600).
    #[arg(long, env = "CIRO_WORKER_KEY_FILE")]
    pub worker_key_file: PathBuf,
    /// The chain to sign for, as name (`SN_SEPOLIA`) or felt. A gateway that names another is refused.
    #[arg(long, env = "CIRO_CHAIN_ID", value_parser = parse_chain_id)]
    pub chain_id: ChainId,
    /// The `JobManager` to sign for. A gateway that names another is refused.
    #[arg(long, env = "CIRO_JOB_MANAGER")]
    pub job_manager: Address,
    /// The operator through which statements settle. One that names another is not countersigned.
    #[arg(long, env = "CIRO_OPERATOR_ADDRESS")]
    pub operator_address: Address,
    /// The public key that the operator has registered with the `JobManager` (its view `operator_key`). A statement
    /// without its signature is not countersigned.
    #[arg(long, env = "CIRO_OPERATOR_PUBLIC_KEY")]
    pub operator_public_key: PublicKey,
    /// Where journal, signed statements and model cache live. Losing it loses unsubmitted results, the right to
    /// countersign, and what is needed to settle alone.
    #[arg(long, env = "CIRO_WORKER_STATE_DIR", default_value = ".ciro/worker")]
    pub state_dir: PathBuf,
    /// The pools that this worker serves, best first: at most 16, divided by commas. It may be given a job of any model of
    /// theirs, and fetches what it does not have. A pool of which it can run nothing is left alone.
    #[arg(long, env = "CIRO_WORKER_POOLS", value_delimiter = ',', default_value = "cpu",
          value_parser = clap::value_parser!(PoolName), num_args = 1..=limits::LEASE_POOLS_MAX)]
    pub pools: Vec<PoolName>,
    /// How many models are kept loaded at once. Each holds a thread and its weights.
    #[arg(long, env = "CIRO_WORKER_MODELS", default_value_t = 64,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub models_max: u16,
    /// `libonnxruntime.so`. Without it, ONNX models cannot be run.
    #[arg(long, env = "CIRO_ONNXRUNTIME_LIB")]
    pub onnxruntime_lib: Option<PathBuf>,
    /// How many jobs may be held at once, waiting for their signature included.
    #[arg(long, env = "CIRO_WORKER_SLOTS", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub slots: u16,
    /// How this process is watched.
    #[command(flatten)]
    pub telemetry: ciro_telemetry::Flags,
}

/// This build speaks plain HTTP only, so a TLS URL must fail here and not at every call.
fn parse_gateway_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error: url::ParseError| error.to_string())?;
    if url.scheme() == "http" && url.has_host() {
        Ok(url)
    } else {
        Err("expected http://host:port; put a local TLS proxy before an https gateway".to_owned())
    }
}

/// Reads a chain id as people write it (`SN_SEPOLIA`) or as it travels (`0x534e…`).
fn parse_chain_id(text: &str) -> Result<ChainId, String> {
    if text.starts_with("0x") {
        return parse_felt(text).map(ChainId).map_err(|error| error.to_string());
    }
    if text.is_empty() || text.len() > 31 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a chain id is a 0x felt or 1 to 31 printable ASCII characters".to_owned());
    }
    Ok(ChainId(Felt::from_bytes_be_slice(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_id_is_read_by_name_and_as_felt() {
        let named = parse_chain_id("SN_SEPOLIA").unwrap();
        assert_eq!(named, parse_chain_id("0x534e5f5345504f4c4941").unwrap());
    }

    #[test]
    fn a_gateway_that_this_build_cannot_speak_to_is_refused_at_once() {
        assert!(parse_gateway_url("http://127.0.0.1:8080").is_ok());
        for bad in ["https://gateway.example", "ftp://x", "127.0.0.1:8080", ""] {
            assert!(parse_gateway_url(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn a_chain_id_that_fits_no_felt_is_refused() {
        for bad in ["", "0x", "a name with blanks", "SN_AVERYVERYVERYVERYLONGCHAINNAME"] {
            assert!(parse_chain_id(bad).is_err(), "{bad} was accepted");
        }
    }
}
