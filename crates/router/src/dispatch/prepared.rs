//! A call that is ready to be made: its lease in use, its request encoded, its attempt in the journal.

use std::sync::Arc;
use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::WireRequest;
use latchkey_providers::{Credential, ProviderError};
use tokio::time::Instant;

use super::Dispatcher;
use super::open_attempt::OpenAttempt;
use super::operations::{EncodeTarget, FailedCall, Operation};
use super::request::DispatchRequest;
use crate::domain::attempt::{self, AttemptStart, AttemptUids};
use crate::domain::model_id::ModelId;
use crate::error::RouterError;
use crate::leases::{InUse, Lease};
use crate::provider_call::{AddressSource, Exchange, Purpose, Token, TokenIssuer};

/// A call that is ready to be made.
pub(super) struct PreparedCall<R> {
    pub(super) request: WireRequest,
    /// What decoding the answer needs.
    pub(super) reading: R,
    pub(super) attempt: OpenAttempt,
    pub(super) origin: CallOrigin,
}

/// A leased key for a call, and the model to call.
pub(super) struct KeyInUse {
    pub(super) lease: Arc<Lease>,
    pub(super) model: ModelId,
    /// Counts the call as in flight.
    pub(super) in_use: InUse,
}

/// What a call is made with. It is held until the answer ends.
pub(super) struct CallOrigin {
    pub(super) key: KeyInUse,
    /// The access token, where the key is exchanged for one.
    pub(super) token: Option<Token>,
    pub(super) operation: attempt::Operation,
    pub(super) address_source: AddressSource,
    pub(super) deadline: Option<Instant>,
}

impl CallOrigin {
    /// The secret of the call, to be redacted from the provider's messages.
    pub(super) fn secret(&self) -> &str {
        match &self.token {
            Some(token) => token.expose(),
            None => self.key.lease.credential().map_or("", Credential::secret),
        }
    }

    /// The exchange of the call.
    pub(super) fn exchange<'a>(&'a self, dispatcher: &'a Dispatcher) -> Exchange<'a> {
        Exchange {
            upstream: &dispatcher.upstream,
            clock: &*dispatcher.clock,
            owner: Some(self.key.lease.pool()),
            address_source: self.address_source,
            secret: self.secret(),
            purpose: Purpose {
                operation: semantic_name(self.operation, self.key.lease.provider()),
                provider: self.key.lease.provider(),
                model: Some(self.key.model.as_str()),
            },
        }
    }

    /// The end of a span from now, or the caller's deadline where that is earlier.
    pub(super) fn within(&self, span: Duration) -> Instant {
        let until = Instant::now() + span;
        self.deadline.map_or(until, |deadline| until.min(deadline))
    }
}

/// `gen_ai.operation.name` of the semantic conventions, which name no token count.
fn semantic_name(operation: attempt::Operation, provider: ProviderId) -> &'static str {
    match (operation, provider) {
        (attempt::Operation::CountTokens, _) => "count_tokens",
        (attempt::Operation::Embed, _) => "embeddings",
        (attempt::Operation::GenerateImages, _)
        | (attempt::Operation::Generate, ProviderId::Google | ProviderId::Vertex) => {
            "generate_content"
        }
        (attempt::Operation::Generate, _) => "chat",
    }
}

