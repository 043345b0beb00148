//! A service that tells who called it, and that waits, hangs or panics on request. It speaks
//! `grpc.health.v1`, so that no service has to be generated for it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use latchkey_boot::config::SecretString;
use latchkey_boot::drain::Drain;
use latchkey_boot::server::{Listener, ServeError, ServerConfig};
use latchkey_boot::tls::{ClientTls, ServerTls};
use latchkey_rpc::client::{AuthorizedChannel, ChannelConfig};
use latchkey_rpc::identity::{
    IdentifyLayer, Identity, IdentityConfig, TokenConfig, TokenDigest, TokenName,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::Layer as _;

/// The token that every probe knows, and its name.
pub(crate) const TOKEN: &str = "t0ken";
pub(crate) const TOKEN_NAME: &str = "admin";

/// What to ask the probe for.
pub(crate) const ANSWER: &str = "answer";
pub(crate) const WAIT: &str = "wait";
pub(crate) const HANG: &str = "hang";
pub(crate) const PANIC: &str = "panic";

pub(crate) struct Probe {
    callers: mpsc::UnboundedSender<Identity>,
    signals: Arc<Signals>,
}

#[derive(Default)]
pub(crate) struct Signals {
    /// A call that waits or hangs has begun.
    pub(crate) entered: Notify,
    /// Lets a waiting call finish.
    pub(crate) release: Notify,
    /// A hanging call was dropped.
    pub(crate) dropped: Notify,
}

/// A probe being served.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) drain: Drain,
    pub(crate) signals: Arc<Signals>,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
    callers: mpsc::UnboundedReceiver<Identity>,
}

pub(crate) fn config(tls: Option<ServerTls>) -> ServerConfig {
    let mut config = ServerConfig::new(([127, 0, 0, 1], 0).into());
    config.tls = tls;
    config
}

pub(crate) fn serve(config: &ServerConfig) -> Running {
    let (sender, callers) = mpsc::unbounded_channel();
    let signals = Arc::<Signals>::default();
    let probe = Probe {
        callers: sender,
        signals: signals.clone(),
    };
    let drain = Drain::new();
    let listener = Listener::bind(config).unwrap_or_else(|error| panic!("{error}"));
    let address = listener.local_addr();
    let routes = Routes::new(HealthServer::new(probe));
    let serving = tokio::spawn(listener.serve(identify().layer(routes.prepare()), drain.clone()));
    Running {
        address,
        drain,
        signals,
        serving,
        callers,
    }
}

pub(crate) fn identify() -> IdentifyLayer {
    let tokens = vec![TokenConfig {
        name: TokenName::parse(TOKEN_NAME).unwrap(),
        sha256: TokenDigest::of(TOKEN),
    }];
    IdentifyLayer::new(&IdentityConfig { tokens }).unwrap()
}

impl Running {
    pub(crate) fn client(
        &self,
        tls: Option<ClientTls>,
        token: Option<&str>,
    ) -> HealthClient<AuthorizedChannel> {
        client(self.address, tls, token)
    }

    /// Who made the last call.
    pub(crate) async fn caller(&mut self) -> Identity {
        self.callers.recv().await.unwrap()
    }

    /// Whether no call has arrived.
    pub(crate) fn was_never_called(&mut self) -> bool {
        self.callers.try_recv().is_err()
    }
}

pub(crate) fn client(
    address: SocketAddr,
    tls: Option<ClientTls>,
    token: Option<&str>,
) -> HealthClient<AuthorizedChannel> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let endpoint = format!("{scheme}://{address}").parse().unwrap();
    let mut config = ChannelConfig::new(endpoint);
    config.tls = tls;
    config.token = token.map(|token| SecretString::new(token.to_owned()));
    let channel = config.open().unwrap_or_else(|error| panic!("{error}"));
    HealthClient::new(channel)
}

pub(crate) fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tonic::async_trait]
impl Health for Probe {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        assert!(request.metadata().get("authorization").is_none());
        let _ = self.callers.send(Identity::of(&request));
        match request.get_ref().service.as_str() {
            WAIT => {
                self.signals.entered.notify_one();
                self.signals.release.notified().await;
            }
            HANG => {
                let _dropped = OnDrop(self.signals.clone());
                self.signals.entered.notify_one();
                std::future::pending::<()>().await;
            }
            PANIC => panic!("as asked for"),
            _ => {}
        }
        Ok(Response::new(response()))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    /// One response, then a panic when released.
    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let signals = self.signals.clone();
        let panics = stream::once(async move {
            signals.release.notified().await;
            panic!("as asked for")
        });
        let responses = stream::iter([Ok(response())]).chain(panics);
        Ok(Response::new(responses.boxed()))
    }
}

fn response() -> HealthCheckResponse {
    HealthCheckResponse {
        status: ServingStatus::Serving.into(),
    }
}

struct OnDrop(Arc<Signals>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}
