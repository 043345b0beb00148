//! The configuration files that `deploy/` offers.

use latchkey_router::config::RouterConfig;
use latchkey_vault::config::VaultConfig;
use std::path::{Path, PathBuf};

fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy/config")
        .join(name)
}

#[test]
fn the_offered_files_are_what_the_services_read() {
    let none = || std::iter::empty::<(String, String)>();
    let loaded = latchkey_boot::config::load::<VaultConfig>(
        Some(&deployed("vault.toml")),
        "LATCHKEY_VAULT_",
        none(),
    );
    assert!(loaded.is_ok(), "{}", loaded.err().unwrap());
    let loaded = latchkey_boot::config::load::<RouterConfig>(
        Some(&deployed("router.toml")),
        "LATCHKEY_ROUTER_",
        none(),
    );
    assert!(loaded.is_ok(), "{}", loaded.err().unwrap());
}

#[test]
fn each_option_that_is_commented_out_is_one() {
    for name in ["vault.toml", "router.toml"] {
        let text = std::fs::read_to_string(deployed(name)).unwrap();
        let all = text.lines().map(|line| match line.strip_prefix("# ") {
            // A commented option or table, not a sentence.
            Some(option) if option.starts_with('[') || option.contains(" = ") => {
                option.split(" or ").next().unwrap_or_default()
            }
            _ => line,
        });
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, all.collect::<Vec<_>>().join("\n")).unwrap();
        let none = std::iter::empty::<(String, String)>();
        let error = match name {
            "vault.toml" => latchkey_boot::config::load::<VaultConfig>(Some(&file), "X_", none)
                .err()
                .map(|error| error.to_string()),
            _ => latchkey_boot::config::load::<RouterConfig>(Some(&file), "X_", none)
                .err()
                .map(|error| error.to_string()),
        };
        assert_eq!(error, None, "{name}");
    }
}
