//! Which model of ours a path of the protocol means. Our names hold a slash and the version, its paths hold neither.

use std::sync::Arc;

use ciro_api::ErrorCode;

use crate::{
    app::App,
    models::{self, Model},
    problem::ApiError,
};

/// What stands for the slash where a path has no room for it.
const SLASH: &str = "--";

/// Name and version of a model.
pub(super) fn parts(model: &Model) -> (&str, &str) {
    model.manifest.name.split_once('@').unwrap_or((&model.manifest.name, ""))
}

/// Every version of the model, or the one that is wanted.
pub(super) async fn find_all(
    app: &App,
    name: &str,
    version: Option<&str>,
) -> Result<Vec<Arc<Model>>, ApiError> {
    let models = models::load(app).await?;
    let found: Vec<Arc<Model>> =
        models.into_iter().filter(|model| is_named(model, name, version)).collect();
    if found.is_empty() {
        let shown: String = name.chars().take(80).collect();
        let detail = format!(
            "there is no model `{shown}`, or not in this version; GET /v1/models lists them, and `/` is written `{SLASH}` here"
        );
        return Err(ApiError::new(ErrorCode::NotFound, detail));
    }
    Ok(found)
}

/// The model that is wanted; without a version, the newest.
pub(super) async fn find(
    app: &App,
    name: &str,
    version: Option<&str>,
) -> Result<Arc<Model>, ApiError> {
    let mut found = find_all(app, name, version).await?;
    found.sort_by_key(|model| ordinal(parts(model).1));
    found.pop().ok_or_else(|| ApiError::new(ErrorCode::NotFound, "there is no model of this name"))
}

fn is_named(model: &Model, name: &str, version: Option<&str>) -> bool {
    let (own_name, own_version) = parts(model);
    let (name, named) = name.split_once('@').map_or((name, None), |(name, v)| (name, Some(v)));
    (name == own_name || name == own_name.replace('/', SLASH))
        && version.is_none_or(|version| version == own_version)
        && named.is_none_or(|version| version == own_version)
}

/// Versions in the order of their numbers: 1.10 is behind 1.9.
fn ordinal(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}
