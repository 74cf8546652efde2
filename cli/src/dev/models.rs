//! The models that every development network offers. Their bytes are compiled in, so the program stands alone.

use std::num::NonZeroU32;

use anyhow::Context;
use ciro_api::{Address, Fri, Level, Manifest, manifest::model_id};
use ciro_contracts::ModelTerms;
use ciro_gateway::models::register::{Terms, register};
use tokio_postgres::Client;

/// A model's published bytes.
pub(super) struct Shipped {
    manifest: &'static [u8],
    artifact: Option<&'static [u8]>,
    pool: &'static str,
    /// The least that can be said: runs of both are short, and nobody has measured the longest.
    expected_run_ms: NonZeroU32,
}

/// What one job costs: a thousandth of a STRK.
const PRICE: Fri = Fri(1_000_000_000_000_000);

/// The pools of the shipped models.
pub(super) const POOLS: [&str; 2] = ["cpu", "cpu.onnx"];

/// Every shipped model.
pub(super) const ALL: &[Shipped] = &[
    Shipped {
        manifest: include_bytes!("../../../worker-pull/models/sha256/manifest.json"),
        artifact: None,
        pool: "cpu",
        expected_run_ms: NonZeroU32::MIN,
    },
    Shipped {
        manifest: include_bytes!("../../../worker-pull/models/sentiment/manifest.json"),
        artifact: Some(include_bytes!("../../../worker-pull/models/sentiment/model.onnx")),
        pool: "cpu.onnx",
        expected_run_ms: NonZeroU32::MIN,
    },
];

impl Shipped {
    /// How it stands in the registry on chain.
    pub(super) fn terms(&self, sha256_adjudicator: Address) -> anyhow::Result<ModelTerms> {
        let manifest = Manifest::parse(self.manifest)?;
        let id = model_id(self.manifest);
        Ok(ModelTerms {
            id,
            level: manifest.level,
            adjudicator: (manifest.level == Level::ReExecutable).then_some(sha256_adjudicator),
            scheme: manifest.scheme,
            input_bytes_max: u32::try_from(manifest.input.bytes_max)
                .context("an input over 4 GiB")?,
            min_price: PRICE,
            min_stake: Fri::ONE_STRK,
            manifest_uri: format!("/v1/models/{id}/manifest"),
        })
    }
}

/// Puts them into the gateway's catalogue.
pub(super) async fn register_off_chain(database: &Client) -> anyhow::Result<()> {
    for model in ALL {
        let terms = Terms {
            price: PRICE,
            pool: model.pool.parse()?,
            expected_run_ms: model.expected_run_ms,
        };
        register(database, model.manifest, model.artifact, &terms)
            .await
            .context("registering a model in the catalogue")?;
    }
    Ok(())
}
