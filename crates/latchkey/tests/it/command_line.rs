//! The cookbook's `call` commands, parsed as a shell parses them. The cookbook uses words, single
//! quotes, `$VAULT` and `$ROUTER`, one here-document, input from a file, and comments.

use crate::process::root;

/// One parsed command.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct CommandLine {
    /// The words after `call`, without options and redirections.
    pub(crate) words: Vec<String>,
    /// The request in JSON. Empty where the command has none.
    pub(crate) data: String,
}

impl CommandLine {
    /// Parses a command. `variable` returns the value of a word that starts with `$`.
    pub(crate) fn parse(command: &str, variable: impl Fn(&str) -> String) -> Self {
        let (line, document) = command.split_once('\n').unwrap_or((command, ""));
        let mut parsed = Self {
            words: Vec::new(),
            data: String::new(),
        };
        let mut words = split(line).into_iter().skip(1);
        while let Some(word) = words.next() {
            match &*word {
                "-d" => parsed.data = words.next().expect("-d has a value"),
                "<" => {
                    let file = root().join(words.next().expect("a file follows"));
                    parsed.data = std::fs::read_to_string(file).expect("the file is committed");
                }
                "<<JSON" => {
                    document
                        .strip_suffix("JSON")
                        .expect("the document ends")
                        .clone_into(&mut parsed.data);
                }
                text if text.starts_with('$') => parsed.words.push(variable(text)),
                _ => parsed.words.push(word),
            }
        }
        parsed
    }
}

/// The words of a line up to a comment, without their quotes.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '#' if !is_quoted && word.is_none() => break,
            ' ' if !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[test]
fn quotes_variables_and_comments_are_parsed_as_by_a_shell() {
    let command = r#"call -d '{"name": "a # b"}' $VAULT some.Service/Method # refused: REASON"#;
    let parsed = CommandLine::parse(command, |name| format!("value of {name}"));
    let expected = CommandLine {
        words: vec![
            "value of $VAULT".to_owned(),
            "some.Service/Method".to_owned(),
        ],
        data: r#"{"name": "a # b"}"#.to_owned(),
    };
    assert_eq!(parsed, expected);
}

#[test]
fn a_here_document_is_the_request() {
    let command = "call -d @ $VAULT some.Service/Method <<'JSON' # refused: REASON\n{}\nJSON";
    let parsed = CommandLine::parse(command, |_| "address".to_owned());
    assert_eq!(parsed.words, ["address", "some.Service/Method"]);
    assert_eq!(parsed.data, "{}\n");
}

#[test]
fn a_request_is_read_from_a_file() {
    let command = "call -d @ $VAULT some.Service/Method < examples/anchor.json";
    let parsed = CommandLine::parse(command, |_| "address".to_owned());
    assert!(
        parsed.data.contains(r#""workspace_id": "anchor""#),
        "{}",
        parsed.data
    );
}
