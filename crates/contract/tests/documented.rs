//! Checks that `docs/errors.md` documents exactly the reasons of the contract.

use latchkey_contract::Reason;

const PAGE: &str = include_str!("../../../docs/errors.md");

/// The canonical name of a code, as the page writes it.
fn code_name(reason: Reason) -> String {
    let mut name = String::new();
    for character in format!("{:?}", reason.code()).chars() {
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

#[test]
fn the_errors_page_lists_every_reason_with_its_code_and_meaning() {
    let mut expected: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| {
            let name = format!("`{reason}`");
            let code = format!("`{}`", code_name(*reason));
            [name, code, reason.meaning().to_owned()]
        })
        .collect();
    expected.sort();
    let documented: Vec<_> = rows()
        .iter()
        .map(|[reason, code, meaning, _]| [reason, code, meaning].map(|cell| (*cell).to_owned()))
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn the_errors_page_says_for_every_reason_who_acts() {
    for [reason, _, _, action] in rows() {
        assert!(action.ends_with('.'), "{reason}: {action}");
        assert!(action.contains(": "), "{reason} names who acts: {action}");
    }
}
