//! `latchkey platform-keys import`.

#![expect(clippy::print_stdout, reason = "this is what the command is for")]

use std::time::Duration;

use latchkey_boot::exit::Failure;
use latchkey_boot::tls::ClientTls;
use latchkey_rpc::client::ChannelConfig;

use super::Imported;
use crate::arguments::ImportPlatformKeys;

pub(crate) async fn run(options: ImportPlatformKeys) -> Result<(), Failure> {
    let endpoint = options.vault.parse().map_err(|problem| {
        Failure::config(format!("--vault {} is not a URL: {problem}", options.vault))
    })?;
    let mut config = ChannelConfig::new(endpoint);
    config.token_file = options.token_file;
    config.tls = options.ca_file.map(|ca_file| ClientTls {
        ca_file,
        cert_file: options.cert_file,
        key_file: options.key_file,
        domain: None,
    });
    let wait = Duration::from_secs(options.wait);
    let all = super::import(config.open()?, wait).await;
    if all.is_empty() {
        println!("The environment holds no key of a known provider.");
    }
    let refused = all
        .iter()
        .filter(|imported| !print_outcome(imported))
        .count();
    match refused {
        0 => Ok(()),
        some => Err(Failure::run(format!(
            "{some} of {} keys were not imported",
            all.len()
        ))),
    }
}

/// Prints the outcome, and returns whether the key is a platform key now.
fn print_outcome(imported: &Imported) -> bool {
    let variable = &imported.variable;
    match &imported.outcome {
        Ok(key) => println!("{variable} is {} …{}", key.name, key.material_tail),
        Err(problem) => println!("{variable} is not used: {}", Chain(problem)),
    }
    imported.outcome.is_ok()
}

/// An error and its causes, outermost first.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
