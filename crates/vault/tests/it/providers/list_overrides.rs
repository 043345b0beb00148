//! `ListProviderOverrides`.

use latchkey_contract::vault::v1::ListProviderOverridesRequest;
use latchkey_contract::vault::v1::provider_access::Switch;
use tonic::Code;

use super::{ACME, own_keys, update, update_override};
use crate::harness::{ACME_OWNER, OPERATOR, ROUTER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    a_workspaces_own_overrides_are_listed_by_provider,
    pages_follow_each_other,
    a_token_is_good_for_its_workspace_only,
    a_malformed_or_missing_parent_is_refused,
    only_operators_list_overrides,
);

fn page(parent: &str, page_size: i32, page_token: &str) -> ListProviderOverridesRequest {
    ListProviderOverridesRequest {
        parent: parent.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    }
}

async fn set(vault: &Vault, workspace: &str, providers: &[&str]) {
    vault.create_workspace(workspace).await;
    for provider in providers {
        let name = format!("workspaces/{workspace}/providers/{provider}");
        let request = update_override(&name, own_keys(Switch::Off));
        vault.update_override(request).await.unwrap();
    }
}

async fn a_workspaces_own_overrides_are_listed_by_provider(vault: Vault) {
    set(&vault, "acme", &["vertex", "openai", "anthropic"]).await;
    set(&vault, "other", &["azure"]).await;
    set(&vault, "plain", &[]).await;
    // The general terms are not an override.
    let general = update("providers/google", own_keys(Switch::Off));
    vault.update_provider(general).await.unwrap();
    for (parent, expected) in [
        (ACME, &["anthropic", "openai", "vertex"][..]),
        ("workspaces/other", &["azure"]),
        ("workspaces/plain", &[]),
    ] {
        let mut client = vault.providers(OPERATOR);
        let answer = client.list_provider_overrides(page(parent, 0, "")).await;
        let answer = answer.unwrap().into_inner();
        let names = answer.provider_overrides.iter().map(|each| &each.name);
        let expected = expected.iter().map(|id| format!("{parent}/providers/{id}"));
        assert_eq!(
            names.collect::<Vec<_>>(),
            expected.collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
        for each in answer.provider_overrides {
            assert_eq!(each.access, Some(own_keys(Switch::Off)));
            assert_eq!(each.effective_access.unwrap().own_keys(), Switch::Off);
        }
    }
}

async fn pages_follow_each_other(vault: Vault) {
    set(&vault, "acme", &["azure", "google", "vertex"]).await;
    let mut client = vault.providers(OPERATOR);
    let first = client.list_provider_overrides(page(ACME, 2, "")).await;
    let first = first.unwrap().into_inner();
    assert_eq!(first.provider_overrides.len(), 2);
    let token = first.next_page_token;
    let second = client.list_provider_overrides(page(ACME, 2, &token)).await;
    let second = second.unwrap().into_inner();
    assert_eq!(second.next_page_token, "");
    let names = second.provider_overrides.iter().map(|each| &each.name);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["workspaces/acme/providers/vertex"]
    );
}

async fn a_token_is_good_for_its_workspace_only(vault: Vault) {
    set(&vault, "acme", &["azure", "google"]).await;
    set(&vault, "other", &["azure", "google"]).await;
    let mut client = vault.providers(OPERATOR);
    let first = client.list_provider_overrides(page(ACME, 1, "")).await;
    let token = first.unwrap().into_inner().next_page_token;
    let other = page("workspaces/other", 1, &token);
    let outcome = client.list_provider_overrides(other).await;
    refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}

async fn a_malformed_or_missing_parent_is_refused(vault: Vault) {
    let mut client = vault.providers(OPERATOR);
    for parent in ["", "platform", "workspaces/acme/projects/web"] {
        let outcome = client.list_provider_overrides(page(parent, 0, "")).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, ["parent"], "{parent}");
    }
    let outcome = client.list_provider_overrides(page(ACME, 0, "")).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn only_operators_list_overrides(vault: Vault) {
    vault.create_workspace("acme").await;
    for who in [ACME_OWNER, ROUTER] {
        let mut client = vault.providers(who);
        let outcome = client.list_provider_overrides(page(ACME, 0, "")).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
