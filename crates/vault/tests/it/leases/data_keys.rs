//! `CreateDataKey`, `LeaseDataKey` and `DestroyDataKey`.

use latchkey_contract::vault::v1::{
    AuditEvent, CreateDataKeyRequest, DataKey, DeleteWorkspaceRequest, DestroyDataKeyRequest,
    LeaseDataKeyRequest, ListAuditEventsRequest,
};
use tonic::{Code, Status};

use crate::harness::{OPERATOR, OTHER_ROUTER, OWNER, ROUTER, Router, Vault, hello, refused};
use crate::on_both_databases;

on_both_databases!(
    a_data_key_is_leased_again_as_it_was_made,
    each_new_data_key_has_its_own_material,
    a_destroyed_data_key_is_gone,
    a_data_key_is_found_in_its_own_workspace_only,
    making_and_destroying_are_recorded_and_leasing_is_not,
    deleting_a_workspace_deletes_its_data_keys,
    a_router_without_a_session_gets_no_data_key,
    a_malformed_field_is_named,
    a_missing_data_key_is_not_found,
    only_routers_get_data_keys,
);

const ACME: &str = "workspaces/acme";
const UNKNOWN: &str = "workspaces/acme/dataKeys/01939a40-0000-7000-8000-0123456789ab";

fn create(session: &str, workspace: &str) -> CreateDataKeyRequest {
    CreateDataKeyRequest {
        router_session: session.to_owned(),
        workspace: workspace.to_owned(),
    }
}

fn lease(session: &str, name: &str) -> LeaseDataKeyRequest {
    LeaseDataKeyRequest {
        router_session: session.to_owned(),
        name: name.to_owned(),
    }
}

fn destroy(session: &str, name: &str) -> DestroyDataKeyRequest {
    DestroyDataKeyRequest {
        router_session: session.to_owned(),
        name: name.to_owned(),
    }
}

impl Vault {
    async fn make_data_key(&self, router: &Router, workspace: &str) -> DataKey {
        let request = create(&router.session, workspace);
        let mut client = self.leases(ROUTER);
        client.create_data_key(request).await.unwrap().into_inner()
    }

    async fn lease_data_key(&self, router: &Router, name: &str) -> Result<DataKey, Status> {
        let request = lease(&router.session, name);
        let mut client = self.leases(ROUTER);
        Ok(client.lease_data_key(request).await?.into_inner())
    }

    async fn destroy_data_key(&self, router: &Router, name: &str) {
        let request = destroy(&router.session, name);
        let mut client = self.leases(ROUTER);
        client.destroy_data_key(request).await.unwrap();
    }

    async fn log_of_acme(&self) -> Vec<AuditEvent> {
        let request = ListAuditEventsRequest {
            parent: ACME.to_owned(),
            ..Default::default()
        };
        let mut client = self.audit(OPERATOR);
        let page = client.list_audit_events(request).await.unwrap();
        page.into_inner().audit_events
    }
}

async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    Router::open_router_session(vault).await
}

async fn a_data_key_is_leased_again_as_it_was_made(vault: Vault) {
    let router = acme(&vault).await;
    let made = vault.make_data_key(&router, ACME).await;
    assert_eq!(made.material.len(), 32);
    assert!(made.name.starts_with("workspaces/acme/dataKeys/"));
    assert!(vault.lease_data_key(&router, &made.name).await.unwrap() == made);
    // Another router, after a new start: it is kept in the database, sealed.
    router.leaves().await;
    let vault = vault.restart().await;
    let other = Router::open_session_as(&vault, OTHER_ROUTER, hello(&[])).await;
    let other = other.unwrap();
    let request = lease(&other.session, &made.name);
    let mut client = vault.leases(OTHER_ROUTER);
    let leased = client.lease_data_key(request).await;
    assert!(leased.unwrap().into_inner() == made);
}

async fn each_new_data_key_has_its_own_material(vault: Vault) {
    let router = acme(&vault).await;
    let first = vault.make_data_key(&router, ACME).await;
    let second = vault.make_data_key(&router, ACME).await;
    assert_ne!(first.name, second.name);
    assert!(first.material != second.material);
    assert!(vault.lease_data_key(&router, &first.name).await.unwrap() == first);
}

async fn a_destroyed_data_key_is_gone(vault: Vault) {
    let router = acme(&vault).await;
    let kept = vault.make_data_key(&router, ACME).await;
    let gone = vault.make_data_key(&router, ACME).await;
    // Twice: one that is gone is destroyed already.
    for _ in 0..2 {
        vault.destroy_data_key(&router, &gone.name).await;
        let outcome = vault.lease_data_key(&router, &gone.name).await;
        refused(outcome, Code::NotFound, "DATA_KEY_NOT_FOUND");
    }
    assert!(vault.lease_data_key(&router, &kept.name).await.is_ok());
}

async fn a_data_key_is_found_in_its_own_workspace_only(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_workspace("other").await;
    let made = vault.make_data_key(&router, ACME).await;
    let elsewhere = made.name.replace("acme", "other");
    let outcome = vault.lease_data_key(&router, &elsewhere).await;
    refused(outcome, Code::NotFound, "DATA_KEY_NOT_FOUND");
    vault.destroy_data_key(&router, &elsewhere).await;
    assert!(vault.lease_data_key(&router, &made.name).await.is_ok());
}

