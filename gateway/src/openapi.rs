//! All routes in one list, and the `OpenAPI` document that they make.

mod formats;
mod refine;

use std::sync::Arc;

use axum::{extract::DefaultBodyLimit, middleware};
use ciro_api::limits;
use ciro_paymaster::policy;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    app::App, devices, events, health, jobs, leases, models, open_inference, pools, reply, results,
    sponsors, statements, webhooks, workers,
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
        (name = "sponsors", description = "Budget, usage, policy and claim tokens, for the servers of who pays"),
        (name = "webhooks", description = "Secrets and failed deliveries of webhooks, for the servers of who pays"),
        (name = "models", description = "The catalogue"),
        (name = "workers", description = "Leases, results and statements"),
        (name = "open-inference", description = "The Open Inference Protocol V2, for clients made for KServe or Triton"),
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
    let mut documents = documents();
    formats::offer_cbor(documents.get_openapi_mut());
    let mut router = documents.layer(middleware::from_fn(reply::negotiate)).merge(others());
    refine::refine(router.get_openapi_mut());
    formats::offer_concise_problems(router.get_openapi_mut());
    router
}

/// What answers in JSON or CBOR, as the caller likes.
fn documents() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(devices::claim::claim))
        .routes(routes!(devices::challenge::challenge))
        .routes(routes!(devices::session::session))
        .routes(routes!(devices::token::token))
        .routes(routes!(devices::me::me))
        .routes(routes!(devices::list::list))
        .routes(routes!(devices::revoke::revoke))
        .routes(routes!(sponsors::me::me))
        .routes(routes!(sponsors::usage::usage))
        .routes(routes!(sponsors::operations::operations))
        .routes(routes!(sponsors::claim_tokens::create::create, sponsors::claim_tokens::list::list))
        .routes(routes!(sponsors::claim_tokens::revoke::revoke))
        .routes(routes!(webhooks::secrets::create::create, webhooks::secrets::list::list))
        .routes(routes!(webhooks::secrets::rotate::rotate))
        .routes(routes!(webhooks::secrets::revoke::revoke))
        .routes(routes!(webhooks::failed::failed))
        .routes(routes!(webhooks::redeliver::redeliver))
        .routes(routes!(jobs::submit::submit, jobs::list::list))
        .routes(
            routes!(jobs::batch::batch).layer(DefaultBodyLimit::max(limits::BATCH_BODY_BYTES_MAX)),
        )
        .routes(routes!(jobs::get::get))
        .routes(routes!(jobs::cancel::cancel))
        .routes(routes!(jobs::replay::replay))
        .routes(routes!(jobs::attestation::attestation))
        .routes(routes!(jobs::receipt::receipt))
        .routes(routes!(models::list::list))
        .routes(routes!(workers::challenge::challenge))
        .routes(routes!(workers::session::session))
        .routes(routes!(leases::take::take))
        .routes(routes!(leases::heartbeat::heartbeat))
        .routes(routes!(leases::fail::fail))
        .routes(routes!(leases::release::release))
        .routes(routes!(events::report::progress))
        .routes(
            routes!(results::submit::submit_results)
                .layer(DefaultBodyLimit::max(limits::RESULT_BODY_BYTES_MAX)),
        )
        .routes(routes!(pools::list::list))
        .routes(routes!(statements::pending::pending))
        .routes(routes!(statements::list::list))
        .routes(routes!(statements::get::get))
        .routes(routes!(statements::countersign::countersign))
        .routes(routes!(health::health))
}

/// What has one form of its own.
fn others() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(events::follow::follow))
        .routes(routes!(models::get::manifest))
        .routes(routes!(models::get::artifact))
        .routes(routes!(health::jwks))
        .merge(policies())
        .merge(open_inference())
}

/// What is JSON and nothing else: the bytes of a policy are those that its author wrote.
fn policies() -> OpenApiRouter<Arc<App>> {
    let (document, operation) = (policy::DOCUMENT_BYTES_MAX, limits::BODY_BYTES_MAX);
    OpenApiRouter::new()
        .routes(
            routes!(sponsors::policy::show::newest, sponsors::policy::set::set)
                .layer(DefaultBodyLimit::max(document)),
        )
        .routes(routes!(sponsors::policy::show::revision))
        .routes(
            routes!(sponsors::policy::explain::explain)
                .layer(DefaultBodyLimit::max(document + operation)),
        )
}

/// What clients made for other servers of models ask for.
fn open_inference() -> OpenApiRouter<Arc<App>> {
    let most = limits::INFER_BODY_BYTES_MAX;
    OpenApiRouter::new()
        .routes(routes!(open_inference::server::metadata))
        .routes(routes!(open_inference::server::live))
        .routes(routes!(open_inference::server::ready))
        .routes(routes!(open_inference::model::metadata))
        .routes(routes!(open_inference::model::ready))
        .routes(routes!(open_inference::model::version_metadata))
        .routes(routes!(open_inference::model::version_ready))
        .routes(routes!(open_inference::infer::infer).layer(DefaultBodyLimit::max(most)))
        .routes(routes!(open_inference::infer::infer_version).layer(DefaultBodyLimit::max(most)))
}

/// The published promise: what `openapi/openapi.json` must equal.
pub fn document() -> utoipa::openapi::OpenApi {
    router().into_openapi()
}
