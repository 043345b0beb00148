//! The first start over an empty database: the deployment's identity and the platform's workspace.

use std::sync::Arc;

use latchkey_clock::{Clock, Timestamp};
use latchkey_egress::EgressPolicy;
use ring::rand::SystemRandom;

use crate::change::Change;
use crate::custody::keyring::KeyRingFile;
use crate::custody::{Custody, CustodyError, IntegrityFailure};
use crate::domain::audit::{Act, AuditEvent};
use crate::domain::uid::{DeploymentUid, WorkspaceUid, random_uuid};
use crate::domain::workspace::{Workspace, WorkspaceSlug};
use crate::error::VaultError;
use crate::leasing::Leasing;
use crate::store::{Store, StoreError, workspaces};
use crate::vault::Vault;

/// Opens a vault over a migrated database. The first vault of a deployment bootstraps it.
pub async fn open_or_bootstrap(
    store: Store,
    keyring: Arc<KeyRingFile>,
    leasing: Arc<Leasing>,
    egress: EgressPolicy,
    clock: Arc<dyn Clock>,
) -> Result<Vault, VaultError> {
    let rng = SystemRandom::new();
    let custody = |deployment| {
        Custody::new(
            deployment,
            Arc::clone(&keyring),
            rng.clone(),
            Arc::clone(&clock),
        )
    };
    if workspaces::deployment(&store).await?.is_none() {
        let deployment = DeploymentUid(random_uuid(&rng)?);
        match bootstrap(&store, &custody(deployment), deployment, clock.now()).await {
            // Another vault that started at the same time was faster.
            Ok(()) | Err(VaultError::Custody(CustodyError::Store(StoreError::Exists(_)))) => {}
            Err(error) => return Err(error),
        }
    }
    let deployment = workspaces::deployment(&store)
        .await?
        .ok_or_else(|| IntegrityFailure::new("deployment", 1))?;
    let custody = custody(deployment);
    let platform = workspaces::find(&store, None)
        .await?
        .ok_or_else(|| IntegrityFailure::new("workspaces", "platform"))?;
    let uid = platform.peek().uid;
    // A keyring of another deployment fails here, and not at the first call.
    custody.keys_of(&store, uid).await?.check(platform)?;
    Ok(Vault {
        store,
        custody,
        leasing,
        egress,
        clock,
        platform: uid,
    })
}

/// Creates the deployment's identity and the platform's workspace in one transaction.
async fn bootstrap(
    store: &Store,
    custody: &Custody,
    deployment: DeploymentUid,
    now: Timestamp,
) -> Result<(), VaultError> {
    let unit = store.begin().await?;
    workspaces::insert_deployment(&unit, deployment, now).await?;
    let platform = WorkspaceUid(random_uuid(custody.rng())?);
    let head = Workspace::new(platform, WorkspaceSlug::Platform, String::new(), now);
    let act = Act::system("bootstrap");
    let event = AuditEvent::done(&act, "platform", now).with("deployment", deployment);
    let change = Change::create_workspace(unit, custody, head, act, now, event).await?;
    // No router can be connected yet.
    let _ = change.commit().await?;
    Ok(())
}
