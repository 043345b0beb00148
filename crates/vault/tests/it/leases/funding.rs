//! `Resolve`: who may pay, by the policies of workspace, project, key and request.

use latchkey_contract::vault::v1::funding_policy::{FundingFallback, Selection};
use latchkey_contract::vault::v1::key::Retention;
use latchkey_contract::vault::v1::{
    CreateKeyRequest, CreateProjectRequest, Expectations, FundingPolicy, GetWorkspaceRequest, Key,
    ListAuditEventsRequest, Payer, Project, ResolveRequest, UpdateKeyRequest, UpdateProjectRequest,
    UpdateWorkspaceRequest, Workspace,
};
use tonic::{Code, Status};

use crate::harness::{
    ACME_OWNER, OPERATOR, OWNER, Router, Vault, Who, create_key, key_of, mask, refused, resolve,
};
use crate::on_both_databases;

on_both_databases!(
    a_workspace_without_a_key_falls_to_the_platform_or_not,
    a_project_narrows_and_does_not_widen,
    a_request_narrows_and_does_not_widen,
    a_key_reserved_for_its_name_is_leased_by_name_alone,
    with_when_named_the_platform_serves_requests_without_a_name,
    a_request_may_leave_everything_to_default_models,
    a_request_that_the_workspace_forbids_is_refused_as_forbidden,
    a_project_forbids_beside_its_workspace,
    a_key_serves_its_allowed_callers_alone,
    zero_retention_excludes_keys_without_it,
    a_key_must_meet_the_expectations_of_the_request,
    only_the_operator_may_let_the_platform_pay_more,
    policies_are_stored_and_shown,
    a_key_of_the_platform_narrows_nothing,
    a_malformed_policy_is_named,
);

const ACME: &str = "workspaces/acme";
const WEB: &str = "workspaces/acme/projects/web";
const MAIN: &str = "workspaces/acme/keys/main";
const SHARED: &str = "platform/keys/shared";

async fn acme(vault: &Vault, keys: &[&str]) -> Router {
    vault.create_workspace("acme").await;
    for key in keys {
        let (parent, id) = key.split_once("/keys/").unwrap();
        vault.create_key(parent, id).await;
    }
    Router::open_router_session(vault).await
}

fn missing(instead: FundingFallback) -> FundingPolicy {
    FundingPolicy {
        when_missing: instead.into(),
        ..FundingPolicy::default()
    }
}

fn when_named() -> FundingPolicy {
    FundingPolicy {
        selection: Selection::WhenNamed.into(),
        ..FundingPolicy::default()
    }
}

async fn leased(router: &Router, request: ResolveRequest) -> String {
    let lease = router.obtains(request).await;
    let key = lease.key_version.split("/versions/").next();
    key.unwrap().to_owned()
}

async fn a_workspace_without_a_key_falls_to_the_platform_or_not(vault: Vault) {
    let router = acme(&vault, &[SHARED]).await;
    assert_eq!(leased(&router, resolve(ACME)).await, SHARED);
    vault
        .fund_workspace(ACME, missing(FundingFallback::Refuse))
        .await;
    let refusal = router.resolve(resolve(ACME)).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refusal.metadata[SHARED], "PLATFORM_NOT_ALLOWED");
}

async fn a_project_narrows_and_does_not_widen(vault: Vault) {
    let router = acme(&vault, &[SHARED]).await;
    let mut workspaces = vault.workspaces(OWNER);
    let created = workspaces.create_project(CreateProjectRequest {
        parent: ACME.to_owned(),
        project_id: "web".to_owned(),
        project: Some(Project {
            funding: Some(missing(FundingFallback::Refuse)),
            ..Project::default()
        }),
        ..CreateProjectRequest::default()
    });
    let created = created.await.unwrap().into_inner();
    assert_eq!(created.funding, Some(missing(FundingFallback::Refuse)));
    let refusal = router.resolve(resolve(WEB)).await;
    refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(leased(&router, resolve(ACME)).await, SHARED);

    // It may say what it likes: the workspace's word holds too.
    let update = UpdateProjectRequest {
        project: Some(Project {
            name: WEB.to_owned(),
            funding: Some(missing(FundingFallback::Platform)),
            ..Project::default()
        }),
        ..UpdateProjectRequest::default()
    };
    vault
        .workspaces(OWNER)
        .update_project(update)
        .await
        .unwrap();
    assert_eq!(leased(&router, resolve(WEB)).await, SHARED);
    vault
        .fund_workspace(ACME, missing(FundingFallback::Refuse))
        .await;
    let refusal = router.resolve(resolve(WEB)).await;
    refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
}

