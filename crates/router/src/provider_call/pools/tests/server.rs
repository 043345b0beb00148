//! An HTTP/2 server over TLS on loopback. It delays its answers until a test releases them.

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

/// A running server.
pub(super) struct Server {
    address: SocketAddr,
    root: RootCertStore,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The client's address of each request.
    peers: watch::Sender<Vec<SocketAddr>>,
    answers: watch::Sender<bool>,
}

impl Server {
    /// Starts a server that allows `streams` concurrent streams on each connection.
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
                    // A client drops a connection that another one has made superfluous.
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

    /// A client configuration that trusts the server's certificate.
    pub(super) fn client_config(&self) -> ClientConfig {
        ClientConfig::builder()
            .with_root_certificates(self.root.clone())
            .with_no_client_auth()
    }

    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}/", self.address.port())
    }

    /// Waits until the server has received `count` requests.
    pub(super) async fn has_received(&self, count: usize) {
        let mut peers = self.shared.peers.subscribe();
        peers.wait_for(|peers| peers.len() >= count).await.unwrap();
    }

    /// Releases the answers to earlier and later requests.
    pub(super) fn answers(&self) {
        self.shared.answers.send_replace(true);
    }

    /// The number of connections with a request.
    pub(super) fn used_connections(&self) -> usize {
        let peers = self.shared.peers.borrow();
        peers.iter().collect::<HashSet<_>>().len()
    }
}

async fn answer(
    shared: Arc<Shared>,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, Infallible> {
    shared.peers.send_modify(|peers| peers.push(peer));
    let mut answers = shared.answers.subscribe();
    // An error means that the test has ended.
    let _ = answers.wait_for(|answers| *answers).await;
    Ok(Response::new(Full::default()))
}
