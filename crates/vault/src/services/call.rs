//! What every method does around its own work: who calls, what is said and recorded when it is
//! refused.

use std::sync::atomic::{AtomicBool, Ordering};

use latchkey_contract::Reason;
use latchkey_contract::names::{KeyParent, WorkspaceName};
use latchkey_rpc::access::{Caller, Denied};
use latchkey_rpc::page::Page;
use tonic::{Code, Request, Response, Status};

use super::members::access::Members;
use super::status;
use crate::custody::CustodyError;
use crate::domain::audit::{Act, AuditEvent, Decision};
use crate::domain::role::Role;
use crate::error::VaultError;
use crate::vault::Vault;

/// A call that passed the access layer.
pub(super) struct Call {
    caller: Caller<Role, Members>,
    /// Whether the caller's rights were asked for.
    asked: AtomicBool,
}

impl Call {
    /// Takes the caller out of a request.
    pub(super) fn split<T>(mut request: Request<T>) -> Result<(Self, T), Status> {
        match request.extensions_mut().remove::<Caller<Role, Members>>() {
            Some(caller) => {
                let asked = AtomicBool::new(false);
                Ok((Self { caller, asked }, request.into_inner()))
            }
            // The access layer is missing: nobody may pass.
            None => Err(Status::new(Code::Internal, "the access layer is missing")),
        }
    }

    /// Who acts, and how.
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

    /// Whether the caller may act on a workspace.
    pub(super) async fn authorize(&self, workspace: &WorkspaceName) -> Result<(), VaultError> {
        self.asked.store(true, Ordering::Relaxed);
        self.caller.authorize(workspace).await
    }

    /// Whether the caller runs the deployment.
    pub(super) fn is_operator(&self) -> bool {
        self.caller.holds_everywhere(Role::Operator)
    }

    /// Whether the caller may act on the deployment itself.
    pub(super) fn authorize_deployment(&self) -> Result<(), VaultError> {
        Ok(self.caller.authorize_deployment()?)
    }

    /// Whether the caller may act on what belongs to `parent`.
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

    /// Says how the call ended. What was refused to a known caller, or failed its integrity check,
    /// is recorded too.
    pub(super) async fn answer<T>(
        &self,
        vault: &Vault,
        resource: &str,
        outcome: Result<T, VaultError>,
    ) -> Result<Response<T>, Status> {
        let error = match outcome {
            // Not even what is wrong with the message: who is asking is not known to be anybody.
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

    /// Whether only a membership could let the caller in, and none was asked for.
    fn is_unproven(&self) -> bool {
        !self.caller.is_granted_somewhere() && !self.asked.load(Ordering::Relaxed)
    }
}

/// Failures that an operator can mend are logged with their chain; refusals are the caller's.
fn log(error: &VaultError, method: &str) {
    match status::refusal(error).reason().code() {
        Code::Internal | Code::DataLoss | Code::Unavailable => {
            let chain = error as &dyn std::error::Error;
            tracing::error!(error = chain, rpc.method = method, "the call failed");
        }
        code => tracing::debug!(%error, ?code, rpc.method = method, "the call was refused"),
    }
}
