//! `Resolve`: the workspace's fallbacks travel with every answer that may need them.

use latchkey_contract::vault::v1::{
    DisableKeyRequest, ResolveRequest, UpdateWorkspaceRequest, Workspace, WorkspaceFallback,
};
use tonic::Code;

use crate::harness::{OWNER, Router, Vault, mask, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    a_choice_returns_the_workspaces_fallbacks,
    a_refusal_returns_the_workspaces_fallbacks,
    a_workspace_without_fallbacks_returns_none,
    routers_choose_again_when_they_change,
);

const ACME: &str = "workspaces/acme";
const WEB: &str = "workspaces/acme/projects/web";

fn fallbacks() -> Vec<WorkspaceFallback> {
    [
        ("anthropic", "claude-sonnet-5"),
        ("openrouter", "deepseek/deepseek-flash"),
    ]
    .map(|(provider, model)| WorkspaceFallback {
        provider: provider.to_owned(),
        model: model.to_owned(),
    })
    .to_vec()
}

async fn set(vault: &Vault, fallbacks: Vec<WorkspaceFallback>) {
    let workspace = Workspace {
        name: ACME.to_owned(),
        fallbacks,
        ..Workspace::default()
    };
    let request = UpdateWorkspaceRequest {
        workspace: Some(workspace),
        update_mask: mask(&["fallbacks"]),
    };
    vault
        .workspaces(OWNER)
        .update_workspace(request)
        .await
        .unwrap();
}

async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    vault.create_key(ACME, "main").await;
    Router::open_router_session(vault).await
}

async fn a_choice_returns_the_workspaces_fallbacks(vault: Vault) {
    let router = acme(&vault).await;
    set(&vault, fallbacks()).await;
    for scope in [ACME, WEB] {
        let response = router.resolve(resolve(scope)).await.unwrap();
        assert_eq!(response.fallbacks, fallbacks());
    }
}

async fn a_refusal_returns_the_workspaces_fallbacks(vault: Vault) {
    let router = acme(&vault).await;
    set(&vault, fallbacks()).await;
    let disable = DisableKeyRequest {
        name: "workspaces/acme/keys/main".to_owned(),
        etag: String::new(),
    };
    vault.keys(OWNER).disable_key(disable).await.unwrap();
    let named = ResolveRequest {
        key: "main".to_owned(),
        ..resolve(ACME)
    };
    for (request, reason) in [(resolve(WEB), "OWN_KEY_REQUIRED"), (named, "KEY_UNUSABLE")] {
        let refusal = router.resolve(request).await;
        let refusal = refused(refusal, Code::FailedPrecondition, reason);
        assert_eq!(
            refusal.metadata["fallbacks"],
            "anthropic/claude-sonnet-5\nopenrouter/deepseek/deepseek-flash"
        );
    }
}

async fn a_workspace_without_fallbacks_returns_none(vault: Vault) {
    let router = acme(&vault).await;
    let response = router.resolve(resolve(ACME)).await.unwrap();
    assert!(response.fallbacks.is_empty());
    let request = ResolveRequest {
        provider: "anthropic".to_owned(),
        ..resolve(ACME)
    };
    let refusal = router.resolve(request).await;
    let refusal = refused(refusal, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert!(refusal.metadata.is_empty());
}

async fn routers_choose_again_when_they_change(vault: Vault) {
    let router = acme(&vault).await;
    let response = router.resolve(resolve(WEB)).await.unwrap();
    let chosen_at = response.revisions[0].revision;
    router.keeps_silent();
    let setting = async {
        set(&vault, fallbacks()).await;
    };
    let confirming = async {
        let invalidation = router.invalidation(ACME, 0).await;
        assert!(invalidation.revision > chosen_at);
        assert!(invalidation.revoked_key_versions.is_empty());
        router.confirms(&invalidation, 0);
    };
    // It answers only once the router has confirmed: the next choice is made anew.
    tokio::join!(setting, confirming);
    let response = router.resolve(resolve(WEB)).await.unwrap();
    assert_eq!(response.fallbacks, fallbacks());
}
