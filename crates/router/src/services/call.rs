//! The part that all methods share: the caller, its authorization, the deadline, and the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkey_contract::names::{Scope, WorkspaceName};
use latchkey_rpc::access::{Caller, Denied};
use latchkey_rpc::page::Page;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};

use super::members::Members;
use crate::dispatch::{self, CallContext};
use crate::domain::role::Role;
use crate::error::RouterError;

/// A call that passed the access layer.
pub(super) struct Call {
    caller: Caller<Role, Members>,
    /// Whether a membership was looked up.
    looked_up: AtomicBool,
    deadline: Option<Instant>,
}

impl Call {
    /// Takes the caller out of a request.
    pub(super) fn split<T>(mut request: Request<T>) -> Result<(Self, T), Status> {
        match request.extensions_mut().remove::<Caller<Role, Members>>() {
            Some(caller) => {
                let call = Self {
                    caller,
                    looked_up: AtomicBool::new(false),
                    deadline: deadline(request.metadata()),
                };
                Ok((call, request.into_inner()))
            }
            // Without the access layer no caller is identified, so every call is refused.
            None => Err(Status::new(Code::Internal, "the access layer is missing")),
        }
    }

    /// The caller's identity.
    pub(super) fn actor(&self) -> &Arc<str> {
        self.caller.actor()
    }

    /// Runs a future until the caller's deadline.
    pub(super) async fn in_time<T>(
        &self,
        future: impl Future<Output = Result<T, RouterError>>,
    ) -> Result<T, RouterError> {
        dispatch::in_time(self.deadline, future).await
    }

    /// Checks that the caller may act in a workspace.
    pub(super) async fn authorize(&self, workspace: &WorkspaceName) -> Result<(), RouterError> {
        self.looked_up.store(true, Ordering::Relaxed);
        self.in_time(self.caller.authorize(workspace)).await
    }

    /// Checks that the caller may read data of no workspace, such as the catalogue.
    pub(super) fn authorize_anywhere(&self) -> Result<(), RouterError> {
        Ok(self.caller.authorize_anywhere()?)
    }

    /// Checks that the caller may change the deployment.
    pub(super) fn authorize_deployment(&self) -> Result<(), RouterError> {
        Ok(self.caller.authorize_deployment()?)
    }

    /// Parses the scope of a request, and checks that the caller may act in it.
    pub(super) async fn scope(&self, parent: &str) -> Result<Scope, RouterError> {
        let scope: Scope = parent.parse().map_err(RouterError::name("parent"))?;
        self.authorize(scope.workspace()).await?;
        Ok(scope)
    }

    /// The caller, the scope and the deadline, for dispatch.
    pub(super) fn context<'a>(&'a self, scope: &'a Scope) -> CallContext<'a> {
        CallContext {
            scope,
            requester: self.actor(),
            deadline: self.deadline,
        }
    }

    /// The only requester whose attempts the caller may see: itself. None for owners and operators,
    /// who may see all.
    pub(super) async fn visible_requester(
        &self,
        workspace: &WorkspaceName,
    ) -> Result<Option<String>, RouterError> {
        let roles = [Role::Operator, Role::Owner];
        let sees_all = match self.in_time(self.caller.holds_any(&roles, workspace)).await {
            // A grant admitted the caller without the vault. It then sees only its own attempts.
            Err(RouterError::VaultUnavailable) => false,
            outcome => outcome?,
        };
        Ok((!sees_all).then(|| self.actor().to_string()))
    }

    /// Parses the page of a list. `arguments` are the other fields of the request.
    pub(super) fn page(
        &self,
        size: i32,
        token: &str,
        arguments: &[&str],
    ) -> Result<Page, RouterError> {
        let bound = [&[self.caller.method()], arguments].concat();
        Ok(Page::parse(size, token, &bound)?)
    }

    /// Encodes the outcome of the call.
    pub(super) fn answer<T>(&self, outcome: Result<T, RouterError>) -> Result<Response<T>, Status> {
        match outcome {
            _ if self.is_unproven() => Err(self.refuse(Denied.into())),
            Ok(message) => Ok(Response::new(message)),
            Err(error) => Err(self.refuse(error)),
        }
    }

    /// Encodes an error as a status, and logs it.
    pub(super) fn refuse(&self, error: RouterError) -> Status {
        // A caller without any role must not learn what is wrong with its message.
        let visible = if self.is_unproven() {
            Denied.into()
        } else {
            error
        };
        self.log_error(&visible);
        visible.into()
    }

    /// Logs an error, with its chain when an operator can mend the cause.
    pub(super) fn log_error(&self, error: &RouterError) {
        let method = self.caller.method();
        match error.cause() {
            cause @ (RouterError::Journal(_)
            | RouterError::Store(_)
            | RouterError::VaultUnavailable
            | RouterError::Integrity(_)) => {
                let chain = cause as &dyn std::error::Error;
                tracing::error!(error = chain, rpc.method = method, "call failed");
            }
            cause => {
                let reason = cause.reason().as_str();
                tracing::debug!(reason, rpc.method = method, "call refused");
            }
        }
    }

    /// Whether only a membership could admit the caller, and none was looked up.
    fn is_unproven(&self) -> bool {
        !self.caller.is_granted_somewhere() && !self.looked_up.load(Ordering::Relaxed)
    }
}

/// The time by which a call ends before the caller's deadline, so that its error reaches the caller.
const ANSWER_MARGIN: Duration = Duration::from_millis(50);

/// The deadline by gRPC's `grpc-timeout`, which has at most eight digits and a unit.
fn deadline(metadata: &MetadataMap) -> Option<Instant> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = Some(number)
        .filter(|number| number.len() <= 8)?
        .parse()
        .ok()?;
    let timeout = match unit {
        "H" => Duration::from_hours(number),
        "M" => Duration::from_mins(number),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    let allowed = timeout.saturating_sub(ANSWER_MARGIN.min(timeout / 10));
    Instant::now().checked_add(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Option<Duration> {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", text.parse().unwrap());
        let now = Instant::now();
        Some(deadline(&metadata)?.saturating_duration_since(now))
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_of_any_unit_leaves_time_for_the_answer() {
        for (text, milliseconds) in [
            ("1H", 3_599_950),
            ("2M", 119_950),
            ("3S", 2_950),
            ("99999999m", 99_999_949),
            ("100m", 90),
            ("1000u", 0),
            ("0S", 0),
        ] {
            let read = span(text).map(|span| span.as_millis());
            assert_eq!(read, Some(milliseconds), "{text}");
        }
        assert_eq!(span("1000n"), Some(Duration::from_nanos(900)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_invalid_timeout_is_ignored() {
        for text in ["", "S", "1", "1s", "-1S", "1.5S", "123456789S", "1\u{e9}"] {
            assert_eq!(span(text), None, "{text}");
        }
        assert_eq!(deadline(&MetadataMap::new()), None);
    }
}
