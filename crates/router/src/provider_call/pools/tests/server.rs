//! A server on loopback that speaks HTTP/2 over TLS and keeps its answers back until it is told.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// A server that is running.
pub(super) struct Server {
    address: SocketAddr,
    root: RootCertStore,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// From which address each request came.
    seen: watch::Sender<Vec<SocketAddr>>,
    answers: watch::Sender<bool>,
}

impl Server {
    /// It allows each connection so many streams at a time.
    pub(super) async fn start(streams: u32) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let mut tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let mut root = RootCertStore::empty();
        root.add(cert.der().clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            root,
            shared: Arc::default(),
        };
        let shared = Arc::clone(&server.shared);
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    // A client that has another connection by now gives this one up.
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let answer = service_fn(move |_| answer(Arc::clone(&shared), peer));
                    let _ = http2::Builder::new(TokioExecutor::new())
                        .max_concurrent_streams(streams)
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        server
    }

    /// What trusts it.
    pub(super) fn trusting(&self) -> ClientConfig {
        ClientConfig::builder()
            .with_root_certificates(self.root.clone())
            .with_no_client_auth()
    }

    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}/", self.address.port())
    }

    /// Waits until so many requests are there.
    pub(super) async fn has_seen(&self, count: usize) {
        let mut seen = self.shared.seen.subscribe();
        seen.wait_for(|seen| seen.len() >= count).await.unwrap();
    }

    /// From now on it answers; also what it was asked before.
    pub(super) fn answers(&self) {
        self.shared.answers.send_replace(true);
    }

    /// Connections over which a request came.
    pub(super) fn used_connections(&self) -> usize {
        let seen = self.shared.seen.borrow();
        seen.iter().collect::<HashSet<_>>().len()
    }
}

async fn answer(
    shared: Arc<Shared>,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, Infallible> {
    shared.seen.send_modify(|seen| seen.push(peer));
    let mut answers = shared.answers.subscribe();
    // The server is dropped with its test.
    let _ = answers.wait_for(|answers| *answers).await;
    Ok(Response::new(Full::default()))
}
