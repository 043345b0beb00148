//! What a configuration accepts, and what its errors say.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::*;

const PREFIX: &str = "APP_";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    server: Server,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    peers: Vec<Peer>,
    #[serde(default)]
    database_url: Option<SecretString>,
    #[serde(default)]
    #[serde(rename = "size")]
    _size: Size,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    listen: SocketAddr,
    #[serde(default, deserialize_with = "seconds::deserialize")]
    grace: Duration,
    limits: Option<Limits>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Limits {
    streams: u32,
    bytes: u32,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Peer {
    name: String,
    port: u16,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Text,
    Json,
}

/// A field whose parser quotes what it refuses.
#[derive(Default, Deserialize)]
#[serde(try_from = "String")]
struct Size;

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Err(format!("`{text}` is no size"))
    }
}

struct Written {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn write(toml: &str) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.toml");
    std::fs::write(&path, toml).unwrap();
    Written {
        _folder: folder,
        path,
    }
}

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn accept(toml: &str, variables: &[(&str, &str)]) -> App {
    let written = write(toml);
    load(Some(&written.path), PREFIX, env(variables)).unwrap_or_else(|error| panic!("{error}"))
}

/// The error's text, the folder of the file taken off.
fn refuse(toml: &str, variables: &[(&str, &str)]) -> String {
    let written = write(toml);
    let folder = format!("{}/", written.path.parent().unwrap().display());
    let result: Result<App, _> = load(Some(&written.path), PREFIX, env(variables));
    let error = result.err().expect("the configuration should be refused");
    error.to_string().replace(&folder, "")
}

const MINIMAL: &str = "[server]\nlisten = \"127.0.0.1:1\"\n";

#[test]
fn nested_tables_and_arrays_of_tables_are_read() {
    let app = accept(
        r#"
            format = "json"
            database_url = "postgres://user:password@host/db"

            [server]
            listen = "127.0.0.1:7000"
            grace = 2.5
            limits = { streams = 3, bytes = 4 }

            [[peers]]
            name = "a"
            port = 1

            [[peers]]
            name = "b"
            port = 2
        "#,
        &[],
    );
    assert_eq!(app.server.listen.port(), 7000);
    assert_eq!(app.server.grace, Duration::from_millis(2500));
    assert_eq!(
        app.server.limits,
        Some(Limits {
            streams: 3,
            bytes: 4
        })
    );
    assert_eq!(app.format, Format::Json);
    assert_eq!(app.peers.len(), 2);
    assert_eq!(
        app.database_url.unwrap().expose(),
        "postgres://user:password@host/db"
    );
}

#[test]
fn a_variable_wins_over_the_file_and_leaves_its_neighbours_alone() {
    let app = accept(
        "[server]\nlisten = \"127.0.0.1:1\"\ngrace = 7\nlimits = { streams = 3, bytes = 4 }\n",
        &[
            ("APP_SERVER__LISTEN", "127.0.0.1:9"),
            ("APP_SERVER__LIMITS__BYTES", "5"),
            ("OTHER_SERVER__LISTEN", "not ours"),
        ],
    );
    assert_eq!(app.server.listen.port(), 9);
    assert_eq!(app.server.grace, Duration::from_secs(7));
    assert_eq!(
        app.server.limits,
        Some(Limits {
            streams: 3,
            bytes: 5
        })
    );
}

