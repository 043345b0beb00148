//! Checks that `docs/product-parity.md` lists exactly the tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::preset::root;

const SYSTEMS: [&str; 5] = ["neotask", "geekflare", "anchor", "aikeedo", "qodex"];

/// The cells of each row of the table whose first column has this heading.
fn rows(section: &str, heading: &str) -> Vec<Vec<String>> {
    let heading = format!("| {heading} |");
    let lines = section
        .lines()
        .skip_while(|line| !line.starts_with(&heading));
    let lines = lines.skip(2).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    lines.map(cells).collect()
}

fn document() -> String {
    fs::read_to_string(root().join("docs/product-parity.md")).unwrap()
}

/// The section of each product, in the order of [`SYSTEMS`].
fn sections(document: &str) -> Vec<&str> {
    let sections: Vec<_> = document.split("\n## ").skip(1).collect();
    assert_eq!(sections.len(), SYSTEMS.len());
    sections
}

/// The tests in a file and in the files below it, named as the document names them.
fn tests(file: &Path, module: &str) -> BTreeSet<String> {
    let source = fs::read_to_string(file).unwrap();
    let mut found = BTreeSet::new();
    let listed = source.split("on_both_databases!(").nth(1);
    let listed = listed.and_then(|rest| rest.split(");").next());
    let listed = listed.unwrap_or_default().split(',').map(str::trim);
    let alone = source
        .split("#[tokio::test")
        .skip(1)
        .chain(source.split("#[test]").skip(1));
    let alone = alone.filter_map(|rest| rest.split("fn ").nth(1)?.split('(').next());
    for name in listed.chain(alone).filter(|name| !name.is_empty()) {
        assert!(source.contains(&format!("fn {name}(")), "{module}::{name}");
        found.insert(format!("{module}::{name}"));
    }
    let Ok(below) = fs::read_dir(file.with_extension("")) else {
        return found;
    };
    for entry in below {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        found.extend(tests(&path, &format!("{module}::{name}")));
    }
    found
}

#[test]
fn the_page_lists_exactly_the_tests_that_exist() {
    let document = document();
    let folder = root().join("crates/e2e/tests/parity");
    let command = root().join("crates/latchkey/tests/it/platform_keys.rs");
    let of_the_command = tests(&command, "latchkey::platform_keys");
    for (system, section) in SYSTEMS.iter().zip(sections(&document)) {
        let rows = rows(section, "the page says");
        let named = rows.iter().map(|row| row[1].trim_matches('`').to_owned());
        let (elsewhere, named): (BTreeSet<_>, BTreeSet<_>) =
            named.partition(|name| name.starts_with("latchkey::"));
        let existing = tests(&folder.join(format!("{system}.rs")), system);
        assert_eq!(named, existing, "{system}");
        assert!(elsewhere.is_subset(&of_the_command), "{elsewhere:?}");
    }
}

#[test]
fn every_row_names_a_command_that_the_page_has() {
    let document = document();
    for section in sections(&document) {
        let commands = section.lines().filter_map(|line| line.strip_prefix("# "));
        let commands = commands.filter_map(|line| line.split(':').next());
        let commands: BTreeSet<_> = commands.collect();
        let mut followed = BTreeSet::new();
        for row in rows(section, "the page says") {
            let [sentence, _, seen] = &row[..] else {
                panic!("{row:?}")
            };
            for command in seen.split(", ") {
                assert!(commands.contains(command), "{command} of {sentence}");
                followed.insert(command.to_owned());
            }
        }
        assert!(followed.len() > 5, "{followed:?}");
    }
}

#[test]
fn the_page_states_how_many_statements_are_open() {
    let document = document();
    let open: Vec<_> = sections(&document)
        .into_iter()
        .flat_map(|section| rows(section, "not implemented yet"))
        .collect();
    for row in &open {
        let [sentence, waits_for] = &row[..] else {
            panic!("{row:?}")
        };
        assert!(!sentence.is_empty() && !waits_for.is_empty(), "{row:?}");
    }
    let counted = format!("Not implemented yet: {} statements.", open.len());
    assert!(document.contains(&counted), "{counted}");
}
