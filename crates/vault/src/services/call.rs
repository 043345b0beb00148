//! The parts that all methods share: the caller and its rights, pages, the answer, and the record of a
//! refusal.

use std::sync::atomic::{AtomicBool, Ordering};

use latchkey_contract::Reason;
use latchkey_contract::names::{KeyParent, WorkspaceName};
use latchkey_rpc::access::{Caller, Denied};
use latchkey_rpc::page::Page;
use tonic::{Code, Request, Response, Status};

use super::members::memberships::Members;
use super::status;
use crate::custody::CustodyError;
use crate::domain::audit::{Act, AuditEvent, Decision};
use crate::domain::role::Role;
use crate::error::VaultError;
use crate::vault::Vault;

/// A call that passed the access layer.
pub(super) struct Call {
    caller: Caller<Role, Members>,
    /// Whether the caller's rights in a workspace were checked.
    checked: AtomicBool,
}

impl Call {
    /// Takes the caller out of a request.
    pub(super) fn split<T>(mut request: Request<T>) -> Result<(Self, T), Status> {
        match request.extensions_mut().remove::<Caller<Role, Members>>() {
            Some(caller) => {
                let checked = AtomicBool::new(false);
                Ok((Self { caller, checked }, request.into_inner()))
            }
            // Without the access layer no call may pass.
            None => Err(Status::new(Code::Internal, "the access layer is missing")),
        }
    }

    /// The actor and the method.
    pub(super) fn act(&self) -> Act {
        Act {
            actor: self.caller.actor().clone(),
            method: self.caller.method().to_owned(),
        }
    }

    /// The caller's identity.
    pub(super) fn actor(&self) -> &std::sync::Arc<str> {
        self.caller.actor()
    }

    /// The method's path.
    pub(super) fn method(&self) -> &'static str {
        self.caller.method()
    }

    /// Refuses a caller that may not act on a workspace.
    pub(super) async fn authorize(&self, workspace: &WorkspaceName) -> Result<(), VaultError> {
        self.checked.store(true, Ordering::Relaxed);
        self.caller.authorize(workspace).await
    }

    /// Whether the caller runs the deployment.
    pub(super) fn is_operator(&self) -> bool {
        self.caller.holds_everywhere(Role::Operator)
    }

    /// Refuses a caller that may not act on the deployment itself.
    pub(super) fn authorize_deployment(&self) -> Result<(), VaultError> {
        Ok(self.caller.authorize_deployment()?)
    }

    /// Refuses a caller that may not act on the resources of `parent`.
    pub(super) async fn authorize_parent(&self, parent: &KeyParent) -> Result<(), VaultError> {
        match parent.workspace() {
            Some(workspace) => self.authorize(workspace).await,
            None => self.authorize_deployment(),
        }
    }

    /// A page of a list. `arguments` are the fields beside size and token.
    pub(super) fn page(
        &self,
        size: i32,
        token: &str,
        arguments: &[&str],
    ) -> Result<Page, VaultError> {
        let bound = [&[self.method()], arguments].concat();
        Ok(Page::parse(size, token, &bound)?)
    }

    /// The answer of the call. A refusal of a known caller and an integrity failure are recorded in the
    /// audit log.
    pub(super) async fn answer<T>(
        &self,
        vault: &Vault,
        resource: &str,
        outcome: Result<T, VaultError>,
    ) -> Result<Response<T>, Status> {
        let error = match outcome {
            // The caller has proved no right yet, so it does not learn what is wrong with the message.
            _ if self.is_unproven() => Denied.into(),
            Ok(message) => return Ok(Response::new(message)),
            Err(error) => error,
        };
        let (act, now) = (self.act(), vault.now());
        let event = match &error {
            VaultError::Denied(_) => {
                let reason = Reason::PermissionDenied;
                Some(AuditEvent::refused(
                    &act,
                    resource,
                    Decision::Refused,
                    reason,
                    now,
                ))
            }
            VaultError::Custody(CustodyError::Integrity(failure)) => {
                Some(AuditEvent::damaged(&act, resource, failure, now))
            }
            _ => None,
        };
        if let Some(event) = event {
            crate::audit::record_refusal(vault, event).await;
        }
        log(&error, self.method());
        Err(error.into())
    }

    /// Whether only a membership could grant the call, and none was checked.
    fn is_unproven(&self) -> bool {
        !self.caller.is_granted_somewhere() && !self.checked.load(Ordering::Relaxed)
    }
}

/// Logs a failure that an operator can repair as an error with its chain, and a refusal for debugging.
fn log(error: &VaultError, method: &str) {
    match status::refusal(error).reason().code() {
        Code::Internal | Code::DataLoss | Code::Unavailable => {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, rpc.method = method, "a call failed");
        }
        code => tracing::debug!(%error, ?code, rpc.method = method, "a call was refused"),
    }
}
