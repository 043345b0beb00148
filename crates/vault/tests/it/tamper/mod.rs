//! An attacker who can write to the database but has no root key: every changed row is refused, and
//! the refusal is recorded.

mod added;
mod columns;
mod data_keys;
mod material;
mod members;
mod provider_access;
mod swaps;
mod tables;

use latchkey_contract::vault::v1::audit_event::Decision;
use latchkey_contract::vault::v1::{GetKeyRequest, Lease, ListAuditEventsRequest, ResolveRequest};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{OPERATOR, OWNER, Router, Vault, create_key, resolve};

/// A key under attack, and the scope that it is leased for.
#[derive(Clone, Copy, Debug)]
struct Target {
    name: &'static str,
    scope: &'static str,
}

const MAIN: Target = Target {
    name: "workspaces/acme/keys/main",
    scope: "workspaces/acme",
};
const WEB: Target = Target {
    name: "workspaces/acme/projects/web/keys/main",
    scope: "workspaces/acme/projects/web",
};

/// The outcome of a call to a changed row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Found {
    /// There is a root key in the row that the keyring does not have.
    Locked,
    /// The row is not what was stored.
    Noticed,
    /// There is no such row.
    Nothing,
    /// It worked.
    Ok,
}

fn found<T>(outcome: Result<T, Status>) -> Found {
    let Err(status) = outcome else {
        return Found::Ok;
    };
    let details = status.get_error_details();
    let reason = details.error_info().map_or("", |info| info.reason.as_str());
    match (status.code(), reason) {
        (Code::DataLoss, "INTEGRITY") => Found::Noticed,
        (Code::FailedPrecondition, "ROOT_KEY_MISSING") => Found::Locked,
        (Code::NotFound, _) | (Code::FailedPrecondition, "OWN_KEY_REQUIRED") => Found::Nothing,
        _ => panic!("neither noticed nor missing: {status:?}"),
    }
}

/// Two tenants; one has a project. Each has a key `main`, and the first tenant a `second`.
async fn two_tenants(vault: &Vault) {
    for (workspace, project) in [("acme", "web"), ("other", "app")] {
        vault.create_workspace(workspace).await;
        vault.create_project(workspace, project).await;
        let scope = format!("workspaces/{workspace}");
        let scopes = [scope.clone(), format!("{scope}/projects/{project}")];
        for scope in scopes {
            vault.store_key(create_key(&scope, "main")).await;
        }
    }
    vault.create_project("acme", "app").await;
    vault
        .create_key("workspaces/acme/projects/app", "second")
        .await;
}

async fn get(vault: &Vault, name: &str) -> Found {
    found(
        vault
            .keys(OWNER)
            .get_key(GetKeyRequest {
                name: name.to_owned(),
            })
            .await,
    )
}

async fn obtain(router: &Router, request: ResolveRequest) -> Result<Lease, Status> {
    router
        .resolve(request)
        .await
        .map(|response| response.lease.unwrap())
}

/// The three ways to a key: shown, leased by its name, leased by its provider.
async fn ways(vault: &Vault, router: &Router, target: Target) -> [Found; 3] {
    let shown = get(vault, target.name).await;
    let named = ResolveRequest {
        key: target.name.to_owned(),
        ..resolve(target.scope)
    };
    let named = found(obtain(router, named).await);
    // The workspace's own key may stand in for the project's.
    let chosen = match obtain(router, resolve(target.scope)).await {
        Ok(lease) if !lease.key_version.starts_with(target.name) => Found::Nothing,
        outcome => found(outcome),
    };
    [shown, named, chosen]
}

/// How many integrity failures the logs hold.
async fn alarms(vault: &Vault) -> usize {
    let mut alarms = 0;
    for parent in ["workspaces/acme", "workspaces/other", "platform"] {
        let request = ListAuditEventsRequest {
            parent: parent.to_owned(),
            page_size: 1_000,
            page_token: String::new(),
            ..ListAuditEventsRequest::default()
        };
        let page = vault
            .audit(OPERATOR)
            .list_audit_events(request)
            .await
            .unwrap()
            .into_inner();
        let events = page.audit_events.iter();
        alarms += events
            .filter(|event| event.decision() == Decision::IntegrityFailure)
            .count();
    }
    alarms
}
