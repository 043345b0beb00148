//! `GetAttempt`: returns an attempt that the caller may see.

use latchkey_contract::names::{Scope, WorkspaceName};
use latchkey_contract::router::v1::{Attempt, GetAttemptRequest};
use uuid::Uuid;

use crate::domain::attempt::AttemptId;
use crate::error::RouterError;
use crate::services::{UsageReader, call::Call, encode};

pub(super) async fn handle(
    usage: &UsageReader,
    call: &Call,
    request: &GetAttemptRequest,
) -> Result<Attempt, RouterError> {
    let (workspace, id) = parse(&request.name)?;
    call.authorize(&workspace).await?;
    let scope = Scope::Workspace(workspace.clone());
    let scope = call.in_time(usage.vault.scope(&scope)).await?;
    usage.store.adopt_attempts(&scope).await?;
    usage.wait_shipped().await;
    let attempt = usage.store.attempt(scope.workspace, id).await?;
    let requester = call.visible_requester(&workspace).await?;
    attempt
        .filter(|attempt| requester.is_none_or(|requester| *attempt.start.requester == *requester))
        .map(|attempt| encode::attempt(&attempt))
        .ok_or(RouterError::AttemptNotFound)
}

fn parse(name: &str) -> Result<(WorkspaceName, AttemptId), RouterError> {
    let parsed = name.split_once("/attempts/").and_then(|(workspace, id)| {
        Some((
            workspace.parse().ok()?,
            AttemptId(Uuid::try_parse(id).ok()?),
        ))
    });
    let form = "must have the form workspaces/{workspace}/attempts/{attempt}";
    parsed.ok_or_else(|| RouterError::field("name", form))
}
