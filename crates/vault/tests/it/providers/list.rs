//! `ListProviders`.

use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{ListProvidersRequest, ListWorkspacesRequest};
use tonic::Code;

use super::{everything, own_keys, update};
use crate::harness::{OPERATOR, OWNER, ROUTER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    every_provider_is_listed_by_id,
    pages_follow_each_other,
    a_token_of_another_list_is_refused,
    only_operators_list_providers,
);

const NAMES: [&str; 8] = [
    "providers/anthropic",
    "providers/azure",
    "providers/custom",
    "providers/deepseek",
    "providers/google",
    "providers/openai",
    "providers/openrouter",
    "providers/vertex",
];

fn page(page_size: i32, page_token: &str) -> ListProvidersRequest {
    ListProvidersRequest {
        page_size,
        page_token: page_token.to_owned(),
    }
}

async fn every_provider_is_listed_by_id(vault: Vault) {
    let request = update("providers/google", own_keys(Switch::Off));
    let google = vault.update_provider(request).await.unwrap();
    let mut client = vault.providers(OPERATOR);
    let answer = client.list_providers(page(0, "")).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.next_page_token, "");
    let names: Vec<_> = answer.providers.iter().map(|each| &each.name).collect();
    assert_eq!(names, NAMES);
    for provider in answer.providers {
        if provider.name == "providers/google" {
            assert_eq!(Some(provider), google.provider);
        } else {
            assert_eq!(provider.access, Some(everything()));
        }
    }
}

async fn pages_follow_each_other(vault: Vault) {
    let mut client = vault.providers(OPERATOR);
    let (mut names, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let answer = client.list_providers(page(3, &token)).await.unwrap();
        let answer = answer.into_inner();
        sizes.push(answer.providers.len());
        names.extend(answer.providers.into_iter().map(|each| each.name));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(
        (names.as_slice(), sizes),
        (&NAMES.map(str::to_owned)[..], vec![3, 3, 2])
    );
}

async fn a_token_of_another_list_is_refused(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    let request = ListWorkspacesRequest {
        page_size: 1,
        ..Default::default()
    };
    let mut workspaces = vault.workspaces(OPERATOR);
    let token = workspaces.list_workspaces(request).await.unwrap();
    let token = token.into_inner().next_page_token;
    assert!(!token.is_empty());
    for token in [token.as_str(), "x"] {
        let mut client = vault.providers(OPERATOR);
        let outcome = client.list_providers(page(1, token)).await;
        refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
}

async fn only_operators_list_providers(vault: Vault) {
    for who in [OWNER, ROUTER] {
        let outcome = vault.providers(who).list_providers(page(0, "")).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
