use std::os::unix::fs::PermissionsExt as _;

use ring::rand::SystemRandom;
use tempfile::TempDir;

use super::*;

fn created() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keyring.toml");
    KeyRingFile::create(&path, &SystemRandom::new()).unwrap();
    (folder, path)
}

#[test]
fn a_created_file_opens_with_one_primary_key() {
    let (_folder, path) = created();
    let ring = KeyRingFile::open(&path).unwrap().current();
    let (id, key) = ring.primary();
    assert_eq!(id, key.id());
}

#[test]
fn an_existing_file_is_not_overwritten() {
    let (_folder, path) = created();
    let before = fs::read(&path).unwrap();
    assert!(KeyRingFile::create(&path, &SystemRandom::new()).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let (_folder, path) = created();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        KeyRingFile::open(&path),
        Err(KeyRingError::Exposed { .. })
    ));
}

#[test]
fn a_bad_new_file_keeps_the_old_ring() {
    let (_folder, path) = created();
    let file = KeyRingFile::open(&path).unwrap();
    let id = file.current().primary().0.to_owned();
    fs::write(&path, "keys = []").unwrap();
    assert!(file.reload().is_err());
    assert_eq!(file.current().primary().0, id);
}

#[test]
fn an_error_never_quotes_the_file() {
    let (_folder, path) = created();
    let text = fs::read_to_string(&path).unwrap();
    let key = text.split('"').nth(5).unwrap().to_owned();
    for broken in [
        text.replace("primary", "main"),
        text.replace("key = ", "secret = "),
        text.replace(&key, &format!("{key}x")),
        text.replace("id = \"", "id = \"0"),
    ] {
        fs::write(&path, broken).unwrap();
        let error = KeyRingFile::open(&path).err().unwrap().to_string();
        assert!(!error.contains(&key), "{error}");
    }
}
