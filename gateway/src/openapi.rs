//! All routes in one list, and the `OpenAPI` document that they make.

mod refine;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use ciro_api::limits;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    app::App, devices, health, jobs, leases, models, results, sponsors, statements, workers,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ciro-network gateway",
        description = "Serverless compute for devices that hold no tokens: a sponsor pays.",
        license(name = "MIT", identifier = "MIT"),
    ),
    servers((url = "/", description = "the gateway that served this document")),
    tags(
        (name = "devices", description = "Enrolment and tokens of devices"),
        (name = "jobs", description = "Jobs as their requester sees them"),
        (name = "sponsors", description = "Budget and usage, for the servers of who pays"),
        (name = "models", description = "The catalogue"),
        (name = "workers", description = "Leases, results and statements"),
        (name = "service", description = "Health and keys"),
    ),
    components(schemas(ciro_api::rest::statements::StatementFilter)),
    modifiers(&Bearer),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let jwt = |of: &str| {
            let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
            SecurityScheme::Http(http.description(Some(of)).build())
        };
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", jwt("A device's token, from `/v1/devices/token`"));
        let session = jwt("A worker's session, from `/v1/workers/session`");
        components.add_security_scheme(refine::WORKER_SESSION, session);
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key of a sponsor, from `ciro sponsor key create`"))
            .build();
        components.add_security_scheme("sponsor_key", SecurityScheme::Http(key));
    }
}

/// Every route, and the document about them.
pub(crate) fn router() -> OpenApiRouter<Arc<App>> {
    let mut router = routes();
    refine::refine(router.get_openapi_mut());
    router
}

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(devices::claim::claim))
        .routes(routes!(devices::token::token))
        .routes(routes!(devices::me::me))
        .routes(routes!(devices::revoke::revoke))
        .routes(routes!(sponsors::me::me))
        .routes(routes!(sponsors::usage::usage))
        .routes(routes!(jobs::submit::submit, jobs::list::list))
        .routes(
            routes!(jobs::batch::batch).layer(DefaultBodyLimit::max(limits::BATCH_BODY_BYTES_MAX)),
        )
        .routes(routes!(jobs::get::get))
        .routes(routes!(jobs::cancel::cancel))
        .routes(routes!(models::list::list))
        .routes(routes!(models::get::manifest))
        .routes(routes!(models::get::artifact))
        .routes(routes!(workers::challenge::challenge))
        .routes(routes!(workers::session::session))
        .routes(routes!(leases::take::take))
        .routes(routes!(leases::heartbeat::heartbeat))
        .routes(routes!(leases::fail::fail))
        .routes(
            routes!(results::submit::submit_results)
                .layer(DefaultBodyLimit::max(limits::RESULT_BODY_BYTES_MAX)),
        )
        .routes(routes!(statements::pending::pending))
        .routes(routes!(statements::list::list))
        .routes(routes!(statements::get::get))
        .routes(routes!(statements::countersign::countersign))
        .routes(routes!(health::health))
        .routes(routes!(health::jwks))
}

/// The published promise: what `openapi/openapi.json` must equal.
pub fn document() -> utoipa::openapi::OpenApi {
    router().into_openapi()
}
