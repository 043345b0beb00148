//! The arrows between crates and folders, as ARCHITECTURE.md draws them.

mod folders;
mod identities;
mod vocabulary;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each crate may depend on of ours, development dependencies included.
const ARROWS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("contract", &[]),
    ("egress", &[]),
    ("envelope", &[]),
    ("boot", &[]),
    ("rpc", &["boot", "contract"]),
    ("providers", &["contract"]),
    (
        "vault",
        &[
            "boot",
            "clock",
            "contract",
            "egress",
            "envelope",
            "migrations",
            "rpc",
        ],
    ),
    (
        "router",
        &[
            "boot",
            "clock",
            "contract",
            "egress",
            "envelope",
            "migrations",
            "providers",
            "rpc",
        ],
    ),
    (
        "latchkey",
        &[
            "boot",
            "clock",
            "contract",
            "egress",
            "rpc",
            // Its tests run the command against a deployment.
            "e2e",
            "envelope",
            "migrations",
            "providers",
            "router",
            "vault",
        ],
    ),
    (
        "e2e",
        &[
            "boot",
            "clock",
            "contract",
            "egress",
            "rpc",
            "envelope",
            "migrations",
            "providers",
            "router",
            "vault",
        ],
    ),
];

const MAX_FILE_LINES: usize = 600;
const VAGUE_NAMES: [&str; 5] = ["common", "core", "helpers", "misc", "utils"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The hand-written Rust files under a folder of the repository.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn visit(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("the folder is readable") {
            let path = entry.expect("it is readable").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if path.is_dir() && !["generated", "target"].contains(&name) {
                visit(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    visit(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder}");
    found
}

fn dependencies(crate_name: &str) -> BTreeSet<String> {
    let manifest = root().join("crates").join(crate_name).join("Cargo.toml");
    let text = fs::read_to_string(manifest).expect("each crate has a manifest");
    let manifest: toml::Table = text.parse().expect("manifests are TOML");
    let tables = ["dependencies", "dev-dependencies"];
    let names = tables
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table());
    let names = names.flat_map(toml::Table::keys);
    names
        .filter_map(|name| name.strip_prefix("latchkey-"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_depend_on_each_other_only_as_drawn() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("crates"))
        .expect("the folder is readable")
        .map(|entry| {
            entry
                .expect("it is readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let drawn: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(folders, drawn, "every crate is drawn");
    for (name, allowed) in ARROWS {
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let actual = dependencies(name);
        let excess: Vec<_> = actual.difference(&allowed).collect();
        assert!(excess.is_empty(), "{name} depends on {excess:?}");
    }
}

#[test]
fn the_domain_imports_no_other_folder() {
    for service in ["vault", "router"] {
        for (path, text) in sources(&format!("crates/{service}/src/domain")) {
            for (number, line) in text.lines().enumerate() {
                let outside = line.match_indices("crate::").any(|(at, _)| {
                    let boundary = at == 0 || !line.as_bytes()[at - 1].is_ascii_alphanumeric();
                    boundary && !line[at..].starts_with("crate::domain")
                });
                assert!(!outside, "{}:{}: {line}", path.display(), number + 1);
            }
        }
    }
}

/// Files that name a crate, apart from the folders where it is at home.
fn strays(crate_name: &str, homes: &[&str]) -> Vec<PathBuf> {
    let named = format!("{crate_name}::");
    ["crates", "migrations"]
        .into_iter()
        .flat_map(sources)
        .filter(|(_, text)| {
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            code.into_iter().any(|line| {
                line.match_indices(&named).any(|(at, _)| {
                    at == 0
                        || !(line.as_bytes()[at - 1].is_ascii_alphanumeric()
                            || line.as_bytes()[at - 1] == b'_')
                })
            })
        })
        .map(|(path, _)| path)
        .filter(|path| {
            let path = path.to_string_lossy().replace('\\', "/");
            !homes.iter().any(|home| path.contains(home)) && !is_test(&path)
        })
        .collect()
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The crates that only certain places may name, and the places.
const HOMES: &[(&str, &[&str])] = &[
    (
        "hyper",
        &[
            "crates/router/src/provider_call/",
            "crates/e2e/",
            "crates/latchkey/src/dev/sandbox.rs",
            "/benches/",
        ],
    ),
    // Whole messages are sealed in transcripts, and sized on the way in; times cross the wire.
    (
        "prost",
        &[
            "crates/contract/",
            "crates/e2e/benches/",
            "crates/router/src/services/",
            "crates/router/src/sessions/",
            "crates/rpc/",
            "crates/vault/src/services/",
        ],
    ),
    ("sea_orm", &["/store/", "migrations/"]),
    (
        "tonic",
        &[
            "/services/",
            "crates/boot/",
            "crates/contract/",
            "crates/e2e/",
            "crates/latchkey/src/dev/",
            "crates/latchkey/src/platform_keys/",
            "crates/router/src/app.rs",
            "crates/router/src/vault_client/",
            "crates/rpc/",
            "crates/vault/src/app.rs",
            "/benches/",
        ],
    ),
    // The vault's messages.
    (
        "vault::v1",
        &[
            "crates/contract/",
            "crates/e2e/",
            "crates/latchkey/",
            "crates/router/src/vault_client/",
            "crates/vault/",
        ],
    ),
];

#[test]
fn a_crate_is_named_only_where_it_is_at_home() {
    for (name, homes) in HOMES {
        let strays = strays(name, homes);
        assert!(strays.is_empty(), "{name} is named in {strays:?}");
    }
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    for (path, text) in ["crates", "migrations"].into_iter().flat_map(sources) {
        let lines = text.lines().count();
        assert!(
            lines <= MAX_FILE_LINES,
            "{} has {lines} lines",
            path.display()
        );
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        assert!(!VAGUE_NAMES.contains(&name), "{}", path.display());
    }
}

#[test]
fn no_business_code_gives_up_by_panicking() {
    for folder in ["crates", "migrations"] {
        for (path, text) in sources(folder) {
            if is_test(&path.to_string_lossy()) {
                continue;
            }
            for banned in ["todo!(", "unimplemented!(", "dbg!(", "#[ignore"] {
                let quoted = format!("\"{banned}\"");
                let found = text.contains(banned) && !text.contains(&quoted);
                assert!(!found, "{} has {banned}", path.display());
            }
        }
    }
}
