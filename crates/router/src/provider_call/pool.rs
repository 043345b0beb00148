//! The connections of one owner to one host.
//!
//! A hyper client opens any number of HTTP/1.1 connections to a host, but a single HTTP/2 connection.
//! The server limits the streams on that connection, and a call beyond the limit would wait for
//! another call to end. A pool therefore adds a client, in a lane of its own, for each hundred streams.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};

use super::body::UpstreamBody;
use super::resolver::GuardedResolver;

pub(super) type HttpClient = Client<HttpsConnector<HttpConnector<GuardedResolver>>, Full<Bytes>>;

/// Streams on one HTTP/2 connection. RFC 9113, 6.5.2, advises servers to allow no fewer than 100.
const STREAMS_PER_CONNECTION: usize = 100;

/// Clients with the number of open streams of each.
pub(super) struct Pool {
    new_client: Box<dyn Fn() -> HttpClient + Send + Sync>,
    lanes: Mutex<Vec<Arc<Lane>>>,
    /// Whether the host answered over HTTP/1.1, where one client is enough.
    one_lane: AtomicBool,
}

struct Lane {
    client: HttpClient,
    streams: AtomicUsize,
}

/// An open stream, counted in its lane until it is dropped.
pub(super) struct OpenStream(Arc<Lane>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn new(new_client: impl Fn() -> HttpClient + Send + Sync + 'static) -> Self {
        Self {
            new_client: Box::new(new_client),
            lanes: Mutex::default(),
            one_lane: AtomicBool::new(false),
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn request(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<UpstreamBody>, Error> {
        let stream = self.open();
        let response = stream.0.client.request(request).await?;
        if response.version() <= Version::HTTP_11 {
            self.one_lane.store(true, Ordering::Relaxed);
        }
        Ok(response.map(|body| UpstreamBody::new(body, stream)))
    }

    fn open(&self) -> OpenStream {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let max_streams = if self.one_lane.load(Ordering::Relaxed) {
            usize::MAX
        } else {
            STREAMS_PER_CONNECTION
        };
        let is_free = |lane: &&Arc<Lane>| lane.streams.load(Ordering::Relaxed) < max_streams;
        let lane = if let Some(lane) = lanes.iter().find(is_free) {
            Arc::clone(lane)
        } else {
            // Dropping an idle lane closes its connections. The first lane stays.
            let mut position = 0;
            lanes.retain(|lane| {
                position += 1;
                position == 1 || lane.streams.load(Ordering::Relaxed) > 0
            });
            let lane = Arc::new(Lane {
                client: (self.new_client)(),
                streams: AtomicUsize::new(0),
            });
            lanes.push(Arc::clone(&lane));
            lane
        };
        lane.streams.fetch_add(1, Ordering::Relaxed);
        OpenStream(lane)
    }
}
