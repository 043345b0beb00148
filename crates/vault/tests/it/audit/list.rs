//! `ListAuditEvents`.

use latchkey_contract::vault::v1::audit_event::Decision;
use latchkey_contract::vault::v1::{
    AuditEvent, DeleteWorkspaceRequest, DisableKeyRequest, GetKeyRequest, GetWorkspaceRequest,
    ListAuditEventsRequest, ListLeasesRequest, ListWorkspacesRequest,
};
use prost::Message as _;
use tonic::Code;

use crate::harness::{
    ACME_OWNER, OPERATOR, OWNER, ROUTER, UNGRANTED, Vault, material, refused, secret,
};
use crate::on_both_databases;

on_both_databases!(
    changes_are_listed_newest_first,
    no_material_is_recorded,
    a_refusal_is_recorded_where_it_happened,
    a_refusal_that_concerns_no_workspace_is_the_platforms,
    events_are_numbered_without_gaps_across_pages,
    reading_is_not_recorded,
    a_token_is_good_for_its_scope_only,
    a_missing_workspace_is_not_found,
    a_deleted_workspaces_log_is_read_by_its_uid,
    the_platforms_log_has_the_creation_and_the_deletion_of_a_workspace,
    a_workspace_is_named_in_one_way,
    a_malformed_parent_is_refused,
    only_permitted_callers_read_events,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";

fn request(parent: &str, page_size: i32, page_token: &str) -> ListAuditEventsRequest {
    let (parent, page_token) = (parent.to_owned(), page_token.to_owned());
    ListAuditEventsRequest {
        parent,
        page_size,
        page_token,
        workspace_uid: String::new(),
    }
}

async fn events(vault: &Vault, parent: &str) -> Vec<AuditEvent> {
    let mut client = vault.audit(OPERATOR);
    client
        .list_audit_events(request(parent, 0, ""))
        .await
        .unwrap()
        .into_inner()
        .audit_events
}

async fn acme(vault: &Vault) {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
}

/// Refusals are recorded beside the answer, not before it.
async fn refusals(vault: &Vault, parent: &str, count: usize) -> Vec<AuditEvent> {
    loop {
        let mut found = events(vault, parent).await;
        found.retain(|event| event.decision() != Decision::Done);
        if found.len() >= count {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

async fn changes_are_listed_newest_first(vault: Vault) {
    acme(&vault).await;
    let disable = DisableKeyRequest {
        name: NAME.to_owned(),
        etag: String::new(),
    };
    vault.keys(ACME_OWNER).disable_key(disable).await.unwrap();
    let events = events(&vault, ACME).await;
    let shown: Vec<_> = events
        .iter()
        .map(|event| {
            let method = event.method.rsplit('/').next().unwrap();
            (
                event.sequence,
                event.actor.as_str(),
                method,
                event.resource.as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (3, "token:acme-owner", "DisableKey", NAME),
            (2, "token:owner", "CreateKey", NAME),
            (1, "token:operator", "CreateWorkspace", ACME),
        ]
    );
    assert!(
        events
            .iter()
            .all(|event| event.decision() == Decision::Done)
    );
    assert_eq!(events[1].details["provider"], "openai");
    assert_eq!(events[1].details["verification"], "format");
    assert_eq!(events[1].event_time.unwrap().seconds, 1_795_262_400);
}

async fn no_material_is_recorded(vault: Vault) {
    acme(&vault).await;
    let request = latchkey_contract::vault::v1::AddKeyVersionRequest {
        name: NAME.to_owned(),
        material: material(&secret(ACME, "b")),
        skip_verification: true,
        ..Default::default()
    };
    vault.keys(OWNER).add_key_version(request).await.unwrap();
    for event in events(&vault, ACME).await {
        let bytes = event.encode_to_vec();
        assert!(
            !bytes.windows(8).any(|window| window == b"not-a-re"),
            "{event:?}"
        );
    }
}

async fn a_refusal_is_recorded_where_it_happened(vault: Vault) {
    vault.create_workspace("other").await;
    let get = GetKeyRequest {
        name: "workspaces/other/keys/main".to_owned(),
    };
    vault.keys(ACME_OWNER).get_key(get).await.unwrap_err();
    let refusals = refusals(&vault, "workspaces/other", 1).await;
    assert_eq!(refusals[0].decision(), Decision::Refused);
    assert_eq!(refusals[0].reason, "PERMISSION_DENIED");
    assert_eq!(refusals[0].actor, ACME_OWNER.actor());
    assert_eq!(refusals[0].method, "/latchkey.vault.v1.KeyService/GetKey");
    assert_eq!(refusals[0].resource, "workspaces/other/keys/main");
}

async fn a_refusal_that_concerns_no_workspace_is_the_platforms(vault: Vault) {
    let mut client = vault.workspaces(ACME_OWNER);
    client
        .list_workspaces(ListWorkspacesRequest::default())
        .await
        .unwrap_err();
    let missing = GetWorkspaceRequest {
        name: "workspaces/nowhere".to_owned(),
    };
    client.get_workspace(missing).await.unwrap_err();
    vault
        .leases(UNGRANTED)
        .list_leases(ListLeasesRequest::default())
        .await
        .unwrap_err();
    let mut refusals: Vec<_> = refusals(&vault, "platform", 3)
        .await
        .into_iter()
        .map(|event| (event.actor, event.resource))
        .collect();
    refusals.sort();
    let expected = [
        ("token:acme-owner", "platform"),
        ("token:acme-owner", "workspaces/nowhere"),
        ("token:ungranted", "platform"),
    ];
    assert_eq!(
        refusals,
        expected.map(|(actor, resource)| (actor.into(), resource.into()))
    );
}

async fn events_are_numbered_without_gaps_across_pages(vault: Vault) {
    vault.create_workspace("acme").await;
    for id in ["a", "b", "c", "d"] {
        vault.create_key(ACME, id).await;
    }
    let mut client = vault.audit(OWNER);
    let mut sequences = Vec::new();
    let mut token = String::new();
    loop {
        let page = client
            .list_audit_events(request(ACME, 2, &token))
            .await
            .unwrap()
            .into_inner();
        sequences.extend(page.audit_events.iter().map(|event| event.sequence));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sequences, [5, 4, 3, 2, 1]);
}

async fn reading_is_not_recorded(vault: Vault) {
    acme(&vault).await;
    let before = events(&vault, ACME).await;
    vault.get_key(NAME).await;
    assert_eq!(events(&vault, ACME).await, before);
}

async fn a_token_is_good_for_its_scope_only(vault: Vault) {
    acme(&vault).await;
    vault.create_workspace("other").await;
    let mut client = vault.audit(OPERATOR);
    let page = client
        .list_audit_events(request(ACME, 1, ""))
        .await
        .unwrap()
        .into_inner();
    for (parent, token) in [
        ("workspaces/other", page.next_page_token.as_str()),
        (ACME, "x"),
    ] {
        let outcome = client.list_audit_events(request(parent, 1, token)).await;
        let refused = refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        assert_eq!(refused.fields, ["page_token"]);
    }
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let outcome = vault
        .audit(OPERATOR)
        .list_audit_events(request("workspaces/nowhere", 0, ""))
        .await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

fn log_of(uid: &str) -> ListAuditEventsRequest {
    ListAuditEventsRequest {
        workspace_uid: uid.to_owned(),
        ..ListAuditEventsRequest::default()
    }
}

/// Creates acme with a key and deletes it. Returns its uid.
async fn deleted_acme(vault: &Vault) -> String {
    acme(vault).await;
    let uid = vault.workspace_uid(ACME).await;
    let request = DeleteWorkspaceRequest {
        name: ACME.to_owned(),
        force: true,
        ..DeleteWorkspaceRequest::default()
    };
    let mut client = vault.workspaces(OPERATOR);
    client.delete_workspace(request).await.unwrap();
    uid
}

async fn a_deleted_workspaces_log_is_read_by_its_uid(vault: Vault) {
    let uid = deleted_acme(&vault).await;
    // Another tenant gets the name, and sees nothing of the former.
    vault.create_workspace("acme").await;
    assert_eq!(events(&vault, ACME).await.len(), 1);
    let mut client = vault.audit(OPERATOR);
    let read = client.list_audit_events(log_of(&uid)).await.unwrap();
    let methods: Vec<_> = read
        .into_inner()
        .audit_events
        .into_iter()
        .map(|event| event.method.rsplit('/').next().unwrap().to_owned())
        .collect();
    let expected = [
        "DeleteWorkspace",
        "DeleteWorkspace",
        "CreateKey",
        "CreateWorkspace",
    ];
    assert_eq!(methods, expected);
    for who in [OWNER, ACME_OWNER] {
        let outcome = vault.audit(who).list_audit_events(log_of(&uid)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}

async fn the_platforms_log_has_the_creation_and_the_deletion_of_a_workspace(vault: Vault) {
    let uid = deleted_acme(&vault).await;
    let events = events(&vault, "platform").await;
    let mut of_acme = events
        .iter()
        .filter(|event| event.resource == ACME)
        .map(|event| {
            (
                event.method.rsplit('/').next().unwrap(),
                &event.details["uid"],
            )
        });
    assert_eq!(of_acme.next(), Some(("DeleteWorkspace", &uid)));
    assert_eq!(of_acme.next(), Some(("CreateWorkspace", &uid)));
}

async fn a_workspace_is_named_in_one_way(vault: Vault) {
    acme(&vault).await;
    let uid = vault.workspace_uid(ACME).await;
    let mut client = vault.audit(OPERATOR);
    let both = ListAuditEventsRequest {
        parent: ACME.to_owned(),
        ..log_of(&uid)
    };
    let outcome = client.list_audit_events(both).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["parent"]);
    let outcome = client.list_audit_events(log_of("acme")).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["workspace_uid"]);
    let outcome = client.list_audit_events(log_of(UNKNOWN)).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

/// The uid of no workspace.
const UNKNOWN: &str = "9b2f6c1e-58a4-4c1e-9f0a-2f6f5a0c7d11";

async fn a_malformed_parent_is_refused(vault: Vault) {
    for parent in ["", "acme", "workspaces/acme/projects/web"] {
        let outcome = vault
            .audit(OPERATOR)
            .list_audit_events(request(parent, 0, ""))
            .await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            ["parent"]
        );
    }
}

async fn only_permitted_callers_read_events(vault: Vault) {
    acme(&vault).await;
    vault.create_workspace("other").await;
    vault
        .audit(ACME_OWNER)
        .list_audit_events(request(ACME, 0, ""))
        .await
        .unwrap();
    vault
        .audit(OPERATOR)
        .list_audit_events(request("platform", 0, ""))
        .await
        .unwrap();
    for (who, parent) in [
        (ACME_OWNER, "workspaces/other"),
        (ACME_OWNER, "platform"),
        (OWNER, "platform"),
        (ROUTER, ACME),
    ] {
        let outcome = vault
            .audit(who)
            .list_audit_events(request(parent, 0, ""))
            .await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
