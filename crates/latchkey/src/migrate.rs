//! `latchkey migrate`: brings a database's schema up to date.

use latchkey_boot::config::{SecretString, resolve_secret};
use latchkey_boot::exit::Failure;

use crate::arguments::{Migrate, Schema};

/// The variable with the URL, read when no file is named.
const VARIABLE: &str = "LATCHKEY_DATABASE_URL";

#[expect(
    clippy::disallowed_methods,
    reason = "the command has no configuration file"
)]
pub(crate) async fn run(options: Migrate) -> Result<(), Failure> {
    let inline = match options.url_file {
        Some(_) => None,
        None => std::env::var(VARIABLE).ok().map(SecretString::new),
    };
    let url = resolve_secret(inline, options.url_file, VARIABLE)?;
    match options.schema {
        Schema::Vault => {
            let store = latchkey_vault::store::Store::connect(url.expose(), 1).await;
            store
                .map_err(Failure::run)?
                .migrate()
                .await
                .map_err(Failure::run)
        }
        Schema::Router => {
            let store = latchkey_router::store::Store::connect(url.expose(), 1).await;
            store
                .map_err(Failure::run)?
                .migrate()
                .await
                .map_err(Failure::run)
        }
    }
}
