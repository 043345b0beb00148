//! The arrows between the folders of a service, as ARCHITECTURE.md draws them.
//!
//! Each table lists a service's folders from the bottom to the top: a folder may import the folders
//! that stand before it and are named beside it, and no others. So there is no arrow back and no
//! circle. `just graph` prints the arrows that the code has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{is_test, root, sources};

type Arrows = &'static [(&'static str, &'static [&'static str])];

const ROUTER: Arrows = &[
    ("domain", &[]),
    ("health", &[]),
    ("provider_call", &["domain"]),
    ("store", &["domain"]),
    ("catalogue", &["store"]),
    ("ledger", &["domain", "store"]),
    (
        "error",
        &["domain", "health", "ledger", "provider_call", "store"],
    ),
    ("vault_client", &["domain", "error"]),
    ("key_check", &["provider_call", "vault_client"]),
    (
        "leases",
        &["domain", "error", "provider_call", "vault_client"],
    ),
    (
        "listing",
        &["catalogue", "domain", "error", "leases", "provider_call"],
    ),
    (
        "dispatch",
        &[
            "catalogue",
            "domain",
            "error",
            "health",
            "leases",
            "ledger",
            "provider_call",
            "vault_client",
        ],
    ),
    (
        "sessions",
        &[
            "catalogue",
            "dispatch",
            "domain",
            "error",
            "ledger",
            "store",
            "vault_client",
        ],
    ),
    (
        "config",
        &[
            "catalogue",
            "dispatch",
            "domain",
            "ledger",
            "listing",
            "provider_call",
            "store",
        ],
    ),
    (
        "services",
        &[
            "catalogue",
            "dispatch",
            "domain",
            "error",
            "ledger",
            "listing",
            "sessions",
            "store",
            "vault_client",
        ],
    ),
    (
        "app",
        &[
            "catalogue",
            "config",
            "dispatch",
            "health",
            "key_check",
            "leases",
            "ledger",
            "listing",
            "provider_call",
            "services",
            "sessions",
            "store",
            "vault_client",
        ],
    ),
];

const VAULT: Arrows = &[
    ("domain", &[]),
    ("store", &["domain"]),
    ("custody", &["domain", "store"]),
    ("leasing", &["domain", "store"]),
    ("error", &["custody", "domain", "leasing", "store"]),
    ("rows", &["custody", "domain", "error", "store"]),
    (
        "vault",
        &["custody", "domain", "error", "leasing", "rows", "store"],
    ),
    (
        "availability",
        &["custody", "domain", "error", "store", "vault"],
    ),
    (
        "change",
        &[
            "custody", "domain", "error", "leasing", "rows", "store", "vault",
        ],
    ),
    (
        "intake",
        &[
            "change", "domain", "error", "leasing", "rows", "store", "vault",
        ],
    ),
    ("audit", &["change", "custody", "domain", "error", "vault"]),
    (
        "bootstrap",
        &[
            "change", "custody", "domain", "error", "leasing", "store", "vault",
        ],
    ),
    (
        "quarantine",
        &[
            "audit", "change", "custody", "domain", "error", "leasing", "store", "vault",
        ],
    ),
    (
        "resolve",
        &[
            "audit", "custody", "domain", "error", "leasing", "rows", "store", "vault",
        ],
    ),
    (
        "services",
        &[
            "audit",
            "availability",
            "change",
            "custody",
            "domain",
            "error",
            "intake",
            "leasing",
            "quarantine",
            "resolve",
            "rows",
            "store",
            "vault",
        ],
    ),
    ("config", &["domain", "leasing", "quarantine", "store"]),
    (
        "app",
        &[
            "bootstrap",
            "config",
            "custody",
            "domain",
            "leasing",
            "quarantine",
            "services",
            "store",
        ],
    ),
];

#[test]
fn folders_of_the_router_import_only_what_is_drawn() {
    check("router", ROUTER);
}

#[test]
fn folders_of_the_vault_import_only_what_is_drawn() {
    check("vault", VAULT);
}

