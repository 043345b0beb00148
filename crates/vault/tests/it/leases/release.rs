//! `ReleaseLease`.

use latchkey_contract::vault::v1::{ListLeasesRequest, ReleaseLeaseRequest};
use tonic::Code;

use crate::harness::{OPERATOR, OTHER_ROUTER, ROUTER, Router, Vault, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    releasing_a_lease_twice_succeeds,
    another_routers_lease_stays,
    a_malformed_field_is_named,
    only_routers_release_leases,
);

async fn acme(vault: &Vault) -> (Router, ReleaseLeaseRequest) {
    vault.create_workspace("acme").await;
    vault.create_key("workspaces/acme", "main").await;
    let router = Router::open_router_session(vault).await;
    let lease_id = router.obtains(resolve("workspaces/acme")).await.lease_id;
    let request = ReleaseLeaseRequest {
        router_session: router.session.clone(),
        lease_id,
    };
    (router, request)
}

async fn held(vault: &Vault) -> usize {
    let request = ListLeasesRequest::default();
    vault
        .leases(OPERATOR)
        .list_leases(request)
        .await
        .unwrap()
        .into_inner()
        .leases
        .len()
}

async fn releasing_a_lease_twice_succeeds(vault: Vault) {
    let (_router, request) = acme(&vault).await;
    assert_eq!(held(&vault).await, 1);
    let mut client = vault.leases(ROUTER);
    client.release_lease(request.clone()).await.unwrap();
    assert_eq!(held(&vault).await, 0);
    client.release_lease(request).await.unwrap();
}

async fn another_routers_lease_stays(vault: Vault) {
    let (_router, request) = acme(&vault).await;
    vault
        .leases(OTHER_ROUTER)
        .release_lease(request)
        .await
        .unwrap();
    assert_eq!(held(&vault).await, 1);
}

async fn a_malformed_field_is_named(vault: Vault) {
    let (_router, request) = acme(&vault).await;
    for (request, field) in [
        (
            ReleaseLeaseRequest {
                lease_id: "x".to_owned(),
                ..request.clone()
            },
            "lease_id",
        ),
        (
            ReleaseLeaseRequest {
                router_session: String::new(),
                ..request
            },
            "router_session",
        ),
    ] {
        let outcome = vault.leases(ROUTER).release_lease(request).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            [field]
        );
    }
}

async fn only_routers_release_leases(vault: Vault) {
    let (_router, request) = acme(&vault).await;
    let outcome = vault.leases(OPERATOR).release_lease(request).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}
