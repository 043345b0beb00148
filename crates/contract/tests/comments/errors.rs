//! The lines *Caller*, *Idempotent* and *Errors* of methods.

use std::collections::BTreeSet;

use latchkey_contract::Reason;
use protox::prost_reflect::{MethodDescriptor, ServiceDescriptor};
use tonic::Code;

use super::{Described as _, services};

/// Reasons that no line lists.
const UNLISTED: [Reason; 2] = [
    // It is the answer to a call of no method.
    Reason::MethodUnknown,
    // A deleted key has no name that a request could use.
    Reason::StateForbids,
];

#[test]
fn every_method_has_one_sentence_and_the_three_fixed_lines() {
    for service in services() {
        for method in service.methods() {
            let name = method.full_name();
            let lines =
                FixedLines::of(&method).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            let sentence = lines.sentence.strip_suffix('.');
            assert!(
                sentence.is_some_and(|sentence| !sentence.contains(". ")),
                "{name}: `{}` must be one sentence",
                lines.sentence
            );
            let idempotent = lines.idempotent.as_str();
            assert!(
                ["yes.", "no."].contains(&idempotent)
                    || ["yes, ", "yes; ", "no; "]
                        .iter()
                        .any(|start| idempotent.starts_with(start)),
                "{name}: `{idempotent}` must start with yes or no"
            );
            assert!(lines.caller.ends_with('.'), "{name}: {}", lines.caller);
        }
    }
}

#[test]
fn every_listed_error_is_a_reason_under_its_own_code() {
    for service in services() {
        let of_every_method = checked(service.full_name(), &errors_of_every_method(&service));
        for method in service.methods() {
            let name = method.full_name();
            let lines =
                FixedLines::of(&method).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            let of_method = checked(name, &lines.errors);
            let both: Vec<_> = of_method.intersection(&of_every_method).collect();
            assert!(
                both.is_empty(),
                "{name} lists {both:?}, which every method of its service can return"
            );
        }
    }
}

#[test]
fn every_reason_is_listed_where_it_can_be_returned() {
    let mut listed = BTreeSet::new();
    for service in services() {
        listed.extend(checked(
            service.full_name(),
            &errors_of_every_method(&service),
        ));
        for method in service.methods() {
            let lines = FixedLines::of(&method).expect("another test shows its form");
            listed.extend(checked(method.full_name(), &lines.errors));
        }
    }
    let unlisted: Vec<_> = Reason::ALL
        .iter()
        .filter(|reason| !listed.contains(reason))
        .collect();
    assert_eq!(unlisted, UNLISTED.iter().collect::<Vec<_>>());
}

#[test]
fn a_list_of_errors_in_another_form_is_noticed() {
    for list in [
        "NOT_FOUND (KEY_NOT_FOUND)",
        "NOT_FOUND KEY_NOT_FOUND.",
        "NOT_FOUND ().",
        "NOT_FOUND (KEY_NOT_FOUND), .",
        "as CreateKey.",
        "NOT_FOUND (KEY_NOT_FOUND), and ABORTED (ETAG_MISMATCH).",
    ] {
        assert!(parse(list).is_err(), "{list}");
    }
    let list = parse("NOT_FOUND (KEY_NOT_FOUND), ABORTED (ETAG_MISMATCH, CONCURRENT_CHANGE).");
    let expected = vec![
        ("NOT_FOUND", vec!["KEY_NOT_FOUND"]),
        ("ABORTED", vec!["ETAG_MISMATCH", "CONCURRENT_CHANGE"]),
    ];
    assert_eq!(list, Ok(expected));
}

/// The comment of a method, taken apart.
struct FixedLines {
    sentence: String,
    caller: String,
    idempotent: String,
    errors: String,
}

impl FixedLines {
    fn of(method: &MethodDescriptor) -> Result<Self, String> {
        let comment = method.comment();
        let missing = |what: &str| format!("has no {what} in `{comment}`");
        let (sentence, lines) = comment
            .split_once("\n\nCaller: ")
            .ok_or_else(|| missing("Caller"))?;
        let (caller, lines) = lines
            .split_once("\nIdempotent: ")
            .ok_or_else(|| missing("Idempotent"))?;
        let (idempotent, errors) = lines
            .split_once("\nErrors: ")
            .ok_or_else(|| missing("Errors"))?;
        let joined = |text: &str| text.replace('\n', " ");
        Ok(Self {
            sentence: joined(sentence),
            caller: joined(caller),
            idempotent: joined(idempotent),
            errors: joined(errors),
        })
    }
}

fn errors_of_every_method(service: &ServiceDescriptor) -> String {
    let comment = service.comment();
    let list = comment.split_once("\n\nErrors of every method: ");
    let (_, list) = list.unwrap_or_else(|| panic!("{} must list them", service.full_name()));
    list.replace('\n', " ")
}

/// The reasons of a list, each of which stands once and under its own code.
fn checked(name: &str, list: &str) -> BTreeSet<Reason> {
    let parsed = parse(list).unwrap_or_else(|problem| panic!("{name}: {problem}"));
    let codes: BTreeSet<_> = parsed.iter().map(|(code, _)| code).collect();
    assert_eq!(codes.len(), parsed.len(), "{name} lists a code twice");
    let mut reasons = BTreeSet::new();
    for (code, listed) in parsed {
        for text in listed {
            let reason: Reason = text
                .parse()
                .unwrap_or_else(|problem| panic!("{name}: {text} {problem}"));
            assert_eq!(code_name(reason.code()), code, "{name}: {reason}");
            assert!(reasons.insert(reason), "{name} lists {reason} twice");
        }
    }
    reasons
}

/// `CODE (REASON, …), CODE (REASON, …).`
fn parse(list: &str) -> Result<Vec<(&str, Vec<&str>)>, String> {
    let invalid = || format!("`{list}` is not of the form CODE (REASON, …), CODE (REASON, …).");
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let groups = list.strip_suffix(").").ok_or_else(invalid)?.split("), ");
    let parsed = groups.map(|group| {
        let (code, reasons) = group.split_once(" (").ok_or_else(invalid)?;
        let reasons: Vec<_> = reasons.split(", ").collect();
        let named = is_name(code) && reasons.iter().all(|reason| is_name(reason));
        named.then_some((code, reasons)).ok_or_else(invalid)
    });
    parsed.collect()
}

/// The canonical name of a code: `NotFound` is `NOT_FOUND`.
fn code_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
