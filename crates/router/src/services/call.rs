//! What every method does around its own work: who calls, and how the call ended.

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
    /// Whether the caller's rights were asked for.
    asked: AtomicBool,
    deadline: Option<Instant>,
}

impl Call {
    /// Takes the caller out of a request.
    pub(super) fn split<T>(mut request: Request<T>) -> Result<(Self, T), Status> {
        match request.extensions_mut().remove::<Caller<Role, Members>>() {
            Some(caller) => {
                let call = Self {
                    caller,
                    asked: AtomicBool::new(false),
                    deadline: deadline(request.metadata()),
                };
                Ok((call, request.into_inner()))
            }
            // The access layer is missing: nobody may pass.
            None => Err(Status::new(Code::Internal, "the access layer is missing")),
        }
    }

    /// The caller's identity.
    pub(super) fn actor(&self) -> &Arc<str> {
        self.caller.actor()
    }

    /// What is there by the caller's deadline.
    pub(super) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, RouterError>>,
    ) -> Result<T, RouterError> {
        dispatch::in_time(self.deadline, asked).await
    }

    /// Whether the caller may act in a workspace.
    pub(super) async fn authorize(&self, workspace: &WorkspaceName) -> Result<(), RouterError> {
        self.asked.store(true, Ordering::Relaxed);
        self.in_time(self.caller.authorize(workspace)).await
    }

    /// Whether the caller may read what belongs to everybody.
    pub(super) fn authorize_anywhere(&self) -> Result<(), RouterError> {
        Ok(self.caller.authorize_anywhere()?)
    }

    /// Whether the caller may change what belongs to the deployment.
    pub(super) fn authorize_deployment(&self) -> Result<(), RouterError> {
        Ok(self.caller.authorize_deployment()?)
    }

    /// The scope of a request, if the caller may act in it.
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

    /// Whose attempts the caller may see there: its own, unless it owns the workspace or runs the
    /// deployment.
    pub(super) async fn visible_requester(
        &self,
        workspace: &WorkspaceName,
    ) -> Result<Option<String>, RouterError> {
        let roles = [Role::Operator, Role::Owner];
        let sees_all = match self.in_time(self.caller.holds_any(&roles, workspace)).await {
            // Whoever was let in without the vault sees its own without it too.
            Err(RouterError::VaultUnavailable) => false,
            outcome => outcome?,
        };
        Ok((!sees_all).then(|| self.actor().to_string()))
    }

    /// A page of a list. `arguments` are the fields beside size and token.
    pub(super) fn page(
        &self,
        size: i32,
        token: &str,
        arguments: &[&str],
    ) -> Result<Page, RouterError> {
        let bound = [&[self.caller.method()], arguments].concat();
        Ok(Page::parse(size, token, &bound)?)
    }

    /// Says how the call ended.
    pub(super) fn answer<T>(&self, outcome: Result<T, RouterError>) -> Result<Response<T>, Status> {
        match outcome {
            _ if self.is_unproven() => Err(self.refuse(Denied.into())),
            Ok(message) => Ok(Response::new(message)),
            Err(error) => Err(self.refuse(error)),
        }
    }

    /// The refusal of an error.
    pub(super) fn refuse(&self, error: RouterError) -> Status {
        // Not even what is wrong with the message: who is asking is not known to be anybody.
        let error = if self.is_unproven() {
            Denied.into()
        } else {
            error
        };
        self.note(&error);
        error.into()
    }

    /// Logs an error; what an operator can mend, with its chain.
    pub(super) fn note(&self, error: &RouterError) {
        let method = self.caller.method();
        match error.cause() {
            RouterError::Journal(_)
            | RouterError::Store(_)
            | RouterError::VaultUnavailable
            | RouterError::Integrity(_) => {
                let chain = error as &dyn std::error::Error;
                tracing::error!(error = chain, rpc.method = method, "the call failed");
            }
            error => {
                let reason = error.reason().as_str();
                tracing::debug!(reason, rpc.method = method, "the call was refused");
            }
        }
    }

    /// Whether only a membership could let the caller in, and none was asked for.
    fn is_unproven(&self) -> bool {
        !self.caller.is_granted_somewhere() && !self.asked.load(Ordering::Relaxed)
    }
}

/// So long before the caller stops waiting the call is over, so that it still hears why.
const EARLY: Duration = Duration::from_millis(50);

/// When the call must be over: gRPC's `grpc-timeout`, at most eight digits and a unit.
fn deadline(metadata: &MetadataMap) -> Option<Instant> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = Some(number)
        .filter(|number| number.len() <= 8)?
        .parse()
        .ok()?;
    let span = match unit {
        "H" => Duration::from_hours(number),
        "M" => Duration::from_mins(number),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    let span = span.saturating_sub(EARLY.min(span / 10));
    Instant::now().checked_add(span)
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
    async fn every_unit_is_read_and_a_little_is_left_for_the_way_back() {
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
    async fn what_is_no_timeout_is_none() {
        for text in ["", "S", "1", "1s", "-1S", "1.5S", "123456789S", "1\u{e9}"] {
            assert_eq!(span(text), None, "{text}");
        }
        assert_eq!(deadline(&MetadataMap::new()), None);
    }
}