async fn making_and_destroying_are_recorded_and_leasing_is_not(vault: Vault) {
    let router = acme(&vault).await;
    let made = vault.make_data_key(&router, ACME).await;
    vault.lease_data_key(&router, &made.name).await.unwrap();
    vault.destroy_data_key(&router, &made.name).await;
    vault.destroy_data_key(&router, &made.name).await;
    let events = vault.log_of_acme().await;
    let methods: Vec<_> = events
        .iter()
        .take_while(|event| event.resource != ACME)
        .map(|event| {
            assert_eq!(
                (&event.resource, &event.actor),
                (&made.name, &ROUTER.actor())
            );
            event.method.rsplit('/').next().unwrap()
        })
        .collect();
    assert_eq!(methods, ["DestroyDataKey", "CreateDataKey"]);
    // No router chooses anew because of it.
    router.keeps_alive(1).await;
    assert!(router.invalidations().is_empty());
}

async fn deleting_a_workspace_deletes_its_data_keys(vault: Vault) {
    let router = acme(&vault).await;
    vault.create_workspace("other").await;
    let made = vault.make_data_key(&router, ACME).await;
    vault.make_data_key(&router, ACME).await;
    let other = vault.make_data_key(&router, "workspaces/other").await;
    let delete = DeleteWorkspaceRequest {
        name: ACME.to_owned(),
        ..Default::default()
    };
    let mut client = vault.workspaces(OPERATOR);
    let answer = client.delete_workspace(delete).await.unwrap();
    // The change is sent to the router, though no key was ever leased to it.
    let propagation = answer.into_inner().propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    router.invalidation(ACME, 0).await;
    let outcome = vault.lease_data_key(&router, &made.name).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
    vault.create_workspace("acme").await;
    let outcome = vault.lease_data_key(&router, &made.name).await;
    refused(outcome, Code::NotFound, "DATA_KEY_NOT_FOUND");
    assert!(vault.lease_data_key(&router, &other.name).await.is_ok());
}

async fn a_router_without_a_session_gets_no_data_key(vault: Vault) {
    let router = acme(&vault).await;
    let name = vault.make_data_key(&router, ACME).await.name;
    let session = router.session.clone();
    let no_session = async |who| {
        let mut client = vault.leases(who);
        let outcome = client.create_data_key(create(&session, ACME)).await;
        refused(outcome, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
        let outcome = client.lease_data_key(lease(&session, &name)).await;
        refused(outcome, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
        let outcome = client.destroy_data_key(destroy(&session, &name)).await;
        refused(outcome, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
    };
    // It is another router's, and then it is over.
    no_session(OTHER_ROUTER).await;
    assert!(vault.lease_data_key(&router, &name).await.is_ok());
    router.leaves().await;
    no_session(ROUTER).await;
    let router = Router::open_router_session(&vault).await;
    assert!(vault.lease_data_key(&router, &name).await.is_ok());
}

async fn a_malformed_field_is_named(vault: Vault) {
    let router = acme(&vault).await;
    let session = &router.session;
    let mut client = vault.leases(ROUTER);
    for (session, workspace, field) in [
        ("", ACME, "router_session"),
        ("x", ACME, "router_session"),
        (session, "", "workspace"),
        (session, "platform", "workspace"),
        (session, "workspaces/acme/projects/web", "workspace"),
    ] {
        let outcome = client.create_data_key(create(session, workspace)).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, [field]);
    }
    for (session, name, field) in [
        ("x", UNKNOWN, "router_session"),
        (session, "", "name"),
        (session, "workspaces/acme/dataKeys/1", "name"),
        (session, "workspaces/acme/keys/main", "name"),
    ] {
        let leased = client.lease_data_key(lease(session, name)).await;
        let leased = refused(leased, Code::InvalidArgument, "FIELD_INVALID");
        let destroyed = client.destroy_data_key(destroy(session, name)).await;
        let destroyed = refused(destroyed, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!([leased.fields, destroyed.fields].concat(), [field, field]);
    }
}

async fn a_missing_data_key_is_not_found(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    let mut client = vault.leases(ROUTER);
    let session = &router.session;
    let made = client.create_data_key(create(session, ACME)).await;
    refused(made, Code::NotFound, "WORKSPACE_NOT_FOUND");
    let leased = client.lease_data_key(lease(session, UNKNOWN)).await;
    refused(leased, Code::NotFound, "WORKSPACE_NOT_FOUND");
    let destroyed = client.destroy_data_key(destroy(session, UNKNOWN)).await;
    refused(destroyed, Code::NotFound, "WORKSPACE_NOT_FOUND");
    vault.create_workspace("acme").await;
    let leased = client.lease_data_key(lease(session, UNKNOWN)).await;
    refused(leased, Code::NotFound, "DATA_KEY_NOT_FOUND");
    vault.destroy_data_key(&router, UNKNOWN).await;
}

async fn only_routers_get_data_keys(vault: Vault) {
    let router = acme(&vault).await;
    let name = vault.make_data_key(&router, ACME).await.name;
    for who in [OPERATOR, OWNER] {
        let mut client = vault.leases(who);
        let session = &router.session;
        let outcome = client.create_data_key(create(session, ACME)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
        let outcome = client.lease_data_key(lease(session, &name)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
        let outcome = client.destroy_data_key(destroy(session, &name)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