impl Dispatcher {
    /// Encodes the request and records its attempt. The journal has the attempt when this returns.
    pub(super) async fn prepare<O: Operation>(
        &self,
        operation: &O,
        request: &DispatchRequest<'_>,
        mut key: KeyInUse,
        first_choice: bool,
    ) -> Result<PreparedCall<O::Reading>, FailedCall> {
        let (lease, model) = (Arc::clone(&key.lease), key.model.clone());
        let provider = lease.provider();
        let deadline = request.context.deadline;
        let endpoint = self
            .endpoints
            .choose(provider, lease.base_url(), lease.location());
        let (base_url, address_source) = endpoint.map_err(RouterError::from)?;
        let start = self.attempt_start::<O>(request, &lease, &model)?;
        let mut token = None;
        let credential = match lease.credential() {
            Some(credential) => credential,
            None => match self.token(&lease, deadline).await {
                Ok(issued) => {
                    // The exchange took time: a key that was revoked meanwhile must not be used.
                    key.in_use = lease
                        .begin_use(&*self.clock)
                        .map_err(|_| RouterError::VaultUnavailable)?;
                    Credential::Bearer(token.insert(issued).expose())
                }
                // The failure of a key is recorded, although its provider was not called yet.
                Err(error) => {
                    let error = error.or_deadline_exceeded(deadline);
                    let attempt = OpenAttempt::begin(start, self)?.fail(&error);
                    return Err(FailedCall { error, attempt });
                }
            },
        };
        let catalogue = self.catalogue.current();
        let encoded = operation.encode(&EncodeTarget {
            target: lease.target(&base_url, credential),
            model: lease.wire_model(model.as_str()),
            traits: catalogue.traits(provider, model.as_str()),
            first_choice,
        });
        let (wire_request, reading) = encoded.map_err(RouterError::from)?;
        operation.check(&reading)?;
        Ok(PreparedCall {
            request: wire_request,
            reading,
            attempt: OpenAttempt::begin(start, self)?,
            origin: CallOrigin {
                key,
                token,
                operation: O::OPERATION,
                address_source,
                deadline,
            },
        })
    }

    fn attempt_start<O: Operation>(
        &self,
        request: &DispatchRequest<'_>,
        lease: &Lease,
        model: &ModelId,
    ) -> Result<AttemptStart, RouterError> {
        Ok(AttemptStart {
            id: self.attempt_id()?,
            scope: request.context.scope.clone(),
            uids: AttemptUids {
                workspace: Some(lease.workspace_uid()),
                project: lease.project_uid(),
                key: Some(lease.key_version_uid().key),
            },
            key_version: lease.key_version().clone(),
            material_tail: lease.material_tail().to_owned(),
            payer: lease.payer(),
            provider: lease.provider(),
            model: model.clone(),
            requester: Arc::clone(request.context.requester),
            origin: request.origin,
            operation: O::OPERATION,
            streamed: O::STREAMED,
            start_time: self.clock.now(),
        })
    }

    async fn token(&self, lease: &Lease, deadline: Option<Instant>) -> Result<Token, RouterError> {
        let issuer = TokenIssuer {
            endpoints: &self.endpoints,
            upstream: &self.upstream,
            clock: &*self.clock,
        };
        let timeout = Instant::now() + self.upstream.config().first_byte_timeout;
        let until = deadline.map_or(timeout, |deadline| timeout.min(deadline));
        Ok(lease.token(&issuer, until).await?)
    }

    /// Makes a call whose answer is read as a whole. Its attempt is still open when it succeeds.
    pub(super) async fn call_whole<R, T>(
        &self,
        call: PreparedCall<R>,
        read: impl FnOnce(&R, &Reply<'_>) -> Result<T, ProviderError>,
    ) -> Result<(T, R, OpenAttempt), FailedCall> {
        let PreparedCall {
            request,
            reading,
            mut attempt,
            origin,
        } = call;
        let exchange = origin.exchange(self);
        let until = origin.within(self.upstream.config().total_timeout);
        let called = async {
            let head = exchange.send(request, until).await?;
            attempt.record_head(head.parts(), origin.secret());
            let answer = head.read_whole(until).await?;
            attempt.record_first_byte();
            Ok(read(&reading, &exchange.reply(&answer))?)
        };
        let outcome: Result<_, RouterError> = called.await;
        let deadline = origin.deadline;
        drop(origin);
        match outcome {
            Ok(answer) => Ok((answer, reading, attempt)),
            Err(error) => {
                let error = error.or_deadline_exceeded(deadline);
                let attempt = attempt.fail(&error);
                Err(FailedCall { error, attempt })
            }
        }
    }
}
