//! What holds for many operations or fields alike, said of each in one place: whose credential it takes, what anyone
//! may be refused, and that a field without a value is absent. Never adds an operation, and overwrites no response.

use utoipa::openapi::{
    Components, ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Schema,
    link::Link,
    path::{Operation, Parameter, ParameterIn, PathItem},
    schema::{AdditionalProperties, ArrayItems, SchemaType, Type},
    security::SecurityRequirement,
};

/// Sessions of workers are no tokens of devices, though both travel alike.
pub(super) const WORKER_SESSION: &str = "worker_session";

/// Where the id that an operation wants comes from: who gives it, under which status, where in the reply, and who takes it.
const LINKS: [(&str, &str, &str, &str); 13] = [
    ("submit", "202", "/id", "get"),
    ("submit", "202", "/id", "cancel_job"),
    ("cancel_job", "200", "/id", "replay_job"),
    ("create_jobs", "200", "/results/0/job/id", "get"),
    ("create_jobs", "200", "/results/0/job/id", "cancel_job"),
    ("list_jobs", "200", "/data/0/id", "get"),
    ("list_jobs", "200", "/data/0/id", "cancel_job"),
    ("list", "200", "/data/0/id", "manifest"),
    ("list", "200", "/data/0/id", "artifact"),
    ("claim", "201", "/id", "revoke_device"),
    ("create_claim_token", "201", "/id", "revoke_claim_token"),
    ("list_statements", "200", "/data/0/id", "get_statement"),
    ("pending", "200", "/data/0/id", "countersign"),
];

/// Makes the document whole.
pub(super) fn refine(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let in_path = path.contains('{');
        for operation in operations(item) {
            let has_tag = |wanted: &str| operation.tags.iter().flatten().any(|tag| tag == wanted);
            let (of_a_worker, is_foreign) = (has_tag("workers"), has_tag("open-inference"));
            name_role(operation, of_a_worker);
            // Those of the other protocol say it in its own shape.
            if !is_foreign {
                promise_refusals(operation, in_path, of_a_worker);
            }
            link(operation);
            let parameters = operation.parameters.iter_mut().flatten();
            for parameter in parameters {
                if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
                    without_null(schema);
                }
            }
        }
    }
    if let Some(Components { schemas, .. }) = &mut document.components {
        schemas.values_mut().for_each(without_null);
        schemas.get_mut("Progress").into_iter().for_each(bound_percent);
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch]
        .into_iter()
        .flatten()
}

fn name_role(operation: &mut Operation, of_a_worker: bool) {
    let token = SecurityRequirement::new("bearer", [""; 0]);
    for wanted in operation.security.iter_mut().flatten() {
        if of_a_worker && *wanted == token {
            *wanted = SecurityRequirement::new(WORKER_SESSION, [""; 0]);
        }
    }
}

/// Refusals that come from what all requests pass. An operation's own words about one of them stay.
fn promise_refusals(operation: &mut Operation, in_path: bool, of_a_worker: bool) {
    let of_kind = |wanted: &ParameterIn| {
        let all = operation.parameters.iter().flatten();
        all.into_iter().any(|one| matches!(one, RefOr::T(one) if one.parameter_in == *wanted))
    };
    let has_body = operation.request_body.is_some();
    let may_be_malformed =
        has_body || of_kind(&ParameterIn::Query) || of_kind(&ParameterIn::Header);
    let has_quota = operation.security.is_some() && !of_a_worker;
    let refusals = [
        (may_be_malformed, "400", "Malformed"),
        (in_path, "404", "There is none of this id"),
        (has_body, "413", "Body too large"),
        (has_body, "415", "Body of another media type"),
        (has_quota, "429", "Too many requests; `Retry-After` says when to come back"),
        (true, "503", "A store does not answer; `Retry-After` says when to come back"),
    ];
    for (_, status, description) in refusals.into_iter().filter(|(applies, ..)| *applies) {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let refusal = ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", content)
            .build();
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| refusal.into());
    }
}

fn link(operation: &mut Operation) {
    let Some(id) = operation.operation_id.as_deref() else { return };
    for (_, status, place, to) in LINKS.into_iter().filter(|(from, ..)| *from == id) {
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
            let link = Link::builder()
                .operation_id(to)
                .parameter("id", format!("$response.body#{place}"))
                .build();
            response.links.insert(to.to_owned(), link.into());
        }
    }
}

/// What has no value is left out, in requests and replies alike: `null` breaks generated clients.
fn without_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(inner) = schema else { return };
    match inner {
        Schema::Object(object) => {
            no_null_type(&mut object.schema_type);
            object.properties.values_mut().for_each(without_null);
        }
        Schema::Array(array) => {
            no_null_type(&mut array.schema_type);
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                without_null(items);
            }
        }
        Schema::OneOf(one_of) => {
            one_of.items.retain(|item| !is_null(item));
            one_of.items.iter_mut().for_each(without_null);
            one_of.items.iter_mut().for_each(close_variant);
            if let [only] = one_of.items.as_slice() {
                let only = only.clone();
                *schema = only;
            }
        }
        Schema::AllOf(all_of) => all_of.items.iter_mut().for_each(without_null),
        Schema::AnyOf(any_of) => any_of.items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// A variant that needs all of its fields has no others: they say which one it is.
fn close_variant(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
        && object.properties.len() == object.required.len()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}

/// The variant's own place in the code has no room for a bound.
fn bound_percent(progress: &mut RefOr<Schema>) {
    let RefOr::T(Schema::OneOf(variants)) = progress else { return };
    for variant in &mut variants.items {
        if let RefOr::T(Schema::Object(object)) = variant
            && let Some(RefOr::T(Schema::Object(percent))) = object.properties.get_mut("percent")
        {
            percent.maximum = Some(100.into());
        }
    }
}

fn no_null_type(schema_type: &mut SchemaType) {
    if let SchemaType::Array(types) = schema_type {
        types.retain(|kind| *kind != Type::Null);
        if let [only] = types.as_slice() {
            *schema_type = SchemaType::Type(only.clone());
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
