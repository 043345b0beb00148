//! Names in upper case, and words with a fixed meaning.

use std::collections::BTreeSet;

use latchkey_contract::{ExclusionRule, Reason};
use protox::prost_reflect::EnumDescriptor;

use super::{COMMENTS, Described as _, POOL, messages, quoted};

#[test]
fn every_rule_that_a_field_names_is_an_exclusion_rule() {
    let mut rules = 0;
    for message in messages() {
        let Some(field) = message.get_field_by_name("rule") else {
            continue;
        };
        for name in quoted(field.comment()).filter(|name| is_upper_snake(name)) {
            rules += 1;
            assert!(
                name.parse::<ExclusionRule>().is_ok(),
                "{}: {name} is not an exclusion rule",
                field.full_name()
            );
        }
    }
    assert!(rules > 0);
}

#[test]
fn every_name_in_upper_case_exists() {
    let values: BTreeSet<String> = POOL
        .all_enums()
        .flat_map(|descriptor| value_names(&descriptor))
        .collect();
    for ((file, _), comment) in COMMENTS.iter() {
        // The lines of errors have a test of their own.
        let text = comment.split("Errors: ").next().unwrap_or_default();
        let text = text
            .split("Errors of every method: ")
            .next()
            .unwrap_or_default();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in words.filter(|word| word.contains('_') && is_upper_snake(word)) {
            let exists = values.contains(name)
                || name.parse::<Reason>().is_ok()
                || name.parse::<ExclusionRule>().is_ok();
            assert!(exists, "{file}: {name} does not exist, in `{comment}`");
        }
    }
}

/// In `latchkey.router.v1` a session is a conversation, so the vault's stream needs its full name.
#[test]
fn the_vault_speaks_of_router_sessions_only() {
    for ((file, _), comment) in COMMENTS.iter() {
        if !file.starts_with("latchkey/vault/") {
            continue;
        }
        let text = comment.replace('\n', " ").to_lowercase();
        for (at, _) in text.match_indices("session") {
            let before = text[..at].trim_end_matches([' ', '_']);
            assert!(
                before.ends_with("router"),
                "{file}: which session is meant in `{comment}`?"
            );
        }
    }
}

fn value_names(descriptor: &EnumDescriptor) -> Vec<String> {
    let values = descriptor.values();
    values.map(|value| value.name().to_owned()).collect()
}

fn is_upper_snake(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(|c| c.is_ascii_uppercase())
        && characters.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