#[test]
fn variables_alone_are_enough() {
    let app: App = load(
        None,
        PREFIX,
        env(&[
            ("APP_SERVER__LISTEN", "[::1]:8"),
            ("APP_SERVER__LIMITS", "{streams=1,bytes=2}"),
            ("APP_PEERS", r#"[{name="a",port=1},{name="b",port=2}]"#),
        ]),
    )
    .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(app.server.listen.port(), 8);
    assert_eq!(
        app.server.limits,
        Some(Limits {
            streams: 1,
            bytes: 2
        })
    );
    assert_eq!(app.peers[1].name, "b");
}

#[test]
fn an_unknown_field_is_named_with_its_file_and_line() {
    assert_eq!(
        refuse("[server]\nlisten = \"127.0.0.1:1\"\n\nlistn = 3\n", &[]),
        "app.toml:4: unknown field `server.listn`, expected one of `listen`, `grace`, `limits`"
    );
}

#[test]
fn an_unknown_field_in_an_array_of_tables_is_named_with_its_line() {
    let toml = "[server]\nlisten = \"127.0.0.1:1\"\n\n[[peers]]\nname = \"a\"\nport = 1\n\n\
                [[peers]]\nname = \"b\"\nport = 2\nprot = 3\n";
    assert_eq!(
        refuse(toml, &[]),
        "app.toml:11: unknown field `peers[1].prot`, expected one of `name`, `port`"
    );
}

#[test]
fn an_unknown_table_is_named_with_its_line() {
    assert_eq!(
        refuse(
            "[server]\nlisten = \"127.0.0.1:1\"\n[servr]\nlisten = 1\n",
            &[]
        ),
        "app.toml:3: unknown field `servr`, expected one of \
         `server`, `format`, `peers`, `database_url`, `size`"
    );
}

#[test]
fn a_missing_field_is_named_with_its_table_and_its_variable() {
    assert_eq!(
        refuse("format = \"json\"\n[server]\ngrace = 3\n", &[]),
        "app.toml:2: missing field `server.listen`, which APP_SERVER__LISTEN also sets"
    );
    assert_eq!(
        refuse("format = \"json\"\n", &[]),
        "app.toml: missing field `server`, which APP_SERVER also sets"
    );
    assert_eq!(
        refuse(&format!("{MINIMAL}[[peers]]\nname = \"a\"\n"), &[]),
        "app.toml:3: missing field `peers[0].port`"
    );
    let nothing: Result<App, _> = load(None, PREFIX, env(&[]));
    assert_eq!(
        nothing.err().unwrap().to_string(),
        "configuration: missing field `server`, which APP_SERVER also sets"
    );
}

#[test]
fn a_wrong_type_is_named_with_its_line_and_without_its_value() {
    assert_eq!(
        refuse(&format!("database_url = 987654\n{MINIMAL}"), &[]),
        "app.toml:1: `database_url` is an integer, expected a string"
    );
    assert_eq!(
        refuse("server = \"sk-secret\"\n", &[]),
        "app.toml:1: `server` is a string, expected struct Server"
    );
}

#[test]
fn an_unknown_variant_is_named_without_its_value() {
    assert_eq!(
        refuse(&format!("format = \"sk-secret\"\n{MINIMAL}"), &[]),
        "app.toml:1: `format` has an unknown value, expected one of `text`, `json`"
    );
}

#[test]
fn a_parser_that_quotes_the_value_does_not_leak_it() {
    assert_eq!(
        refuse(&format!("size = \"sk-secret\"\n{MINIMAL}"), &[]),
        "app.toml:1: `size`: `(hidden)` is no size"
    );
}

#[test]
fn a_value_that_does_not_parse_is_named_with_its_line() {
    assert_eq!(
        refuse("[server]\nlisten = \"localhost\"\n", &[]),
        "app.toml:2: `server.listen`: invalid socket address syntax"
    );
    assert_eq!(
        refuse("[server]\nlisten = \"127.0.0.1:1\"\ngrace = -1\n", &[]),
        "app.toml:3: `server.grace` has an invalid value, expected a number of seconds, 0 or more"
    );
    assert_eq!(
        refuse(
            &format!("{MINIMAL}[[peers]]\nname = \"a\"\nport = 65536\n"),
            &[]
        ),
        "app.toml:5: `peers[0].port` has an invalid value, expected u16"
    );
}

#[test]
fn an_unknown_variable_is_named() {
    assert_eq!(
        refuse(MINIMAL, &[("APP_SERVER__LISTN", "sk-secret")]),
        "APP_SERVER__LISTN: unknown field `server.listn`, expected one of \
         `listen`, `grace`, `limits`"
    );
    assert_eq!(
        refuse(MINIMAL, &[("APP_SERVR__LISTEN", "sk-secret")]),
        "APP_SERVR__LISTEN: unknown field `servr`, expected one of \
         `server`, `format`, `peers`, `database_url`, `size`"
    );
}

#[test]
fn an_invalid_variable_is_named_even_when_the_file_sets_the_field_too() {
    assert_eq!(
        refuse(MINIMAL, &[("APP_SERVER__LISTEN", "nowhere")]),
        "APP_SERVER__LISTEN: `server.listen`: invalid socket address syntax"
    );
    assert_eq!(
        refuse(MINIMAL, &[("APP_PEERS", "[{name=\"a\"}]")]),
        "APP_PEERS: missing field `peers[0].port`"
    );
}

#[test]
fn the_error_for_an_unquoted_secret_of_digits_says_to_quote_it() {
    assert_eq!(
        refuse(MINIMAL, &[("APP_DATABASE_URL", "123456")]),
        "APP_DATABASE_URL: `database_url` is an integer, expected a string: \
         put the value in double quotes"
    );
    let app = accept(MINIMAL, &[("APP_DATABASE_URL", "\"123456\"")]);
    assert_eq!(app.database_url.unwrap().expose(), "123456");
}

#[test]
fn a_variable_with_an_empty_level_is_refused() {
    for name in ["APP_", "APP_SERVER__", "APP___SERVER"] {
        assert_eq!(
            refuse(MINIMAL, &[(name, "x")]),
            format!("{name}: two underscores separate levels, and no level may be empty")
        );
    }
}

#[test]
fn a_syntax_error_names_its_line_and_not_its_content() {
    let error = refuse("[server]\ndatabase_url = sk-secret\n", &[]);
    assert!(error.starts_with("app.toml:2: "), "{error}");
    assert!(!error.contains("sk-secret"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let result: Result<App, _> = load(Some(Path::new("/nowhere/app.toml")), PREFIX, env(&[]));
    assert_eq!(
        result.err().unwrap().to_string(),
        "/nowhere/app.toml: cannot be read"
    );
}
