//! The process: its error text and exit code if its configuration is invalid.
#![expect(
    clippy::unwrap_used,
    reason = "a panic with its message is how a test fails"
)]

use std::process::{Command, Output};

use tempfile::TempDir;

fn run(config: &str, variables: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("router.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-router"));
    command
        .arg("--config")
        .arg(&file)
        .envs(variables.iter().copied());
    command.output().unwrap()
}

fn error_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let output = run("[server]\nlisten = \"127.0.0.1:0\"\nlistn = 1\n", &[]);
    assert_eq!(output.status.code(), Some(64));
    let error = error_text(&output);
    assert!(error.contains("router.toml:3"), "{error}");
    assert!(error.contains("listn"), "{error}");
}

#[test]
fn an_unknown_variable_is_named() {
    let output = run("", &[("LATCHKEY_ROUTER_SERVER__LISTN", "127.0.0.1:0")]);
    assert_eq!(output.status.code(), Some(64));
    let error = error_text(&output);
    assert!(error.contains("LATCHKEY_ROUTER_SERVER__LISTN"), "{error}");
}

#[test]
fn a_missing_field_is_named_by_its_path() {
    let output = run("", &[]);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        error_text(&output).contains("server"),
        "{}",
        error_text(&output)
    );
}

#[test]
fn a_value_of_the_wrong_type_is_not_repeated() {
    let config = "[server]\nlisten = \"not-a-real-secret\"\n";
    let output = run(config, &[]);
    assert_eq!(output.status.code(), Some(64));
    let error = error_text(&output);
    assert!(error.contains("router.toml:2"), "{error}");
    assert!(!error.contains("not-a-real-secret"), "{error}");
}

#[test]
fn an_invalid_catalogue_is_named_by_its_file() {
    let folder = TempDir::new().unwrap();
    let catalogue = folder.path().join("ours.toml");
    std::fs::write(&catalogue, "version = \"1\"\ncolour = 1\n").unwrap();
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\
        [database]\nurl = \"sqlite://{folder}/router.db?mode=rwc\"\n\
        [journal]\nfolder = \"{folder}/journal\"\n\
        [vault]\nendpoint = \"http://127.0.0.1:1\"\n\
        [catalogue]\nextend = [\"{folder}/ours.toml\"]\n",
        folder = folder.path().display()
    );
    let output = run(&config, &[]);
    let error = error_text(&output);
    assert_eq!(output.status.code(), Some(64), "{error}");
    assert!(error.contains("ours.toml: not a catalogue"), "{error}");
    assert!(error.contains("colour"), "{error}");
}
