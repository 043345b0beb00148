//! The layer that refuses callers that no role could admit, and adds a [`Caller`] to the others'
//! requests.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use latchkey_contract::Reason;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Layer, Service};

use super::{AccessTable, Caller, Grant, Memberships, Role};
use crate::identity::Identity;
use crate::refusal::Refusal;

/// Observes refusals of callers with a valid credential.
pub trait RefusalObserver: Send + Sync {
    /// `actor` was refused `method`.
    fn refused(&self, actor: &Arc<str>, method: &str);
}

/// Checks callers against the grants and the table.
pub struct AccessLayer<R: 'static, M> {
    shared: Arc<Shared<R, M>>,
}

struct Shared<R: 'static, M> {
    domain: &'static str,
    table: AccessTable<R>,
    grants: HashMap<Arc<str>, Arc<[Grant<R>]>>,
    memberships: M,
    observer: Option<Arc<dyn RefusalObserver>>,
}

impl<R, M> Clone for AccessLayer<R, M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<R: Role, M: Memberships<R>> AccessLayer<R, M> {
    /// A layer for the service domain that `ErrorInfo` names.
    pub fn new(
        domain: &'static str,
        table: AccessTable<R>,
        grants: Vec<Grant<R>>,
        memberships: M,
        observer: Option<Arc<dyn RefusalObserver>>,
    ) -> Self {
        let mut by_identity: HashMap<Arc<str>, Vec<Grant<R>>> = HashMap::new();
        for grant in grants {
            by_identity
                .entry(grant.identity.as_str().into())
                .or_default()
                .push(grant);
        }
        let grants = by_identity
            .into_iter()
            .map(|(name, grants)| (name, grants.into()))
            .collect();
        Self {
            shared: Arc::new(Shared {
                domain,
                table,
                grants,
                memberships,
                observer,
            }),
        }
    }
}

impl<S, R, M> Layer<S> for AccessLayer<R, M> {
    type Service = AccessService<S, R, M>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessService {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// A service behind the access table. Each request that reaches it carries a [`Caller`].
pub struct AccessService<S, R: 'static, M> {
    inner: S,
    shared: Arc<Shared<R, M>>,
}

impl<S: Clone, R, M> Clone for AccessService<S, R, M> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: NamedService, R, M> NamedService for AccessService<S, R, M> {
    const NAME: &'static str = S::NAME;
}

impl<S, R: Role, M: Memberships<R>> Service<Request<Body>> for AccessService<S, R, M>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.shared.admit(&request) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                Box::pin(self.inner.call(request))
            }
            Err(refusal) => {
                let response = refusal.into_status(self.shared.domain).into_http();
                Box::pin(std::future::ready(Ok(response)))
            }
        }
    }
}

impl<R: Role, M: Memberships<R>> Shared<R, M> {
    fn admit(&self, request: &Request<Body>) -> Result<Caller<R, M>, Refusal> {
        let actor: Arc<str> = match request.extensions().get::<Identity>() {
            Some(Identity::Certificate(id)) => id.to_string().into(),
            Some(Identity::Token(name)) => format!("token:{name}").into(),
            Some(Identity::Rejected(_)) => return Err(unknown_credential()),
            Some(Identity::Anonymous) | None => return Err(no_credential()),
        };
        let path = request.uri().path();
        let Some((method, rule)) = self.table.entry(path) else {
            return Err(Refusal::new(
                Reason::MethodUnknown,
                "the service has no such method",
            ));
        };
        let grants = self.grants.get(&actor).cloned().unwrap_or_default();
        let caller = Caller {
            actor,
            method,
            grants,
            rule,
            memberships: self.memberships.clone(),
        };
        if caller.may_be_admitted() {
            return Ok(caller);
        }
        if let Some(observer) = &self.observer {
            observer.refused(&caller.actor, path);
        }
        Err(super::Denied.into())
    }
}

fn unknown_credential() -> Refusal {
    let message = "the credential is not valid for this service";
    Refusal::new(Reason::CredentialsInvalid, message)
}

fn no_credential() -> Refusal {
    let message = "the request has no credential: use a client certificate, or send a token as \
                   `authorization: Bearer …`";
    Refusal::new(Reason::CredentialsRequired, message)
}