async fn a_request_narrows_and_does_not_widen(vault: Vault) {
    let router = acme(&vault, &[SHARED]).await;
    let with = |funding| ResolveRequest {
        funding: Some(funding),
        ..resolve(ACME)
    };
    let refusal = router.resolve(with(missing(FundingFallback::Refuse))).await;
    refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    vault
        .fund_workspace(ACME, missing(FundingFallback::Refuse))
        .await;
    let refusal = router
        .resolve(with(missing(FundingFallback::Platform)))
        .await;
    refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
}

async fn a_key_reserved_for_its_name_is_leased_by_name_alone(vault: Vault) {
    let router = acme(&vault, &[MAIN, SHARED]).await;
    let update = UpdateKeyRequest {
        key: Some(Key {
            name: MAIN.to_owned(),
            funding: Some(when_named()),
            ..Key::default()
        }),
        ..UpdateKeyRequest::default()
    };
    let updated = vault.keys(OWNER).update_key(update).await.unwrap();
    assert_eq!(updated.into_inner().funding, Some(when_named()));
    let refusal = router.resolve(resolve(ACME)).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refusal.metadata[MAIN], "NOT_NAMED");
    // That a key is reserved does not move the bill.
    assert_eq!(refusal.metadata[SHARED], "OWN_KEY_FIRST");
    let named = ResolveRequest {
        key: "main".to_owned(),
        ..resolve(ACME)
    };
    assert_eq!(leased(&router, named).await, MAIN);
}

async fn with_when_named_the_platform_serves_requests_without_a_name(vault: Vault) {
    let router = acme(&vault, &[MAIN, SHARED]).await;
    vault.fund_workspace(ACME, when_named()).await;
    assert_eq!(leased(&router, resolve(ACME)).await, SHARED);
    let named = ResolveRequest {
        key: "main".to_owned(),
        ..resolve(ACME)
    };
    assert_eq!(leased(&router, named).await, MAIN);
}

async fn a_request_may_leave_everything_to_default_models(vault: Vault) {
    let router = acme(&vault, &[]).await;
    let bare = Key {
        provider: "anthropic".to_owned(),
        priority: 0,
        ..Key::default()
    };
    for (id, key) in [("bare", bare), ("ready", key_of("deepseek"))] {
        let request = CreateKeyRequest {
            key: Some(key),
            ..create_key("platform", id)
        };
        vault.store_key(request).await;
    }
    let lease = router
        .obtains(ResolveRequest {
            parent: ACME.to_owned(),
            ..ResolveRequest::default()
        })
        .await;
    assert_eq!(lease.key_version, "platform/keys/ready/versions/1");
    assert_eq!(
        (&*lease.provider, &*lease.default_model),
        ("deepseek", "gpt-5.4")
    );
}

fn update(workspace: Workspace, fields: &[&str]) -> UpdateWorkspaceRequest {
    UpdateWorkspaceRequest {
        workspace: Some(Workspace {
            name: ACME.to_owned(),
            ..workspace
        }),
        update_mask: mask(fields),
    }
}

async fn change(
    vault: &Vault,
    who: Who,
    request: UpdateWorkspaceRequest,
) -> Result<Workspace, Status> {
    let changed = vault.workspaces(who).update_workspace(request).await?;
    Ok(changed.into_inner())
}

async fn a_request_that_the_workspace_forbids_is_refused_as_forbidden(vault: Vault) {
    use latchkey_contract::vault::v1::Capability;
    let router = acme(&vault, &[MAIN]).await;
    let rules = Workspace {
        allowed_capabilities: vec![Capability::Generate.into()],
        denied_models: vec!["gpt-5.5*".to_owned()],
        ..Workspace::default()
    };
    let fields = ["allowed_capabilities", "denied_models"];
    change(&vault, OWNER, update(rules, &fields)).await.unwrap();
    let request = |model: &str, capability: Capability| ResolveRequest {
        model: model.to_owned(),
        capability: capability.into(),
        ..resolve(ACME)
    };
    router
        .obtains(request("gpt-5.4", Capability::Generate))
        .await;
    for request in [
        request("gpt-5.5-pro", Capability::Generate),
        request("gpt-5.4", Capability::Embed),
        ResolveRequest {
            key: "main".to_owned(),
            ..request("gpt-5.5-pro", Capability::Generate)
        },
    ] {
        let refusal = router.resolve(request).await;
        let refusal = refused(refusal, Code::FailedPrecondition, "POLICY_FORBIDS");
        assert_eq!(refusal.metadata["rule"], "WORKSPACE_FORBIDS");
    }
    let lease = router
        .obtains(request("gpt-5.4", Capability::Generate))
        .await;
    assert_eq!(lease.additional_model_rules[0].denied_models, ["gpt-5.5*"]);
}

