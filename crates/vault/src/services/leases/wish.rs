//! What a `Resolve` asks for, from the message.

use latchkey_contract::names::{KeyName, KeyParent, ResourceId, Scope};
use latchkey_contract::vault::v1;

use crate::domain::resolution::{Capability, Payer, Wish};
use crate::error::{Noun, VaultError};

/// What is asked for, as far as the request alone tells.
pub(super) fn decode(request: &v1::ResolveRequest) -> Result<Wish, VaultError> {
    const MOST_EXCLUDED: usize = 64;
    if request.excluded_keys.len() > MOST_EXCLUDED {
        let problem = "must have at most 64 entries";
        return Err(VaultError::field("excluded_keys", problem));
    }
    let excluded = request
        .excluded_keys
        .iter()
        .enumerate()
        .map(|(index, name)| {
            name.parse()
                .map_err(|error| VaultError::field(format!("excluded_keys[{index}]"), error))
        });
    let unknown = |field| VaultError::field(field, "is not one that this vault knows");
    Ok(Wish {
        model: request.model.clone(),
        capability: match v1::Capability::try_from(request.capability) {
            Ok(v1::Capability::Unspecified | v1::Capability::Generate) => Capability::Generate,
            Ok(v1::Capability::Embed) => Capability::Embed,
            Ok(v1::Capability::GenerateImages) => Capability::GenerateImages,
            Ok(v1::Capability::ListModels) => Capability::ListModels,
            Err(_) => return Err(unknown("capability")),
        },
        excluded: excluded.collect::<Result<_, _>>()?,
        payer: match v1::Payer::try_from(request.payer) {
            Ok(v1::Payer::Unspecified) => None,
            Ok(v1::Payer::OwnKey) => Some(Payer::OwnKey),
            Ok(v1::Payer::Platform) => Some(Payer::Platform),
            Err(_) => return Err(unknown("payer")),
        },
        ..Wish::default()
    })
}

/// The names to try: a full name is that key and no other, an id may be the project's or the
/// workspace's.
pub(super) fn named_keys(text: &str, scope: &Scope) -> Result<Vec<KeyName>, VaultError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let workspace = KeyParent::Scope(Scope::Workspace(scope.workspace().clone()));
    let own = KeyParent::Scope(scope.clone());
    if let Ok(key) = text.parse::<ResourceId>() {
        let mut names = vec![KeyName {
            parent: own.clone(),
            key: key.clone(),
        }];
        if own != workspace {
            names.push(KeyName {
                parent: workspace,
                key,
            });
        }
        return Ok(names);
    }
    let name: KeyName = text.parse().map_err(VaultError::name("key"))?;
    // Another workspace's keys don't exist for this one; nor can the platform's be named.
    if name.parent == own || name.parent == workspace {
        Ok(vec![name])
    } else {
        Err(VaultError::NotFound(Noun::Key))
    }
}
