//! The catalogue of models: small, immutable, and read by every job, so cached in memory.

pub(crate) mod get;
pub(crate) mod list;
pub mod register;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use ciro_api::{CostStep, ErrorCode, Fri, Manifest, ModelId, PoolName};
use tokio_postgres::Row;

use crate::{
    app::App,
    database::{self, DatabaseError, read, read_fri},
    problem::ApiError,
};

/// A registered model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: ModelId,
    pub(crate) manifest: Manifest,
    pub(crate) price: Fri,
    /// Whose workers run it.
    pub(crate) pool: PoolName,
    /// How long a run takes there, as expected.
    pub(crate) expected_run_ms: u32,
}

impl Model {
    /// What a run takes of a sponsor's share of the pool.
    pub(crate) fn cost(&self) -> CostStep {
        CostStep::of_run(self.expected_run_ms)
    }
}

/// What this process has seen of the catalogue. A model never changes once registered, so entries never go stale;
/// the number of models is bounded by who may register them.
#[derive(Default)]
pub(crate) struct Catalogue {
    by_id: RwLock<HashMap<ModelId, Arc<Model>>>,
}

impl Catalogue {
    fn get(&self, reference: &str) -> Option<Arc<Model>> {
        let known = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        match reference.parse::<ModelId>() {
            Ok(id) => known.get(&id).cloned(),
            Err(_) => known.values().find(|model| model.manifest.name == reference).cloned(),
        }
    }

    /// What people call a model; for measurements, where a model that this process has not seen yet has no name.
    pub(crate) fn name(&self, id: ModelId) -> String {
        let known = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).map_or_else(String::new, |model| model.manifest.name.clone())
    }

    /// The pools of every model this process knows of, in the order of their names.
    pub(crate) fn pools(&self) -> BTreeSet<PoolName> {
        let known = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        known.values().map(|model| model.pool.clone()).collect()
    }
}

/// Reads the whole catalogue.
pub(crate) async fn load(app: &App) -> Result<Vec<Arc<Model>>, DatabaseError> {
    let client = app.pg.get().await?;
    let rows = database::query(&client, include_str!("models/list.sql"), &[]).await?;
    let models: Vec<Arc<Model>> = rows.iter().map(read_model).collect::<Result<_, _>>()?;
    let mut known = app.catalogue.by_id.write().unwrap_or_else(PoisonError::into_inner);
    known.extend(models.iter().map(|model| (model.id, Arc::clone(model))));
    Ok(models)
}

/// Finds a model by name or id.
pub(crate) async fn find(app: &App, reference: &str) -> Result<Arc<Model>, ApiError> {
    if let Some(model) = app.catalogue.get(reference) {
        return Ok(model);
    }
    // Registered since we last looked, or never.
    load(app).await?;
    app.catalogue.get(reference).ok_or_else(|| {
        let shown: String = reference.chars().take(80).collect();
        let detail = format!("no model `{shown}` is registered; GET /v1/models lists them");
        ciro_api::Problem::new(ErrorCode::UnknownModel, detail).at("/model", "unknown").into()
    })
}

/// Refuses a pool that runs no model.
pub(crate) async fn require_pool(
    app: &App,
    pool: &PoolName,
    pointer: &str,
) -> Result<(), ApiError> {
    if app.catalogue.pools().contains(pool) {
        return Ok(());
    }
    // Its first model may have been registered since we last looked.
    load(app).await?;
    if app.catalogue.pools().contains(pool) {
        return Ok(());
    }
    let detail = format!("no model is in the pool `{pool}`; GET /v1/models tells each model's");
    Err(ciro_api::Problem::new(ErrorCode::UnknownPool, detail).at(pointer, "unknown").into())
}

/// Finds a model that a stored row names: it must be there.
pub(crate) async fn stored(app: &App, id: ModelId) -> Result<Arc<Model>, ApiError> {
    find(app, &id.to_string()).await
}

fn read_model(row: &Row) -> Result<Arc<Model>, DatabaseError> {
    let bytes: Vec<u8> = row.try_get("manifest")?;
    let manifest = Manifest::parse(&bytes)
        .map_err(|error| DatabaseError::Corrupt { column: "manifest", value: error.to_string() })?;
    let run_ms: i64 = row.try_get("expected_run_ms")?;
    Ok(Arc::new(Model {
        id: read(row, "model_id")?,
        manifest,
        price: read_fri(row, "price_fri")?,
        pool: read(row, "pool")?,
        expected_run_ms: u32::try_from(run_ms).unwrap_or(u32::MAX),
    }))
}
