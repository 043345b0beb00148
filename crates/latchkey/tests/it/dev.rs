//! `latchkey dev`: the README's first command.

use tempfile::TempDir;

use crate::process::{Dev, latchkey, on_free_ports};

fn shows_the_main_job(printed: &str) {
    for line in [
        "Stored a key, sealed:",
        "  name      workspaces/demo/keys/sandbox",
        "  material  …hing",
        "  verified  GRADE_",
        "Sent a prompt: Hello, Latchkey!",
        "  answer    [sandbox, no model was asked] You said: Hello, Latchkey!",
        "Recorded an attempt:",
        "  key       workspaces/demo/keys/sandbox/versions/1 …hing",
        "  payer     PAYER_OWN_KEY",
        "  state     STATE_SUCCEEDED",
    ] {
        assert!(printed.contains(line), "{line} is not in:\n{printed}");
    }
    assert!(
        !printed.contains("sandbox-key-that-opens-nothing"),
        "the key is masked"
    );
}

#[test]
fn dev_stores_a_key_answers_a_prompt_records_the_attempt_and_drains() {
    let dev = Dev::start();
    shows_the_main_job(&dev.printed);
    assert!(
        !dev.printed.contains(&dev.token()),
        "the token is not printed"
    );
    let (status, _) = dev.terminate();
    assert!(status.success(), "{status}");
}

#[test]
fn dev_runs_again_over_the_same_folder() {
    let folder = TempDir::new().unwrap();
    // The sandbox's address is part of the stored key, so its port must be the same.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for _ in 0..2 {
        let output = latchkey()
            .args(["dev", "--once", "--vault-port", "0", "--router-port", "0"])
            .args(["--sandbox-port", &port.to_string()])
            .arg("--folder")
            .arg(folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        shows_the_main_job(&String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn only_the_owner_can_read_the_folder_of_dev() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("dev");
    let output = on_free_ports(&path).arg("--once").output().unwrap();
    assert!(output.status.success());
    for (name, mode) in [("", 0o700), ("keyring.toml", 0o600), ("admin.token", 0o600)] {
        let metadata = std::fs::metadata(path.join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
    }
}

#[test]
fn an_existing_keyring_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("keyring.toml");
    let make = || latchkey().arg("keyring").arg(&file).output().unwrap();
    assert!(make().status.success());
    let before = std::fs::read(&file).unwrap();
    let again = make();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("keyring.toml"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn migrating_without_a_url_names_the_missing_variable() {
    let output = latchkey()
        .args(["migrate", "vault"])
        .env_remove("LATCHKEY_DATABASE_URL")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("LATCHKEY_DATABASE_URL"), "{error}");
}
