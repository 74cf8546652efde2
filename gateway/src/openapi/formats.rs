//! Says in one place, for every operation, that documents and problems come in CBOR too.

use utoipa::openapi::{
    Content, ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema,
    path::{Operation, PathItem},
};

use crate::media::Format;

const CONCISE: &str = "ConciseProblem";

/// Offers every JSON document, sent or received, as CBOR of the same schema.
pub(super) fn offer_cbor(document: &mut OpenApi) {
    let (json, cbor) = (Format::Json.media_type(), Format::Cbor.media_type());
    for operation in operations(document) {
        if let Some(RefOr::T(body)) = &mut operation.request_body
            && let Some(content) = body.content.get(json).cloned()
        {
            body.content.insert(cbor.to_owned(), content);
        }
        for response in responses(operation) {
            if let Some(content) = response.content.get(json).cloned() {
                response.content.insert(cbor.to_owned(), content);
            }
        }
        let refusal = ResponseBuilder::new()
            .description("The caller reads neither JSON nor CBOR")
            .content(Format::Json.problem_type(), problem("Problem"))
            .build();
        operation.responses.responses.insert("406".to_owned(), refusal.into());
    }
}

/// Offers every problem in the form of RFC 9290.
pub(super) fn offer_concise_problems(document: &mut OpenApi) {
    let (json, cbor) = (Format::Json.problem_type(), Format::Cbor.problem_type());
    for operation in operations(document) {
        for response in responses(operation) {
            if response.content.contains_key(json) {
                response.content.insert(cbor.to_owned(), problem(CONCISE).into());
            }
        }
    }
    let schema = ObjectBuilder::new().description(Some(
        "A `Problem` in CBOR (RFC 9290), whose keys are numbers: -1 the title, -2 the detail, 7807 a map with 0 the type, \
         1 the status, and `code`, `retryable`, `request_id` and `errors` under their names.",
    ));
    let components = document.components.get_or_insert_default();
    components.schemas.insert(CONCISE.to_owned(), RefOr::T(Schema::Object(schema.build())));
}

fn problem(schema: &str) -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build()
}

fn operations(document: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    document.paths.paths.values_mut().flat_map(|item| {
        let PathItem { get, post, put, .. } = item;
        [get, post, put].into_iter().flatten()
    })
}

fn responses(operation: &mut Operation) -> impl Iterator<Item = &mut Response> {
    operation.responses.responses.values_mut().filter_map(|response| match response {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    })
}