async fn a_project_forbids_beside_its_workspace(vault: Vault) {
    let router = acme(&vault, &[MAIN]).await;
    vault.create_project("acme", "web").await;
    let rules = Project {
        name: WEB.to_owned(),
        allowed_models: vec!["gpt-4*".to_owned()],
        ..Project::default()
    };
    let mut workspaces = vault.workspaces(OWNER);
    let updated = workspaces.update_project(UpdateProjectRequest {
        project: Some(rules),
        ..UpdateProjectRequest::default()
    });
    updated.await.unwrap();
    let refusal = router.resolve(resolve(WEB)).await;
    refused(refusal, Code::FailedPrecondition, "POLICY_FORBIDS");
    assert_eq!(leased(&router, resolve(ACME)).await, MAIN);
}

async fn a_key_serves_its_allowed_callers_alone(vault: Vault) {
    let router = acme(&vault, &[]).await;
    let key = Key {
        allowed_callers: vec!["spiffe://example.org/jobs/*".to_owned()],
        ..key_of("openai")
    };
    let request = CreateKeyRequest {
        key: Some(key),
        ..create_key(ACME, "main")
    };
    vault.store_key(request).await;
    let by = |caller: &str| ResolveRequest {
        caller: caller.to_owned(),
        ..resolve(ACME)
    };
    assert_eq!(
        leased(&router, by("spiffe://example.org/jobs/nightly")).await,
        MAIN
    );
    for caller in ["", "token:web"] {
        let refusal = router.resolve(by(caller)).await;
        let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
        assert_eq!(refusal.metadata[MAIN], "CALLER_DENIED");
    }
}

async fn zero_retention_excludes_keys_without_it(vault: Vault) {
    let router = acme(&vault, &[MAIN]).await;
    let rules = Workspace {
        zero_retention: true,
        ..Workspace::default()
    };
    change(&vault, OWNER, update(rules, &["zero_retention"]))
        .await
        .unwrap();
    let refusal = router.resolve(resolve(ACME)).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refusal.metadata[MAIN], "RETENTION");
    let update = UpdateKeyRequest {
        key: Some(Key {
            name: MAIN.to_owned(),
            retention: Retention::Zero.into(),
            ..Key::default()
        }),
        ..UpdateKeyRequest::default()
    };
    vault.keys(OWNER).update_key(update).await.unwrap();
    assert_eq!(leased(&router, resolve(ACME)).await, MAIN);
}

async fn a_key_must_meet_the_expectations_of_the_request(vault: Vault) {
    let router = acme(&vault, &[MAIN, SHARED]).await;
    let expecting = |expectations| ResolveRequest {
        expectations: Some(expectations),
        ..resolve(ACME)
    };
    let version = |number: u32| Expectations {
        key_version: format!("{MAIN}/versions/{number}"),
        ..Expectations::default()
    };
    assert_eq!(leased(&router, expecting(version(1))).await, MAIN);
    let payer = Expectations {
        payer: Payer::Platform.into(),
        ..Expectations::default()
    };
    let location = Expectations {
        location: "europe-west4".to_owned(),
        ..Expectations::default()
    };
    let provider = Expectations {
        provider: "anthropic".to_owned(),
        ..Expectations::default()
    };
    for expectations in [version(2), payer, location, provider] {
        let refusal = router.resolve(expecting(expectations.clone())).await;
        let refusal = refused(refusal, Code::FailedPrecondition, "EXPECTATION_UNMET");
        assert_eq!(refusal.metadata[MAIN], "EXPECTATION", "{expectations:?}");
        let named = ResolveRequest {
            key: "main".to_owned(),
            ..expecting(expectations)
        };
        let refusal = router.resolve(named).await;
        refused(refusal, Code::FailedPrecondition, "EXPECTATION_UNMET");
    }
}

