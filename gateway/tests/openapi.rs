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
