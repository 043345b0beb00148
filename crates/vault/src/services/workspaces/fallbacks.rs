//! The fallback models of a workspace, from the message.

use latchkey_contract::vault::v1::WorkspaceFallback;

use crate::domain::fallback::{self, Fallback};
use crate::error::VaultError;

/// The fallbacks that a message holds.
pub(super) fn decode(messages: &[WorkspaceFallback]) -> Result<Vec<Fallback>, VaultError> {
    let decoded = messages.iter().enumerate().map(|(index, message)| {
        let field = || format!("workspace.fallbacks[{index}].provider");
        let provider = message.provider.parse();
        Ok(Fallback {
            provider: provider.map_err(|error| VaultError::field(field(), error))?,
            model: message.model.clone(),
        })
    });
    let decoded: Result<_, VaultError> = decoded.collect();
    Ok(fallback::checked(decoded?)?)
}

/// The fallbacks as the audit log shows them.
pub(super) fn describe(fallbacks: &[Fallback]) -> String {
    let texts: Vec<_> = fallbacks.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
