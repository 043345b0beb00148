//! Keys that their providers refused, and how they come back by themselves.

mod meanwhile;
mod outcomes;
mod rounds;

use std::time::Duration;

use latchkey_contract::vault::v1::{AuditEvent, Key, ListAuditEventsRequest, ResolveRequest, key};

use crate::harness::{OPERATOR, OWNER, Router, Vault, resolve};

/// What a refused key is left alone for, by default.
const INTERVAL: Duration = Duration::from_mins(15);
const ALMOST: Duration = Duration::from_secs(899);
const SECOND: Duration = Duration::from_secs(1);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";

/// A workspace with a key, and a router.
async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
    Router::open_router_session(vault).await
}

/// Lets a router use a key whose provider refuses it.
async fn is_refused(vault: &Vault, router: &Router, name: &str) -> Key {
    let (scope, _) = name.split_once("/keys/").unwrap();
    let named = ResolveRequest {
        key: name.to_owned(),
        ..resolve(scope)
    };
    let lease = router.obtains(named).await;
    let scope: String = name.split_inclusive('/').take(2).collect();
    let scope = scope.trim_end_matches('/');
    let invalidations = router.invalidations();
    let seen = invalidations
        .iter()
        .filter(|each| each.scope == scope)
        .count();
    router.reports(&lease.key_version_uid);
    router.invalidation(scope, seen).await;
    let key = vault.get_key(name).await;
    assert_eq!(key.state(), key::State::Quarantined);
    key
}

/// Lets so much time pass that sessions lapse, and opens another session.
async fn later(vault: &Vault, router: Router, span: Duration) -> Router {
    router.leaves().await;
    vault.clock.advance(span);
    Router::open_router_session(vault).await
}

/// The audit events of a scope, newest first.
async fn events(vault: &Vault, parent: &str) -> Vec<AuditEvent> {
    let request = ListAuditEventsRequest {
        parent: parent.to_owned(),
        page_size: 1_000,
        page_token: String::new(),
        ..ListAuditEventsRequest::default()
    };
    let who = if parent == "platform" {
        OPERATOR
    } else {
        OWNER
    };
    let page = vault.audit(who).list_audit_events(request).await.unwrap();
    page.into_inner().audit_events
}

/// The number of recheck events in a log.
async fn recheck_count(vault: &Vault, parent: &str) -> usize {
    let events = events(vault, parent).await;
    events
        .iter()
        .filter(|event| event.method == "recheck")
        .count()
}
