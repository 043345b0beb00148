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

/// What became of the key in a variable.
pub(crate) struct Imported {
    /// The variable.
    pub(crate) variable: String,
    /// The platform's key as it is now, or why there is none.
    pub(crate) outcome: Result<Key, NotImported>,
}

/// Why the key in a variable is not the platform's now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotImported {
    /// The file that the variable names.
    #[error("its file cannot be read")]
    File(#[source] std::io::Error),
    /// The variable is of no use without this one.
    #[error("{0} is not set")]
    Incomplete(&'static str),
    /// What the vault says, the provider's words among it.
    #[error("{}", .0.message())]
    Vault(Status),
}

/// Makes a platform key of each key that the environment holds. While no router is there to check
/// one, it is tried again for as long as `patience` lasts in all.
pub(crate) async fn import(vault: AuthorizedChannel, patience: Duration) -> Vec<Imported> {
    let mut keys = KeyServiceClient::new(vault);
    let deadline = tokio::time::Instant::now() + patience;
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
