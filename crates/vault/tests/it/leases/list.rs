//! `ListLeases`.

use latchkey_contract::vault::v1::{ListLeasesRequest, ListLeasesResponse, ListWorkspacesRequest};
use prost::Message as _;
use tonic::Code;

use crate::harness::{OPERATOR, OWNER, ROUTER, Router, Vault, refused, resolve, secret};
use crate::on_both_databases;

on_both_databases!(
    live_leases_are_listed_oldest_first_without_material,
    leases_end_with_their_session,
    leases_end_with_a_change_that_is_confirmed,
    a_token_of_another_list_is_refused,
    only_operators_see_leases,
);

const ACME: &str = "workspaces/acme";

fn request(page_size: i32, page_token: &str) -> ListLeasesRequest {
    ListLeasesRequest {
        page_size,
        page_token: page_token.to_owned(),
    }
}

async fn list(vault: &Vault, request: ListLeasesRequest) -> ListLeasesResponse {
    vault
        .leases(OPERATOR)
        .list_leases(request)
        .await
        .unwrap()
        .into_inner()
}

async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
    Router::open_router_session(vault).await
}

async fn live_leases_are_listed_oldest_first_without_material(vault: Vault) {
    let router = acme(&vault).await;
    let mut leased = Vec::new();
    for _ in 0..3 {
        leased.push(router.obtains(resolve(ACME)).await.lease_id);
        vault.clock.advance(std::time::Duration::from_millis(1));
    }
    let first = list(&vault, request(2, "")).await;
    let second = list(&vault, request(2, &first.next_page_token)).await;
    assert_eq!(second.next_page_token, "");
    let listed: Vec<_> = first.leases.iter().chain(&second.leases).collect();
    let ids: Vec<_> = listed.iter().map(|lease| lease.lease_id.clone()).collect();
    assert_eq!(ids, leased);
    assert_eq!(
        listed[0].key_version,
        "workspaces/acme/keys/main/versions/1"
    );
    assert_eq!(listed[0].parent, ACME);
    assert_eq!(listed[0].router, ROUTER.actor());
    assert_eq!(listed[0].router_session, router.session);
    let bytes = first.encode_to_vec();
    let secret = secret(ACME, "main");
    assert!(
        !bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    );
}

async fn leases_end_with_their_session(vault: Vault) {
    let router = acme(&vault).await;
    router.obtains(resolve(ACME)).await;
    router.leaves().await;
    assert!(list(&vault, request(0, "")).await.leases.is_empty());
}

async fn leases_end_with_a_change_that_is_confirmed(vault: Vault) {
    let router = acme(&vault).await;
    router.obtains(resolve(ACME)).await;
    vault.create_key(ACME, "second").await;
    assert!(list(&vault, request(0, "")).await.leases.is_empty());
}

async fn a_token_of_another_list_is_refused(vault: Vault) {
    vault.create_workspace("a").await;
    vault.create_workspace("b").await;
    let workspaces = ListWorkspacesRequest {
        page_size: 1,
        page_token: String::new(),
    };
    let page = vault
        .workspaces(OPERATOR)
        .list_workspaces(workspaces)
        .await
        .unwrap();
    let token = page.into_inner().next_page_token;
    for token in [token.as_str(), "x"] {
        let outcome = vault.leases(OPERATOR).list_leases(request(0, token)).await;
        let refused = refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        assert_eq!(refused.fields, ["page_token"]);
    }
}

async fn only_operators_see_leases(vault: Vault) {
    for who in [OWNER, ROUTER] {
        let outcome = vault.leases(who).list_leases(request(0, "")).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
