//! The query of a `Resolve`, from the message.

use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyParent, ResourceId, Scope};
use latchkey_contract::vault::v1;

use crate::domain::resolution::{Expectations, KeyQuery, Payer};
use crate::error::{Noun, VaultError};
use crate::services::{funding, usage_rules};

/// The selection criteria.
pub(super) fn decode(request: &v1::ResolveRequest) -> Result<KeyQuery, VaultError> {
    const MAX_EXCLUDED: usize = 64;
    if request.excluded_keys.len() > MAX_EXCLUDED {
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
    Ok(KeyQuery {
        provider: provider("provider", &request.provider)?,
        model: request.model.clone(),
        capability: usage_rules::capability("capability", request.capability)?,
        named: !request.key.is_empty(),
        excluded: excluded.collect::<Result<_, _>>()?,
        payer: payer("payer", request.payer)?,
        caller: request.caller.clone(),
        funding: funding::narrowing("funding", request.funding.as_ref())?,
        expectations: expectations(request.expectations.as_ref())?,
        own_key_failed: request.own_key_failed,
        preferred: match request.preferred_key.as_str() {
            "" => None,
            name => Some(name.parse().map_err(VaultError::name("preferred_key"))?),
        },
    })
}

fn expectations(message: Option<&v1::Expectations>) -> Result<Expectations, VaultError> {
    let Some(message) = message else {
        return Ok(Expectations::default());
    };
    let non_empty = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let key_version = non_empty(&message.key_version).map(|text| text.parse());
    Ok(Expectations {
        provider: provider("expectations.provider", &message.provider)?,
        key_version: key_version
            .transpose()
            .map_err(VaultError::name("expectations.key_version"))?,
        payer: payer("expectations.payer", message.payer)?,
        location: non_empty(&message.location),
    })
}

fn provider(field: &str, text: &str) -> Result<Option<ProviderId>, VaultError> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = text.parse();
    parsed
        .map(Some)
        .map_err(|error| VaultError::field(field, error))
}

fn payer(field: &str, value: i32) -> Result<Option<Payer>, VaultError> {
    match v1::Payer::try_from(value) {
        Ok(v1::Payer::Unspecified) => Ok(None),
        Ok(v1::Payer::OwnKey) => Ok(Some(Payer::OwnKey)),
        Ok(v1::Payer::Platform) => Ok(Some(Payer::Platform)),
        Err(_) => Err(VaultError::field(field, "is not a known value")),
    }
}

/// The names that `text` may stand for, the nearest first. A full name is one key; an id may be a
/// project's or its workspace's.
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
    // Keys of other workspaces do not exist for this scope, and the platform's can't be named.
    if name.parent == own || name.parent == workspace {
        Ok(vec![name])
    } else {
        Err(VaultError::NotFound(Noun::Key))
    }
}
