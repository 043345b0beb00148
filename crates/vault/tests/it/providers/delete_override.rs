//! `DeleteProviderOverride`.

use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{
    DeleteProviderOverrideRequest, DeleteProviderOverrideResponse, DeleteWorkspaceRequest,
    ListProviderOverridesRequest, ProviderAccess,
};
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::{Code, Status};

use super::{ACME, OPENAI, OVERRIDE, details, own_keys, update, update_override};
use crate::harness::{ACME_OWNER, OPERATOR, ROUTER, Router, Vault, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    the_general_terms_hold_again_without_the_override,
    deleting_an_override_that_switched_own_keys_is_recorded,
    a_stale_etag_is_refused,
    a_missing_override_is_not_found,
    deleting_a_workspace_deletes_its_overrides,
    only_operators_delete_overrides,
);

fn request(name: &str) -> DeleteProviderOverrideRequest {
    DeleteProviderOverrideRequest {
        name: name.to_owned(),
        etag: String::new(),
    }
}

impl Vault {
    async fn delete_override(
        &self,
        request: DeleteProviderOverrideRequest,
    ) -> Result<DeleteProviderOverrideResponse, Status> {
        let mut client = self.providers(OPERATOR);
        let answer = client.delete_provider_override(request).await?;
        Ok(answer.into_inner())
    }

    async fn overrides(&self) -> Vec<String> {
        let request = ListProviderOverridesRequest {
            parent: ACME.to_owned(),
            ..Default::default()
        };
        let mut client = self.providers(OPERATOR);
        let answer = client.list_provider_overrides(request).await.unwrap();
        let overrides = answer.into_inner().provider_overrides.into_iter();
        overrides.map(|each| each.name).collect()
    }
}

async fn acme(vault: &Vault) {
    vault.create_workspace("acme").await;
    let request = update_override(OVERRIDE, own_keys(Switch::Off));
    vault.update_override(request).await.unwrap();
}

async fn the_general_terms_hold_again_without_the_override(vault: Vault) {
    acme(&vault).await;
    vault.create_key(ACME, "main").await;
    let azure = "workspaces/acme/providers/azure";
    let request_azure = update_override(azure, own_keys(Switch::Off));
    vault.update_override(request_azure).await.unwrap();
    let router = Router::open_router_session(&vault).await;
    let refusal = router.resolve(resolve(ACME)).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(
        refusal.metadata["workspaces/acme/keys/main"],
        "OWN_KEYS_OFF"
    );
    let answer = vault.delete_override(request(OVERRIDE)).await.unwrap();
    let propagation = answer.propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    let invalidation = router.invalidation(ACME, 0).await;
    assert_eq!(invalidation.revision, propagation.revision);
    router.obtains(resolve(ACME)).await;
    assert_eq!(vault.overrides().await, [azure]);
    let again = update_override(OVERRIDE, ProviderAccess::default());
    let again = vault.update_override(again).await.unwrap();
    let effective = again.provider_override.unwrap().effective_access.unwrap();
    assert_eq!(effective.own_keys(), Switch::On);
}

async fn deleting_an_override_that_switched_own_keys_is_recorded(vault: Vault) {
    acme(&vault).await;
    vault.delete_override(request(OVERRIDE)).await.unwrap();
    let event = vault.events(ACME).await.remove(0);
    assert_eq!(event.resource, OVERRIDE);
    assert_eq!(details(&event), [("own_keys", "on")]);

    let off = update(OPENAI, own_keys(Switch::Off));
    vault.update_provider(off).await.unwrap();
    for (switch, expected) in [
        (
            Switch::On,
            &[("fallback", "platform"), ("own_keys", "off")][..],
        ),
        (Switch::Off, &[]),
    ] {
        let set = update_override(OVERRIDE, own_keys(switch));
        vault.update_override(set).await.unwrap();
        vault.delete_override(request(OVERRIDE)).await.unwrap();
        let event = vault.events(ACME).await.remove(0);
        assert_eq!(details(&event), expected);
    }
}

async fn a_stale_etag_is_refused(vault: Vault) {
    acme(&vault).await;
    let with_etag = |etag: &str| DeleteProviderOverrideRequest {
        etag: etag.to_owned(),
        ..request(OVERRIDE)
    };
    let outcome = vault.delete_override(with_etag("r2")).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(vault.overrides().await, [OVERRIDE]);
    vault.delete_override(with_etag("r1")).await.unwrap();
    assert!(vault.overrides().await.is_empty());
}

async fn a_missing_override_is_not_found(vault: Vault) {
    let outcome = vault.delete_override(request(OVERRIDE)).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
    acme(&vault).await;
    let azure = "workspaces/acme/providers/azure";
    let outcome = vault.delete_override(request(azure)).await;
    refused(outcome, Code::NotFound, "PROVIDER_OVERRIDE_NOT_FOUND");
    vault.delete_override(request(OVERRIDE)).await.unwrap();
    let outcome = vault.delete_override(request(OVERRIDE)).await;
    refused(outcome, Code::NotFound, "PROVIDER_OVERRIDE_NOT_FOUND");
    for name in ["", OPENAI, "workspaces/acme/providers/acme"] {
        let outcome = vault.delete_override(request(name)).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, ["name"]);
    }
}

async fn deleting_a_workspace_deletes_its_overrides(vault: Vault) {
    acme(&vault).await;
    // It needs no force: overrides belong to the operator, not to the workspace.
    let delete = DeleteWorkspaceRequest {
        name: ACME.to_owned(),
        ..Default::default()
    };
    let mut client = vault.workspaces(OPERATOR);
    client.delete_workspace(delete).await.unwrap();
    let tables = vault.tables().await;
    let all = "SELECT provider FROM provider_access";
    let all = Statement::from_string(tables.get_database_backend(), all);
    assert!(tables.query_all_raw(all).await.unwrap().is_empty());
    vault.create_workspace("acme").await;
    assert!(vault.overrides().await.is_empty());
}

async fn only_operators_delete_overrides(vault: Vault) {
    acme(&vault).await;
    for who in [ACME_OWNER, ROUTER] {
        let mut client = vault.providers(who);
        let outcome = client.delete_provider_override(request(OVERRIDE)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    assert_eq!(vault.overrides().await, [OVERRIDE]);
}