async fn only_the_operator_may_let_the_platform_pay_more(vault: Vault) {
    vault.create_workspace("acme").await;
    let wanted = |funding| {
        let workspace = Workspace {
            funding: Some(funding),
            ..Workspace::default()
        };
        update(workspace, &["funding"])
    };
    let more = FundingPolicy {
        when_failed: FundingFallback::Platform.into(),
        ..FundingPolicy::default()
    };
    for funding in [more, when_named()] {
        let outcome = change(&vault, ACME_OWNER, wanted(funding)).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, ["workspace.funding"]);
    }
    let less = wanted(missing(FundingFallback::Refuse));
    change(&vault, ACME_OWNER, less).await.unwrap();
    // What it gave away it does not get back by itself.
    let back = wanted(FundingPolicy::default());
    let back = change(&vault, ACME_OWNER, back).await;
    refused(back, Code::InvalidArgument, "FIELD_INVALID");
    change(&vault, OPERATOR, wanted(more)).await.unwrap();
}

async fn policies_are_stored_and_shown(vault: Vault) {
    let created = vault.create_workspace("acme").await;
    let default = FundingPolicy {
        selection: Selection::Automatic.into(),
        when_missing: FundingFallback::Platform.into(),
        when_failed: FundingFallback::Refuse.into(),
        when_switched_off: FundingFallback::Platform.into(),
    };
    assert_eq!(created.funding, Some(default));
    vault.fund_workspace(ACME, when_named()).await;
    let name = ACME.to_owned();
    let mut workspaces = vault.workspaces(OWNER);
    let shown = workspaces.get_workspace(GetWorkspaceRequest { name }).await;
    let shown = shown.unwrap().into_inner();
    let named = FundingPolicy {
        selection: Selection::WhenNamed.into(),
        ..default
    };
    assert_eq!(shown.funding, Some(named));
    let request = ListAuditEventsRequest {
        parent: ACME.to_owned(),
        ..ListAuditEventsRequest::default()
    };
    let events = vault.audit(OWNER).list_audit_events(request).await.unwrap();
    let events = events.into_inner().audit_events;
    let words = "selection=when_named when_missing=platform when_failed=refuse \
                 when_switched_off=platform";
    assert!(events.iter().any(|event| {
        event
            .details
            .get("funding")
            .is_some_and(|text| text == words)
    }));
}

async fn a_key_of_the_platform_narrows_nothing(vault: Vault) {
    let key = Key {
        funding: Some(when_named()),
        ..key_of("openai")
    };
    let request = CreateKeyRequest {
        key: Some(key),
        ..create_key("platform", "shared")
    };
    let outcome = vault.keys(OPERATOR).create_key(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["key.funding"]);
}

async fn a_malformed_policy_is_named(vault: Vault) {
    let router = acme(&vault, &[]).await;
    let odd = || {
        Some(FundingPolicy {
            when_missing: 7,
            ..FundingPolicy::default()
        })
    };
    let of_workspace = async |workspace| {
        let outcome = change(&vault, OWNER, update(workspace, &[])).await;
        refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields
    };
    let workspace = Workspace {
        funding: odd(),
        ..Workspace::default()
    };
    assert_eq!(
        of_workspace(workspace).await,
        ["workspace.funding.when_missing"]
    );
    let workspace = Workspace {
        allowed_models: vec!["a*b".to_owned()],
        ..Workspace::default()
    };
    assert_eq!(
        of_workspace(workspace).await,
        ["workspace.allowed_models[0]"]
    );
    let workspace = Workspace {
        allowed_capabilities: vec![1, 9],
        ..Workspace::default()
    };
    assert_eq!(
        of_workspace(workspace).await,
        ["workspace.allowed_capabilities[1]"]
    );
    let key = Key {
        allowed_callers: vec!["ann".to_owned()],
        ..key_of("openai")
    };
    let request = CreateKeyRequest {
        key: Some(key),
        ..create_key(ACME, "main")
    };
    let outcome = vault.keys(OWNER).create_key(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["key.allowed_callers[0]"]);
    let request = ResolveRequest {
        funding: odd(),
        ..resolve(ACME)
    };
    let refusal = refused(
        router.resolve(request).await,
        Code::InvalidArgument,
        "FIELD_INVALID",
    );
    assert_eq!(refusal.fields, ["funding.when_missing"]);
}
