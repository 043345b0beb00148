//! The configuration files that `deploy/` offers.

use std::path::{Path, PathBuf};

use latchkey_router::config::RouterConfig;
use latchkey_vault::config::VaultConfig;

const FILES: [&str; 2] = ["vault.toml", "router.toml"];

/// How a key says what its number counts, unless it is one of [`PLAIN_NUMBERS`].
const UNITS: [&str; 3] = ["_seconds", "_milliseconds", "_bytes"];

/// Keys whose numbers have no unit: counts and ratios.
const PLAIN_NUMBERS: [&str; 9] = [
    "breaker_failures",
    "max_calls",
    "max_calls_per_key",
    "max_calls_per_model",
    "max_concurrent_streams",
    "max_connections",
    "max_idle_connections",
    "max_pools",
    "trace_sample_ratio",
];

fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy/config")
        .join(name)
}

/// The text of a file, with the options that are commented out.
fn with_every_option(name: &str) -> String {
    let text = std::fs::read_to_string(deployed(name)).unwrap();
    let lines = text.lines().map(|line| match line.strip_prefix("# ") {
        // A commented option or table, not a sentence.
        Some(option) if option.starts_with('[') || option.contains(" = ") => {
            option.split(" or ").next().unwrap_or_default()
        }
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The keys under which a number stands, at any depth.
fn keys_of_numbers(table: &toml::Table) -> Vec<&str> {
    let keys = table.iter().flat_map(|(key, value)| match value {
        toml::Value::Integer(_) | toml::Value::Float(_) => vec![key.as_str()],
        toml::Value::Table(inner) => keys_of_numbers(inner),
        toml::Value::Array(entries) => {
            let tables = entries.iter().filter_map(toml::Value::as_table);
            tables.flat_map(keys_of_numbers).collect()
        }
        _ => Vec::new(),
    });
    keys.collect()
}

#[test]
fn the_services_read_the_deployed_files() {
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
fn every_number_names_its_unit() {
    for name in FILES {
        let table: toml::Table = with_every_option(name).parse().unwrap();
        let keys = keys_of_numbers(&table);
        assert!(keys.len() > 5, "{name}: {keys:?}");
        for key in keys {
            let has_unit = UNITS.iter().any(|unit| key.ends_with(unit));
            assert!(
                has_unit != PLAIN_NUMBERS.contains(&key),
                "{name}: {key} must end in one of {UNITS:?}, or be a count"
            );
        }
    }
}

#[test]
fn the_services_know_each_option_that_is_commented_out() {
    for name in FILES {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, with_every_option(name)).unwrap();
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
fn the_services_read_the_variables_of_docker_compose() {
    let variables = compose_variables("LATCHKEY_VAULT_");
    let loaded: VaultConfig = latchkey_boot::config::load(None, "LATCHKEY_VAULT_", variables)
        .expect("the vault reads it");
    assert_eq!((loaded.identity.tokens.len(), loaded.grants.len()), (2, 3));
    let variables = compose_variables("LATCHKEY_ROUTER_");
    let loaded: RouterConfig = latchkey_boot::config::load(None, "LATCHKEY_ROUTER_", variables)
        .expect("the router reads it");
    assert_eq!((loaded.identity.tokens.len(), loaded.grants.len()), (1, 2));
}
