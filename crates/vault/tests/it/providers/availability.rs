//! What the choice of keys reads: the access that holds, or nothing at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::ProviderAccess;
use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_egress::EgressPolicy;
use latchkey_vault::VaultError;
use latchkey_vault::bootstrap::open_or_bootstrap;
use latchkey_vault::config::LeasingConfig;
use latchkey_vault::custody::CustodyError;
use latchkey_vault::custody::keyring::KeyRingFile;
use latchkey_vault::domain::availability::Availability;
use latchkey_vault::leasing::Leasing;
use latchkey_vault::store::Store;
use latchkey_vault::vault;
use sea_orm::ConnectionTrait as _;

use super::{models, own_keys, update, update_override};
use crate::harness::Vault;
use crate::on_both_databases;

on_both_databases!(
    by_default_everything_of_every_provider_is_allowed,
    the_general_terms_hold_for_each_workspace,
    an_override_is_for_its_workspace_alone,
    a_damaged_row_allows_nothing,
);

impl Vault {
    /// The vault from inside, over the same database and keyring.
    async fn inside(&self) -> vault::Vault {
        let store = Store::connect(&self.database.url, 4).await.unwrap();
        let keyring = Arc::new(KeyRingFile::open(&self.keyring()).unwrap());
        let clock = Arc::clone(&self.clock) as Arc<_>;
        let leasing = Arc::new(Leasing::new(LeasingConfig::default(), Arc::clone(&clock)));
        open_or_bootstrap(store, keyring, leasing, EgressPolicy::default(), clock)
            .await
            .unwrap()
    }
}

async fn availability(
    vault: &Vault,
    workspace: &str,
    provider: Option<ProviderId>,
) -> Result<BTreeMap<ProviderId, Availability>, VaultError> {
    let inside = vault.inside().await;
    let name = workspace.parse().unwrap();
    let open = inside.workspace(Some(&name)).await.unwrap();
    let platform = inside.workspace(None).await.unwrap();
    inside.availability(&open, &platform, provider).await
}

async fn tenants(vault: &Vault) {
    for workspace in ["acme", "other"] {
        vault.create_workspace(workspace).await;
    }
}

async fn by_default_everything_of_every_provider_is_allowed(vault: Vault) {
    tenants(&vault).await;
    let all = availability(&vault, "workspaces/acme", None).await.unwrap();
    let expected = ProviderId::ALL.map(|provider| (provider, Availability::default()));
    assert_eq!(all, BTreeMap::from(expected));
    let one = availability(&vault, "workspaces/acme", Some(ProviderId::Azure)).await;
    let expected = BTreeMap::from([(ProviderId::Azure, Availability::default())]);
    assert_eq!(one.unwrap(), expected);
}

async fn the_general_terms_hold_for_each_workspace(vault: Vault) {
    tenants(&vault).await;
    let request = update("providers/openai", own_keys(Switch::Off));
    vault.update_provider(request).await.unwrap();
    for workspace in ["workspaces/acme", "workspaces/other"] {
        let all = availability(&vault, workspace, None).await.unwrap();
        for (provider, access) in all {
            assert_eq!(access.own_keys, provider != ProviderId::OpenAi);
        }
    }
}

async fn an_override_is_for_its_workspace_alone(vault: Vault) {
    tenants(&vault).await;
    let everybody = ProviderAccess {
        images: Switch::Off.into(),
        allowed_models: models(&["gpt-5*"]),
        ..own_keys(Switch::Off)
    };
    let request = update("providers/openai", everybody);
    vault.update_provider(request).await.unwrap();
    let own = ProviderAccess {
        allowed_models: models(&["o3"]),
        ..own_keys(Switch::On)
    };
    let request = update_override("workspaces/acme/providers/openai", own);
    vault.update_override(request).await.unwrap();
    let of_everybody = Availability {
        own_keys: false,
        images: false,
        allowed_models: models(&["gpt-5*"]),
        ..Availability::default()
    };
    let of_acme = Availability {
        own_keys: true,
        allowed_models: models(&["o3"]),
        ..of_everybody.clone()
    };
    for (workspace, expected) in [
        ("workspaces/acme", of_acme),
        ("workspaces/other", of_everybody),
    ] {
        for provider in [None, Some(ProviderId::OpenAi)] {
            let found = availability(&vault, workspace, provider).await.unwrap();
            assert_eq!(found[&ProviderId::OpenAi], expected, "{workspace}");
        }
    }
}

async fn a_damaged_row_allows_nothing(vault: Vault) {
    tenants(&vault).await;
    let request = update("providers/openai", own_keys(Switch::Off));
    vault.update_provider(request).await.unwrap();
    let tables = vault.tables().await;
    for damaged in ["'on'", "NULL", "'x'"] {
        let sql = format!("UPDATE provider_access SET own_keys = {damaged}");
        tables.execute_unprepared(&sql).await.unwrap();
        for provider in [None, Some(ProviderId::OpenAi)] {
            let found = availability(&vault, "workspaces/acme", provider).await;
            assert!(
                matches!(found, Err(VaultError::Custody(CustodyError::Integrity(_)))),
                "{damaged}"
            );
        }
        // Other providers do not depend on it.
        let other = availability(&vault, "workspaces/acme", Some(ProviderId::Azure)).await;
        assert_eq!(other.unwrap()[&ProviderId::Azure], Availability::default());
    }
}
