use super::*;

/// An environment whose `CIRO_TOOLS` is a directory that does not exist.
fn env(overrides: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
    move |name| {
        if name == "CIRO_TOOLS" {
            return Some("/nonexistent".into());
        }
        overrides.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }
}

#[test]
fn without_an_index_the_error_says_to_run_make_tools() {
    let message = ToolPaths::find_in(env(&[])).unwrap_err().to_string();
    assert_eq!(
        message,
        "/nonexistent/tools.json does not say where redis-server is; \
         run `make tools`, or set CIRO_REDIS_SERVER"
    );
}

#[test]
fn the_environment_alone_is_enough() {
    let found = ToolPaths::find_in(env(&[
        ("CIRO_REDIS_SERVER", "/"),
        ("CIRO_POSTGRES_BIN", "/"),
        ("CIRO_DEVNET", "/"),
        ("CIRO_ONNXRUNTIME_LIB", "/"),
        ("CIRO_CORPORA", "/"),
    ]))
    .unwrap();
    assert_eq!(found.starknet_devnet, Path::new("/"));
}

#[test]
fn a_tool_that_has_gone_is_named_with_its_path() {
    let message = ToolPaths::find_in(env(&[("CIRO_REDIS_SERVER", "/nowhere/redis")]))
        .unwrap_err()
        .to_string();
    assert_eq!(message, "redis-server is not at /nowhere/redis any more; run `make tools`");
}
