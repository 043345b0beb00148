//! Platform keys from the environment, as a self-hosted deployment has them.

mod command;
mod store;
mod variables;

use std::time::Duration;

use latchkey_contract::vault::v1::Key;
use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_rpc::client::AuthorizedChannel;
use tonic::Status;

pub(crate) use command::run;

/// The outcome of importing the key in a variable.
pub(crate) struct Imported {
    /// The variable.
    pub(crate) variable: String,
    /// The platform key, or why the key was not imported.
    pub(crate) outcome: Result<Key, NotImported>,
}

/// Why the key in a variable was not imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotImported {
    /// The variable names a file that cannot be read.
    #[error("its file cannot be read")]
    File(#[source] std::io::Error),
    /// Another variable is required with it.
    #[error("{0} is not set")]
    Incomplete(&'static str),
    /// The vault's refusal, with the provider's message.
    #[error("{}", .0.message())]
    Vault(Status),
}

/// Stores each key in the environment as a platform key. While no router is connected to verify
/// them, it tries again, for `wait` in all.
pub(crate) async fn import(vault: AuthorizedChannel, wait: Duration) -> Vec<Imported> {
    let mut keys = KeyServiceClient::new(vault);
    let deadline = tokio::time::Instant::now() + wait;
    let mut all = Vec::new();
    for found in variables::found(variable) {
        let outcome = match found.held {
            Ok(held) => {
                let stored = store::store(&mut keys, held, deadline).await;
                stored.map_err(NotImported::Vault)
            }
            Err(problem) => Err(problem),
        };
        all.push(Imported {
            variable: found.variable,
            outcome,
        });
    }
    all
}

#[expect(
    clippy::disallowed_methods,
    reason = "the providers' keys are taken from the providers' own variables"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
