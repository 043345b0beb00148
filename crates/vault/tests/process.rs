//! The process with a bad configuration: its message and its exit code.
#![expect(
    clippy::unwrap_used,
    reason = "a panic with its message is how a test fails"
)]

use std::process::{Command, Output};

use tempfile::TempDir;

fn run(config: &str, variables: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("vault.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-vault"));
    command
        .arg("--config")
        .arg(&file)
        .envs(variables.iter().copied());
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let output = run("[server]\nlisten = \"127.0.0.1:0\"\nlistn = 1\n", &[]);
    assert_eq!(output.status.code(), Some(64));
    let message = text(&output);
    assert!(message.contains("vault.toml:3"), "{message}");
    assert!(message.contains("listn"), "{message}");
}

#[test]
fn an_unknown_variable_is_named() {
    let output = run("", &[("LATCHKEY_VAULT_SERVER__LISTN", "127.0.0.1:0")]);
    assert_eq!(output.status.code(), Some(64));
    let message = text(&output);
    assert!(
        message.contains("LATCHKEY_VAULT_SERVER__LISTN"),
        "{message}"
    );
}

#[test]
fn a_missing_field_is_named_by_its_path() {
    let output = run("", &[]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output).contains("server"), "{}", text(&output));
}

#[test]
fn a_value_of_the_wrong_type_is_not_repeated() {
    let config = "[server]\nlisten = \"not-a-real-secret\"\n";
    let output = run(config, &[]);
    assert_eq!(output.status.code(), Some(64));
    let message = text(&output);
    assert!(message.contains("vault.toml:2"), "{message}");
    assert!(!message.contains("not-a-real-secret"), "{message}");
}
