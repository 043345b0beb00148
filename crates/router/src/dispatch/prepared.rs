//! A call that is ready to be made: its key in use, its request written, its attempt in the journal.

use std::sync::Arc;

use latchkey_contract::names::Scope;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::WireRequest;
use latchkey_providers::{Credential, ProviderError};
use tokio::time::Instant;

use super::Dispatcher;
use super::attempt::OpenAttempt;
use super::operation::{EncodeTarget, Failed, Operation};
use super::request::DispatchRequest;
use crate::domain::attempt::AttemptStart;
use crate::error::RouterError;
use crate::keys::{InUse, Lease, Token, TokenIssuer, system_time};
use crate::upstream::{AddressSource, collect};

/// A call that is ready to be made.
pub(super) struct PreparedCall<R> {
    pub(super) request: WireRequest,
    pub(super) reading: R,
    pub(super) address_source: AddressSource,
    pub(super) lease: Arc<Lease>,
    /// The token in the request, where the key is one that tokens are got with.
    pub(super) token: Option<Token>,
    pub(super) open: OpenAttempt,
    /// Counts as in flight while it is held.
    pub(super) in_use: InUse,
    pub(super) deadline: Option<Instant>,
}

/// What a call was made with, to be taken out of the provider's words.
pub(super) fn secret<'a>(lease: &'a Lease, token: Option<&'a Token>) -> &'a str {
    match token {
        Some(token) => token.expose(),
        None => lease.credential().map_or("", Credential::secret),
    }
}

impl Dispatcher {
    /// Writes the request and its attempt. The journal has the attempt when this returns.
    pub(super) async fn prepare<O: Operation>(
        &self,
        operation: &O,
        asked: &DispatchRequest<'_>,
        lease: &Arc<Lease>,
        mut in_use: InUse,
        model: &str,
        first_choice: bool,
    ) -> Result<PreparedCall<O::Reading>, Failed> {
        let provider = lease.provider();
        let place = self
            .endpoints
            .choose(provider, lease.base_url(), lease.location());
        let (base_url, address_source) = place.map_err(RouterError::from)?;
        let start = AttemptStart {
            id: self.attempt_id()?,
            scope: Scope::clone(asked.scope),
            key_version: lease.key_version().clone(),
            material_tail: lease.material_tail().to_owned(),
            payer: lease.payer(),
            provider: provider.as_str(),
            model: model.to_owned(),
            requester: Arc::clone(asked.requester),
            origin: asked.origin,
            operation: O::OPERATION,
            streamed: O::STREAMED,
            start_time: self.clock.now(),
        };
        let mut token = None;
        let credential = match lease.credential() {
            Some(credential) => credential,
            None => match self.token(lease, asked.deadline).await {
                Ok(got) => {
                    // Getting it took time; what was taken back meanwhile must not be used.
                    in_use = lease
                        .begin_use(&*self.clock)
                        .map_err(|_| RouterError::VaultUnavailable)?;
                    Credential::Bearer(token.insert(got).expose())
                }
                // The failure of a key shows in the account, though its provider was not asked yet.
                Err(error) => {
                    let error = error.or_late(asked.deadline);
                    let attempt = OpenAttempt::begin(start, self)?.fail(&error);
                    return Err(Failed { error, attempt });
                }
            },
        };
        let catalogue = self.catalogue.current();
        let (request, reading) = operation
            .encode(&EncodeTarget {
                target: lease.target(&base_url, credential),
                model: lease.wire_model(model),
                traits: catalogue.traits(provider, model),
                first_choice,
            })
            .map_err(RouterError::from)?;
        operation.check(&reading)?;
        Ok(PreparedCall {
            request,
            reading,
            address_source,
            lease: Arc::clone(lease),
            token,
            open: OpenAttempt::begin(start, self)?,
            in_use,
            deadline: asked.deadline,
        })
    }

    async fn token(&self, lease: &Lease, deadline: Option<Instant>) -> Result<Token, RouterError> {
        let issuer = TokenIssuer {
            endpoints: &self.endpoints,
            upstream: &self.upstream,
            clock: &*self.clock,
        };
        let until = Instant::now() + self.upstream.config().first_byte_timeout;
        let until = deadline.map_or(until, |deadline| until.min(deadline));
        Ok(lease.token(&issuer, until).await?)
    }

    /// Makes a call that is answered whole. The attempt is open still when it succeeds.
    pub(super) async fn ask<R, T>(
        &self,
        ready: PreparedCall<R>,
        read: impl FnOnce(&R, &Reply<'_>) -> Result<T, ProviderError>,
    ) -> Result<(T, R, OpenAttempt), Failed> {
        let PreparedCall {
            request,
            reading,
            address_source,
            lease,
            token,
            mut open,
            in_use,
            deadline,
        } = ready;
        let until = Instant::now() + self.upstream.config().total_timeout;
        let until = deadline.map_or(until, |deadline| until.min(deadline));
        let called = async {
            let sent = self
                .upstream
                .send(request, address_source, lease.pool(), until);
            let (head, body) = sent.await?.into_parts();
            open.head(&head);
            let body = collect(body, until).await?;
            open.first_byte();
            let reply = Reply {
                status: head.status,
                headers: &head.headers,
                body: &body,
                secret: secret(&lease, token.as_ref()),
                now: system_time(self.clock.now()),
            };
            Ok(read(&reading, &reply)?)
        };
        let outcome: Result<_, RouterError> = called.await;
        drop(in_use);
        match outcome {
            Ok(answer) => Ok((answer, reading, open)),
            Err(error) => {
                let error = error.or_late(deadline);
                let attempt = open.fail(&error);
                Err(Failed { error, attempt })
            }
        }
    }
}
