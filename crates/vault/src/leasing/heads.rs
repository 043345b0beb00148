//! The watch of the revisions of the workspaces that routers depend on, for changes of other replicas.
//! A successful read also proves this replica current: without one, a keep-alive grants no more time
//! than the last one.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use latchkey_boot::drain::Drain;
use latchkey_contract::names::RevisionScope;

use super::{Leasing, RouterSession};
use crate::domain::uid::WorkspaceUid;
use crate::store::{Store, StoreError, workspaces};

/// The time between two reads of the heads.
const PERIOD: Duration = Duration::from_millis(250);
/// Identities per query.
const CHUNK: usize = 500;

/// Watches the heads until the drain starts.
pub async fn watch_heads(leasing: Arc<Leasing>, store: Store, drain: Drain) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = drain.started() => return,
            _ = ticks.tick() => {}
        }
        leasing.sweep();
        if let Err(error) = read_heads(&leasing, &store).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "reading the heads of workspaces failed");
        }
    }
}

/// Registers a workspace of which a router still caches keys as a dependency of its session. Returns
/// its revision; `None` once it does not exist.
pub async fn depend_on_workspace(
    store: &Store,
    session: &RouterSession,
    uid: WorkspaceUid,
) -> Result<Option<u64>, StoreError> {
    let Some(head) = workspaces::find_by_uid(store, uid).await? else {
        return Ok(None);
    };
    let Some(scope) = head.peek().scope() else {
        return Ok(None);
    };
    session.depend_on(uid, scope, head.peek().revision);
    // Read again: a change that committed before the registration was not sent to the session.
    let head = workspaces::find_by_uid(store, uid).await?;
    let head = head.filter(|head| head.peek().scope().is_some());
    Ok(head.map(|head| head.peek().revision))
}

async fn read_heads(leasing: &Leasing, store: &Store) -> Result<(), StoreError> {
    let begun = leasing.clock.boottime();
    let dependencies = leasing.dependencies();
    if dependencies.is_empty() {
        store.ping().await?;
    }
    let mut is_complete = true;
    let uids: Vec<_> = dependencies.keys().copied().collect();
    for chunk in uids.chunks(CHUNK) {
        for (uid, revision) in workspaces::revisions(store, chunk).await? {
            is_complete &= relay(leasing, &dependencies, uid, revision);
        }
    }
    if !is_complete {
        return Ok(());
    }
    *leasing
        .current_since
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Some(begun);
    Ok(())
}

/// Sends a change that a read found to the routers. Returns whether every change up to that revision was
/// sent.
pub(super) fn relay(
    leasing: &Leasing,
    dependencies: &HashMap<WorkspaceUid, (RevisionScope, u64)>,
    uid: WorkspaceUid,
    revision: u64,
) -> bool {
    if leasing.changes.has_unsent(uid, revision) {
        // This vault is about to send it. It may follow a change of another replica.
        return false;
    }
    if let Some((scope, known)) = dependencies.get(&uid)
        && revision > *known
    {
        leasing.relay(uid, scope, revision);
    }
    true
}