#[expect(clippy::print_stdout, reason = "`just graph` shows it")]
fn check(service: &str, drawn: Arrows) {
    let actual = arrows(service);
    let graph = describe(service, &actual, drawn);
    println!("{graph}");
    let folders: BTreeSet<&str> = drawn.iter().map(|(folder, _)| *folder).collect();
    let unknown: Vec<_> = actual
        .keys()
        .filter(|folder| !folders.contains(folder.as_str()))
        .collect();
    assert!(unknown.is_empty(), "not drawn: {unknown:?}\n{graph}");
    let mut below = BTreeSet::new();
    for (folder, allowed) in drawn {
        let upwards: Vec<_> = allowed
            .iter()
            .filter(|other| !below.contains(*other))
            .collect();
        assert!(upwards.is_empty(), "{folder} is drawn below {upwards:?}");
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let imports = actual.get(*folder).cloned().unwrap_or_default();
        assert_eq!(imports, allowed, "arrows of {service}/{folder}\n{graph}");
        below.insert(*folder);
    }
}

/// What each folder of a service imports of the others. A file beside the folders counts as one.
fn arrows(service: &str) -> BTreeMap<String, BTreeSet<String>> {
    let source = format!("crates/{service}/src");
    let files = sources(&source);
    let top = root().join(&source);
    let folder_of = |path: &Path| {
        let relative = path.strip_prefix(&top).expect("it is under the folder");
        let first = relative.iter().next().expect("a file has a name");
        let first = first.to_string_lossy();
        first.strip_suffix(".rs").unwrap_or(&first).to_owned()
    };
    let folders: BTreeSet<String> = files.iter().map(|(path, _)| folder_of(path)).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in &files {
        let is_entry = path.parent() == Some(&top)
            && ["lib.rs", "main.rs"]
                .iter()
                .any(|entry| path.ends_with(entry));
        if is_entry || is_test_code(&path.to_string_lossy()) {
            continue;
        }
        let folder = folder_of(path);
        let relative = path.strip_prefix(&top).expect("it is under the folder");
        let imported = imports(text, depth(relative));
        let others = imported.filter(|name| *name != folder && folders.contains(name));
        arrows.entry(folder.clone()).or_default().extend(others);
    }
    arrows
}

fn is_test_code(path: &str) -> bool {
    is_test(path) || path.ends_with("/testing.rs") || path.ends_with("_tests.rs")
}

/// How many `super::` lead from a file's module to the root of its crate.
fn depth(relative: &Path) -> usize {
    let segments = relative.iter().count();
    segments - usize::from(relative.ends_with("mod.rs"))
}

/// The first segments of the paths in a file that begin at the root of its crate, be it by `crate::` or
/// by as many `super::` as its module is deep. Comments are left out.
fn imports(text: &str, depth: usize) -> impl Iterator<Item = String> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = Vec::new();
    let climb = "super::".repeat(depth);
    let roots = ["crate::", &climb].map(|root| code.match_indices(root));
    for (at, root) in roots.into_iter().flatten() {
        let rest = &code[at + root.len()..];
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        assert!(!rest.starts_with('{'), "`use {root}{{…}}` hides an arrow");
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        names.push(rest[..end.unwrap_or(rest.len())].to_owned());
    }
    names.into_iter()
}

/// The graph, with the number of arrows, of arrows back and of circles.
fn describe(service: &str, actual: &BTreeMap<String, BTreeSet<String>>, drawn: Arrows) -> String {
    let order: BTreeMap<&str, usize> = drawn.iter().map(|(name, _)| *name).zip(0..).collect();
    let place = |name: &str| order.get(name).copied().unwrap_or(usize::MAX);
    let all = actual.values().map(BTreeSet::len).sum::<usize>();
    let back = actual
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
        .filter(|(from, to)| place(to) >= place(from))
        .count();
    let circles = actual
        .keys()
        .filter(|folder| reaches(actual, folder, folder))
        .count();
    let mut text = format!(
        "{service}: {} folders, {all} arrows, {back} back, {circles} folders in circles\n",
        actual.len(),
    );
    for (folder, to) in actual {
        let to: Vec<_> = to.iter().map(String::as_str).collect();
        text.extend(["  ", folder, " -> ", &to.join(" "), "\n"]);
    }
    text
}

/// Whether arrows lead from a folder to another one, possibly back to itself.
fn reaches(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(folder) = open.pop() {
        for next in arrows.get(folder).into_iter().flatten() {
            if next == to {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}
