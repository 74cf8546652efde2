//! The house rules that a machine can hold.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).parent().unwrap().to_owned()
}

fn tracked(endings: &[&str]) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "git ls-files failed: run from a checkout");
    let text = String::from_utf8(listed.stdout).unwrap();
    let wanted = |path: &&str| endings.iter().any(|ending| path.ends_with(ending));
    text.lines().filter(wanted).map(|path| root().join(path)).filter(|path| path.exists()).collect()
}

#[test]
fn imports_point_down() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("ciro-api", &[][..]),
        ("ciro-egress", &["ciro-api"]),
        ("ciro-telemetry", &["ciro-api"]),
        ("ciro-testbed", &["ciro-api"]),
        ("ciro-contracts", &["ciro-api", "ciro-testbed"]),
        (
            "ciro-paymaster",
            &["ciro-api", "ciro-contracts", "ciro-egress", "ciro-telemetry", "ciro-testbed"],
        ),
        (
            "ciro-gateway",
            &["ciro-api", "ciro-egress", "ciro-paymaster", "ciro-telemetry", "ciro-testbed"],
        ),
        ("ciro-worker", &["ciro-api", "ciro-telemetry"]),
        (
            "ciro",
            &[
                "ciro-api",
                "ciro-contracts",
                "ciro-paymaster",
                "ciro-gateway",
                "ciro-telemetry",
                "ciro-testbed",
                "ciro-worker",
            ],
        ),
        ("ciro-bench", &["ciro", "ciro-api", "ciro-contracts", "ciro-gateway", "ciro-paymaster"]),
    ]);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(packages.len(), allowed.len(), "a crate has no rule here");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let served = dependencies.clone().filter(|d| d["kind"] != "dev");
        assert!(
            served.into_iter().all(|d| d["name"] != "ciro-testbed"),
            "{name} ships the testbed"
        );
        let ours =
            dependencies.filter_map(|d| d["name"].as_str()).filter(|d| d.starts_with("ciro"));
        for dependency in ours.collect::<BTreeSet<_>>() {
            assert!(allowed[name].contains(&dependency), "{name} must not know {dependency}");
        }
    }
}

#[test]
fn every_crate_inherits_the_workspace_lints() {
    for manifest in tracked(&["/Cargo.toml"]) {
        let text = fs::read_to_string(&manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{} does not", manifest.display());
    }
}

#[test]
fn files_are_short_and_open_with_what_they_do() {
    for path in tracked(&[".rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(
            lines <= LINES_MAX,
            "{} has {lines} lines; {LINES_MAX} are allowed",
            path.display()
        );
        // A module's own tests stand beside it and need no second introduction.
        if !path.ends_with("tests.rs") {
            assert!(text.starts_with("//!"), "{} does not say what it is", path.display());
        }
    }
}

#[test]
fn no_file_is_named_after_nothing() {
    let banned = ["mod", "utils", "util", "helpers", "common", "misc", "manager"];
    for path in tracked(&[".rs", ".cairo", ".py", ".ts"]) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(!banned.contains(&stem), "{} says nothing about its content", path.display());
    }
}

#[test]
fn every_path_that_the_architecture_names_exists() {
    let text = fs::read_to_string(root().join("docs/src/ARCHITECTURE.md")).unwrap();
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path = |word: &&str| {
        word.contains('/') && !word.starts_with('/') && !word.contains(' ') && word.contains('.')
    };
    let paths: Vec<&str> = quoted.filter(is_path).collect();
    assert!(paths.len() > 15, "the walk names too few files: {paths:?}");
    for path in paths {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which is not there");
    }
}

#[test]
fn every_decision_is_in_the_index() {
    let index = fs::read_to_string(root().join("docs/src/adr/README.md")).unwrap();
    for entry in fs::read_dir(root().join("docs/src/adr")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "README.md" {
            assert!(index.contains(&name), "{name} is not in the index");
        }
    }
}

#[test]
fn every_page_is_in_the_books_summary() {
    let book = root().join("docs/src");
    let summary = fs::read_to_string(book.join("SUMMARY.md")).unwrap();
    for page in tracked(&[".md"]).into_iter().filter(|page| page.starts_with(&book)) {
        let name = page.strip_prefix(&book).unwrap().to_str().unwrap();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name} is not");
    }
}

#[test]
fn todo_comments_name_an_issue() {
    let bare = ["TO", "DO"].concat();
    for path in tracked(&[".rs", ".cairo", ".sql", ".lua", ".sh"]) {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| line.contains(&bare)) {
            assert!(
                line.contains(&format!("{bare}(#")),
                "{}:{}: {line}",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn every_test_that_the_page_of_faults_names_exists() {
    let page = fs::read_to_string(root().join("docs/src/reference/faults.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let named: BTreeSet<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 40, "the page was not understood: {named:?}");
    let sources = tracked(&["_tests.cairo", ".rs"]);
    let sources: String = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for name in named {
        assert!(sources.contains(&format!("fn {name}()")), "there is no test {name}");
    }
}
