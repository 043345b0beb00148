//! `UpdateWorkspace`.

use latchkey_contract::vault::v1::{
    GetWorkspaceRequest, ListAuditEventsRequest, UpdateWorkspaceRequest, Workspace,
    WorkspaceFallback,
};
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OWNER, Vault, mask, refused};
use crate::on_both_databases;

on_both_databases!(
    a_workspace_is_renamed,
    fallbacks_are_changed_when_they_are_named_or_set,
    a_field_that_is_named_and_empty_is_cleared,
    without_a_mask_every_field_that_is_set_is_changed,
    a_stale_etag_is_refused,
    a_malformed_request_is_refused_by_field,
    a_missing_workspace_is_not_found,
    another_workspaces_owner_is_refused,
);

fn request(name: &str, display_name: &str, paths: &[&str]) -> UpdateWorkspaceRequest {
    UpdateWorkspaceRequest {
        workspace: Some(Workspace {
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            ..Workspace::default()
        }),
        update_mask: mask(paths),
    }
}

async fn update(vault: &Vault, display_name: &str, paths: &[&str]) -> Workspace {
    let request = request("workspaces/acme", display_name, paths);
    vault
        .workspaces(ACME_OWNER)
        .update_workspace(request)
        .await
        .unwrap()
        .into_inner()
}

async fn a_workspace_is_renamed(vault: Vault) {
    let created = vault.create_workspace("acme").await;
    vault.clock.advance(std::time::Duration::from_secs(1));
    let updated = update(&vault, "Acme", &["display_name"]).await;
    assert_eq!(updated.display_name, "Acme");
    assert_ne!(updated.etag, created.etag);
    assert_eq!(updated.create_time, created.create_time);
    assert_eq!(
        updated.update_time.unwrap().seconds,
        created.update_time.unwrap().seconds + 1
    );
}

async fn fallbacks_are_changed_when_they_are_named_or_set(vault: Vault) {
    let created = vault.create_workspace("acme").await;
    let list = |models: &[&str]| {
        let fallback = |model: &&str| WorkspaceFallback {
            provider: "openai".to_owned(),
            model: (*model).to_owned(),
        };
        models.iter().map(fallback).collect::<Vec<_>>()
    };
    let update = async |fallbacks: Vec<WorkspaceFallback>, paths: &[&str]| {
        let mut request = request("workspaces/acme", "Acme", paths);
        request.workspace.as_mut().unwrap().fallbacks = fallbacks;
        let mut client = vault.workspaces(ACME_OWNER);
        let answer = client.update_workspace(request).await.unwrap().into_inner();
        let get = GetWorkspaceRequest {
            name: answer.name.clone(),
        };
        let found = client.get_workspace(get).await.unwrap().into_inner();
        assert_eq!(found, answer);
        answer
    };
    let set = update(list(&["b", "a"]), &["fallbacks"]).await;
    assert_eq!(set.fallbacks, list(&["b", "a"]));
    assert_eq!((set.display_name.as_str(), set.etag.as_str()), ("", "r2"));
    assert_ne!(set.etag, created.etag);
    let renamed = update(Vec::new(), &[]).await;
    assert_eq!(renamed.fallbacks, list(&["b", "a"]));
    let other = update(list(&["c"]), &[]).await;
    assert_eq!(other.fallbacks, list(&["c"]));
    let kept = update(list(&["d"]), &["display_name"]).await;
    assert_eq!(kept.fallbacks, list(&["c"]));
    assert!(
        update(Vec::new(), &["fallbacks"])
            .await
            .fallbacks
            .is_empty()
    );

    let events = ListAuditEventsRequest {
        parent: "workspaces/acme".to_owned(),
        ..Default::default()
    };
    let events = vault.audit(OWNER).list_audit_events(events).await.unwrap();
    let recorded: Vec<_> = events
        .into_inner()
        .audit_events
        .into_iter()
        .rev()
        .filter_map(|event| event.details.get("fallbacks").cloned())
        .collect();
    assert_eq!(recorded, ["openai/b, openai/a", "openai/c", ""]);
}

async fn a_field_that_is_named_and_empty_is_cleared(vault: Vault) {
    vault.create_workspace("acme").await;
    update(&vault, "Acme", &["display_name"]).await;
    assert_eq!(update(&vault, "", &["display_name"]).await.display_name, "");
}

async fn without_a_mask_every_field_that_is_set_is_changed(vault: Vault) {
    vault.create_workspace("acme").await;
    assert_eq!(update(&vault, "Acme", &[]).await.display_name, "Acme");
    assert_eq!(update(&vault, "", &[]).await.display_name, "Acme");
}

async fn a_stale_etag_is_refused(vault: Vault) {
    let created = vault.create_workspace("acme").await;
    let mut request = request("workspaces/acme", "Acme", &[]);
    request.workspace.as_mut().unwrap().etag = created.etag;
    let mut client = vault.workspaces(OPERATOR);
    client.update_workspace(request.clone()).await.unwrap();
    refused(
        client.update_workspace(request).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn a_malformed_request_is_refused_by_field(vault: Vault) {
    vault.create_workspace("acme").await;
    let name = "workspaces/acme";
    let long = "x".repeat(64);
    let with = |fallbacks: &[(&str, &str)]| {
        let mut request = request(name, "", &[]);
        let fallbacks = fallbacks.iter().map(|(provider, model)| WorkspaceFallback {
            provider: (*provider).to_owned(),
            model: (*model).to_owned(),
        });
        request.workspace.as_mut().unwrap().fallbacks = fallbacks.collect();
        request
    };
    for (request, field) in [
        (request("acme", "", &[]), "workspace.name"),
        (request(name, "", &["name"]), "update_mask"),
        (request(name, "", &["etag"]), "update_mask"),
        (request(name, &long, &[]), "workspace.display_name"),
        (request(name, "a\u{7}b", &[]), "workspace.display_name"),
        (UpdateWorkspaceRequest::default(), "workspace.name"),
        (with(&[("acme", "m")]), "workspace.fallbacks[0].provider"),
        (
            with(&[("openai", "m"), ("openai", "")]),
            "workspace.fallbacks[1].model",
        ),
        (with(&[("openai", "a b")]), "workspace.fallbacks[0].model"),
        (
            with(&[("openai", &"m".repeat(257))]),
            "workspace.fallbacks[0].model",
        ),
        (
            with(&[("openai", "m"), ("openai", "m")]),
            "workspace.fallbacks[1]",
        ),
        (
            with(&["1", "2", "3", "4", "5", "6", "7", "8", "9"].map(|model| ("openai", model))),
            "workspace.fallbacks",
        ),
    ] {
        let outcome = vault.workspaces(OWNER).update_workspace(request).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            [field]
        );
    }
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let outcome = vault
        .workspaces(OWNER)
        .update_workspace(request("workspaces/nowhere", "x", &[]))
        .await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn another_workspaces_owner_is_refused(vault: Vault) {
    vault.create_workspace("other").await;
    let request = request("workspaces/other", "x", &[]);
    let outcome = vault.workspaces(ACME_OWNER).update_workspace(request).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}
