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

/// The variables of docker-compose.yml, folded lines joined, `${NAME:?…}` filled in.
fn compose_variables(prefix: &str) -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker-compose.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let digest = "0".repeat(64);
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((name, value)) = line.trim().split_once(": ") else {
            continue;
        };
        if !name.starts_with(prefix) {
            continue;
        }
        let mut value = value.trim_matches('"').to_owned();
        if value == ">-" {
            value.clear();
            while let Some(more) = lines.next_if(|more| more.starts_with("        ")) {
                value.push_str(more.trim());
            }
        }
        for (variable, filling) in [
            ("${LATCHKEY_ADMIN_SHA256:?set it}", digest.as_str()),
            (
                "${LATCHKEY_ROUTER_SHA256:?set it}",
                &digest.replace('0', "1"),
            ),
            ("${LATCHKEY_ROUTER_TOKEN:?set it}", "not-a-real-token"),
        ] {
            value = value.replace(variable, filling);
        }
        found.push((name.to_owned(), value));
    }
    found
}

#[test]
fn the_variables_of_docker_compose_are_what_the_services_read() {
    let variables = compose_variables("LATCHKEY_VAULT_");
    let loaded: VaultConfig = latchkey_boot::config::load(None, "LATCHKEY_VAULT_", variables)
        .expect("the vault reads it");
    assert_eq!((loaded.identity.tokens.len(), loaded.grants.len()), (2, 3));
    let variables = compose_variables("LATCHKEY_ROUTER_");
    let loaded: RouterConfig = latchkey_boot::config::load(None, "LATCHKEY_ROUTER_", variables)
        .expect("the router reads it");
    assert_eq!((loaded.identity.tokens.len(), loaded.grants.len()), (1, 2));
}
