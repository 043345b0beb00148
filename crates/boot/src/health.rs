//! `grpc.health.v1`: whether each service, and the process as a whole, accepts calls.
//!
//! A process starts `NOT_SERVING` and becomes SERVING when it calls [`Health::ready`]; a drain turns
//! it `NOT_SERVING` for good. In between, health changes only for faults that a restart or another
//! replica could mend. A short failure of the database is none of these: it would take out every
//! replica at once, and turn a hiccup into an outage.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus as WireStatus;
use tonic_health::pb::health_server::{Health as HealthApi, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::drain::Drain;

pub use tonic_health::ServingStatus;
/// The protocol's descriptors, for server reflection.
pub use tonic_health::pb::FILE_DESCRIPTOR_SET;

/// The protocol's name for the process as a whole.
const OVERALL: &str = "";

/// Sets the health that [`Health::server`] reports. Clones share it.
#[derive(Clone)]
pub struct Health {
    statuses: Arc<BTreeMap<&'static str, watch::Sender<WireStatus>>>,
    drain: Drain,
}

impl Health {
    /// Health of the named services, `latchkey.vault.v1.KeyService` for example, and of the
    /// process; all `NOT_SERVING` yet.
    pub fn new(services: impl IntoIterator<Item = &'static str>, drain: &Drain) -> Self {
        let statuses = services
            .into_iter()
            .chain([OVERALL])
            .map(|service| (service, watch::Sender::new(WireStatus::NotServing)))
            .collect();
        Self {
            statuses: Arc::new(statuses),
            drain: drain.clone(),
        }
    }

    /// The gRPC service, to be added to the routes.
    pub fn server(&self) -> HealthServer<impl HealthApi + use<>> {
        HealthServer::new(HealthService(self.clone()))
    }

    /// Declares the process and all its services ready for calls.
    pub fn ready(&self) {
        for status in self.statuses.values() {
            status.send_replace(WireStatus::Serving);
        }
    }

    /// Sets one service, or the process as a whole under the empty name.
    ///
    /// A name that was not given to [`Health::new`] is a mistake of the caller; it is logged.
    pub fn set(&self, service: &str, status: ServingStatus) {
        if let Some(sender) = self.statuses.get(service) {
            sender.send_replace(status.into());
        } else {
            tracing::error!(service, "health was set for a service that has none");
        }
    }

    fn of(&self, service: &str) -> Result<&watch::Sender<WireStatus>, Status> {
        self.statuses
            .get(service)
            .ok_or_else(|| Status::not_found("the process has no such service"))
    }
}

struct HealthService(Health);

#[tonic::async_trait]
impl HealthApi for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let status = *self.0.of(&request.get_ref().service)?.borrow();
        let status = if self.0.drain.is_started() {
            WireStatus::NotServing
        } else {
            status
        };
        Ok(Response::new(response(status)))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    /// Ends with `NOT_SERVING` when the drain starts: a watcher that stays would hold up the drain
    /// until its grace period is over.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let updates = WatchStream::new(self.0.of(&request.get_ref().service)?.subscribe());
        let answers = updates
            .take_until(self.0.drain.started())
            .chain(stream::iter([WireStatus::NotServing]))
            .map(|status| Ok(response(status)));
        Ok(Response::new(answers.boxed()))
    }
}

fn response(status: WireStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "example.v1.ExampleService";

    fn ask(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest {
            service: service.to_owned(),
        })
    }

    async fn check(health: &Health, service: &str) -> WireStatus {
        let answer = HealthService(health.clone()).check(ask(service)).await;
        answer.unwrap().into_inner().status()
    }

    #[tokio::test]
    async fn a_process_is_not_serving_until_it_is_ready() {
        let health = Health::new([SERVICE], &Drain::new());
        assert_eq!(check(&health, OVERALL).await, WireStatus::NotServing);
        health.ready();
        assert_eq!(check(&health, OVERALL).await, WireStatus::Serving);
        assert_eq!(check(&health, SERVICE).await, WireStatus::Serving);
    }

    #[tokio::test]
    async fn one_service_stops_serving_without_the_others() {
        let health = Health::new([SERVICE], &Drain::new());
        health.ready();
        health.set(SERVICE, ServingStatus::NotServing);
        assert_eq!(check(&health, SERVICE).await, WireStatus::NotServing);
        assert_eq!(check(&health, OVERALL).await, WireStatus::Serving);
    }

    #[tokio::test]
    async fn a_draining_process_is_never_serving_again() {
        let drain = Drain::new();
        let health = Health::new([SERVICE], &drain);
        health.ready();
        drain.start();
        health.ready();
        assert_eq!(check(&health, OVERALL).await, WireStatus::NotServing);
    }

    #[tokio::test]
    async fn a_watcher_receives_each_change_until_the_drain_ends_its_stream() {
        let drain = Drain::new();
        let health = Health::new([SERVICE], &drain);
        let watching = HealthService(health.clone()).watch(ask(SERVICE)).await;
        let mut answers = watching.unwrap().into_inner();
        let mut next = async || Some(answers.next().await?.unwrap().status());

        assert_eq!(next().await, Some(WireStatus::NotServing));
        health.ready();
        assert_eq!(next().await, Some(WireStatus::Serving));
        drain.start();
        assert_eq!(next().await, Some(WireStatus::NotServing));
        assert_eq!(next().await, None);
    }

    #[tokio::test]
    async fn an_unknown_service_is_not_found() {
        let health = HealthService(Health::new([SERVICE], &Drain::new()));
        let error = health.check(ask("other")).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::NotFound);
        assert!(health.watch(ask("other")).await.is_err());
    }
}
