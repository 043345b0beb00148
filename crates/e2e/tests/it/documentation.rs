//! Checks that every path that a page of the repository names exists.

use std::fs;
use std::path::{Path, PathBuf};

/// A word that starts with one of these is a path from the root of the repository.
const TOP_FOLDERS: [&str; 8] = [
    ".ci/",
    ".github/",
    "crates/",
    "deploy/",
    "docs/",
    "examples/",
    "migrations/",
    "proto/",
];

/// A word that has a slash and ends in one of these is a path, from the root or from the page.
const EXTENSIONS: [&str; 8] = ["json", "md", "proto", "py", "rs", "sh", "toml", "yml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages under a folder, without those of build output.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the entry is readable").path();
        let name = path.file_name().and_then(|name| name.to_str());
        if path.is_dir() {
            if !matches!(name, Some(".git" | "target" | "latchkey-dev")) {
                pages(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The page without its fenced blocks, whose commands other tests run.
fn prose(page: &str) -> String {
    page.split("```").step_by(2).collect()
}

/// The words of the code spans.
fn code_words(prose: &str) -> impl Iterator<Item = &str> {
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .flat_map(str::split_whitespace)
}

/// The targets of links within the repository, without their fragments.
fn link_targets(prose: &str) -> impl Iterator<Item = &str> {
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
}

/// Whether a word is written as a path of the repository. Resource names, absolute paths and
/// patterns are not.
fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if !word.contains('/') || word.starts_with('/') || !word.chars().all(plain) {
        return false;
    }
    let extension = word.rsplit_once('.').map(|(_, extension)| extension);
    TOP_FOLDERS.iter().any(|folder| word.starts_with(folder))
        || extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

#[test]
fn every_path_that_a_page_names_exists() {
    let root = root();
    let mut found = Vec::new();
    pages(&root, &mut found);
    let mut checked = 0;
    let mut missing = Vec::new();
    for page in found {
        let text = fs::read_to_string(&page).expect("pages are UTF-8");
        let prose = prose(&text);
        let beside = page.parent().expect("a page is in a folder");
        let paths = code_words(&prose).filter(|word| is_path(word));
        let unresolved = paths
            .inspect(|_| checked += 1)
            .filter(|path| !root.join(path).exists() && !beside.join(path).exists());
        let mut lost: Vec<_> = unresolved.map(str::to_owned).collect();
        for target in link_targets(&prose) {
            checked += 1;
            if !beside.join(target).exists() {
                lost.push(target.to_owned());
            }
        }
        let page = page.strip_prefix(&root).expect("it is below the root");
        missing.extend(
            lost.iter()
                .map(|path| format!("{}: {path}", page.display())),
        );
    }
    assert!(checked > 100, "only {checked} paths were found");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn paths_are_told_from_resource_names_and_patterns() {
    for path in [".ci/test", "crates/vault", "src/seal.rs", "docs/errors.md"] {
        assert!(is_path(path), "{path}");
    }
    for other in [
        "workspaces/acme/keys/main",
        "/etc/latchkey/keyring.toml",
        "examples/{system}.json",
        "plan.rs",
    ] {
        assert!(!is_path(other), "{other}");
    }
}
