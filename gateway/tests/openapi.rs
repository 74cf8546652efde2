//! The published document is what the code says. `UPDATE=1` writes it again.

use std::{env, fs, path::Path};

#[test]
fn the_published_openapi_document_is_current() {
    let path =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../openapi/openapi.json");
    let made = ciro_gateway::openapi_document().to_pretty_json().unwrap() + "\n";
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(published == made, "openapi/openapi.json is not current; run this test with UPDATE=1");
}

#[test]
fn every_operation_says_what_it_refuses() {
    let document = serde_json::to_value(ciro_gateway::openapi_document()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["operationId"].is_string(), "{method} {path} has no operation id");
            let secured = operation["security"].is_array();
            let says_401 = operation["responses"].get("401").is_some();
            assert!(!secured || says_401, "{method} {path} needs a token and does not say 401");
        }
    }
}

#[test]
fn every_link_leads_to_an_operation_and_none_is_lost() {
    let document = serde_json::to_value(ciro_gateway::openapi_document()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations: Vec<_> = items.flat_map(|item| item.as_object().unwrap().values()).collect();
    let exists = |id: &str| operations.iter().any(|operation| operation["operationId"] == id);
    let replies = operations.iter().flat_map(|one| one["responses"].as_object().unwrap().values());
    let links: Vec<_> = replies
        .filter_map(|reply| reply["links"].as_object())
        .flat_map(|all| all.values())
        .collect();
    assert_eq!(links.len(), 13, "an operation that gives or takes ids was renamed");
    for link in links {
        let to = link["operationId"].as_str().unwrap();
        assert!(exists(to), "a link leads to {to}, which there is not");
    }
}
