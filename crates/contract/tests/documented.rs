//! Checks that `docs/errors.md` documents exactly the reasons of the contract, and that the pages
//! name no reason, rule or enum value that does not exist.

#![expect(
    clippy::disallowed_methods,
    reason = "a variable switches from comparing to writing"
)]

use latchkey_contract::{ExclusionRule, FILE_DESCRIPTOR_SET, Reason};
use protox::prost_reflect::DescriptorPool;

const PAGE: &str = include_str!("../../../docs/errors.md");

/// The canonical name of a code, as the page writes it.
fn name_of(code: tonic::Code) -> String {
    let mut name = String::new();
    for character in format!("{code:?}").chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}

/// The rows of the table of reasons: reason, code, meaning, and who acts.
fn rows() -> Vec<[&'static str; 4]> {
    PAGE.lines()
        .skip_while(|line| !line.starts_with("| reason |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            cells.try_into().expect("a row has four cells")
        })
        .collect()
}

/// The first three cells of each row, as the contract has them.
fn expected_rows() -> Vec<[String; 3]> {
    let mut expected: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| {
            let name = format!("`{reason}`");
            let code = format!("`{}`", name_of(reason.code()));
            [name, code, reason.meaning().to_owned()]
        })
        .collect();
    expected.sort();
    expected
}

/// Writes the names, codes and meanings of the contract. Keeps the last column, which is empty for a new reason.
fn regenerate() {
    let documented = rows();
    let mut table = String::new();
    for [name, code, meaning] in expected_rows() {
        let known = documented.iter().find(|row| row[0] == name);
        let action = known.map_or("", |row| row[3]);
        table.push_str(
            &[&name, &code, &meaning, action]
                .map(|cell| format!("| {cell} "))
                .concat(),
        );
        table.push_str("|\n");
    }
    let heading = PAGE.find("| reason |").expect("the page has the table");
    let first_row = heading + PAGE[heading..].find("\n| `").expect("it has rows") + 1;
    let end = PAGE[first_row..].find("\n\n").expect("text follows it");
    let page = [&PAGE[..first_row], &table, &PAGE[first_row + end + 1..]].concat();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    std::fs::write(file, page).expect("the page is writable");
}

#[test]
fn the_errors_page_lists_every_reason_with_its_code_and_meaning() {
    if std::env::var_os("LATCHKEY_REGENERATE").is_some() {
        return regenerate();
    }
    let documented: Vec<_> = rows()
        .iter()
        .map(|[reason, code, meaning, _]| [reason, code, meaning].map(|cell| (*cell).to_owned()))
        .collect();
    assert_eq!(
        documented,
        expected_rows(),
        "docs/errors.md is stale: run LATCHKEY_REGENERATE=1 cargo test -p latchkey-contract"
    );
}

#[test]
fn the_errors_page_says_for_every_reason_who_acts() {
    for [reason, _, _, action] in rows() {
        assert!(action.ends_with('.'), "{reason}: {action}");
        assert!(action.contains(": "), "{reason} names who acts: {action}");
    }
}

/// The names in `UPPER_SNAKE_CASE` of a page's code spans, outside fenced blocks.
fn names(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.split("```").step_by(2);
    prose
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        .filter(|span| {
            span.contains('_') && span.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
}

/// Every value of the contract's enums.
fn enum_values() -> Vec<String> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the set is valid");
    pool.all_enums()
        .flat_map(|declared| declared.values().collect::<Vec<_>>())
        .map(|value| value.name().to_owned())
        .collect()
}

#[test]
fn pages_name_only_reasons_rules_and_enum_values_that_exist() {
    let values = enum_values();
    let codes: Vec<_> = (0..=16).map(tonic::Code::from_i32).map(name_of).collect();
    for (name, page) in [
        ("docs/choice.md", include_str!("../../../docs/choice.md")),
        ("docs/errors.md", PAGE),
        (
            "docs/glossary.md",
            include_str!("../../../docs/glossary.md"),
        ),
        ("docs/logging.md", include_str!("../../../docs/logging.md")),
        (
            "docs/providers.md",
            include_str!("../../../docs/providers.md"),
        ),
    ] {
        for named in names(page) {
            // A page may leave an enum's prefix out, and quote the beginning of a constant's name.
            let exists = named.parse::<Reason>().is_ok()
                || named.parse::<ExclusionRule>().is_ok()
                || codes.iter().any(|code| code == named)
                || values.iter().any(|value| value.ends_with(named))
                || named.starts_with('_')
                || named.starts_with("MAX_")
                || named == "MIN_";
            assert!(exists, "{name}: {named}");
        }
    }
}

#[test]
fn the_choice_page_lists_every_rule() {
    let page = include_str!("../../../docs/choice.md");
    for rule in ExclusionRule::ALL {
        assert!(page.contains(&format!("`{rule}`")), "{rule}");
    }
}
