//! The words that docs/glossary.md replaces stay out of code, contract and pages: one word per concept.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::root;

/// Parts of identifiers and words of prose, in lower case.
const PARTS: &[&str] = &[
    "attend",
    "attended",
    "attending",
    "attends",
    "errand",
    "errands",
    "foresee",
    "foreseen",
    "foresees",
    "foresight",
    "lend",
    "lender",
    "lending",
    "lends",
    "lent",
    "linger",
    "loan",
    "loans",
    "newcomers",
    "nobody",
    "outlook",
    "outlooks",
    "patience",
    "prospect",
    "prospects",
    "somebody",
    "unfit",
    "whoever",
    "whom",
    "wish",
    "wished",
    "wishes",
];

/// Whole identifiers.
const IDENTIFIERS: &[&str] = &[
    "Aim",
    "Course",
    "Instead",
    "Lack",
    "Leg",
    "ModelLists",
    "SetAside",
    "drawn_key",
    "further_lists",
    "platform_may_follow",
    "set_aside",
];

/// Beginnings of the names of limits, which begin with MAX_ or MIN_.
const LIMITS: &[&str] = &["LARGEST_", "LONGEST_", "MOST_", "SHORTEST_"];

/// Files that quote text which is not ours: other products' pages, providers' formats.
const QUOTING: &[&str] = &[
    "crates/e2e/tests/it/architecture/vocabulary.rs",
    "crates/e2e/tests/parity/",
    "crates/providers/data/",
    "crates/providers/tests/",
    "docs/product-parity.md",
];

#[test]
fn no_retired_word_is_used() {
    let mut uses = Vec::new();
    for top in ["crates", "docs", "migrations", "proto"] {
        visit(&root().join(top), &mut uses);
    }
    assert!(uses.is_empty(), "\n{}", uses.join("\n"));
}

fn visit(folder: &Path, uses: &mut Vec<String>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is readable")
        .map(|entry| entry.expect("it is readable").path())
        .collect();
    paths.sort();
    for path in paths {
        let relative = path.strip_prefix(root()).expect("it is under the root");
        let name = relative.to_string_lossy().replace('\\', "/");
        if QUOTING.iter().any(|quoting| name.starts_with(quoting)) {
            continue;
        }
        if path.is_dir() {
            let is_ours = !["generated", "target"]
                .iter()
                .any(|skip| path.ends_with(skip));
            if is_ours {
                visit(&path, uses);
            }
        } else if ["md", "proto", "rs"]
            .iter()
            .any(|ours| path.extension().is_some_and(|extension| extension == *ours))
        {
            let text = fs::read_to_string(&path).expect("the file is UTF-8");
            for (number, line) in text.lines().enumerate() {
                uses.extend(retired(line).map(|word| format!("{name}:{}: {word}", number + 1)));
            }
        }
    }
}

/// The retired words of a line.
fn retired(line: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let identifiers = line
        .split(move |c| !is_word(c))
        .filter(|word| !word.is_empty());
    identifiers.filter(|identifier| {
        IDENTIFIERS.contains(identifier)
            || LIMITS.iter().any(|limit| identifier.starts_with(limit))
            || parts(identifier)
                .iter()
                .any(|part| PARTS.contains(&part.as_str()))
    })
}

/// The words of an identifier, in lower case: `LeaseCache` and `lease_cache` are "lease" and "cache".
fn parts(identifier: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for word in identifier.split('_') {
        let mut part = String::new();
        let mut before_is_lower = false;
        for c in word.chars() {
            if c.is_ascii_uppercase() && before_is_lower {
                parts.insert(std::mem::take(&mut part));
            }
            before_is_lower = c.is_ascii_lowercase();
            part.push(c.to_ascii_lowercase());
        }
        parts.insert(part);
    }
    parts
}

#[test]
fn retired_words_are_found_in_any_spelling() {
    for line in [
        "let wish = 1;",
        "struct LoanCache;",
        "fn a_lent_key_is_used() {}",
        "const MOST_KEYS: usize = 1;",
        "// nobody knows",
        "Course::default()",
    ] {
        assert_eq!(retired(line).count(), 1, "{line}");
    }
    for line in ["let legend = talent;", "of course", "attendance", "MOST"] {
        assert_eq!(retired(line).count(), 0, "{line}");
    }
}
