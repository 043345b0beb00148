//! Streams that are open at the same time, and the memory that each takes. The mock pauses in the
//! middle of its answers; the memory is measured once every stream has received its first piece.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use latchkey_boot::exit::Failure;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::client::{Client, Held};
use crate::process::{resident, settled};

/// The number of open streams that the design requires.
pub(crate) const STREAMS: usize = 5_000;
/// Streams that are being opened at the same time.
const AT_ONCE: usize = 256;
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// Makes the mock pause in the middle of streams, or resume.
pub(crate) async fn hold(mock: std::net::SocketAddr, on: bool) -> Result<(), Failure> {
    let path = if on { "hold" } else { "release" };
    let request = Request::get(format!("http://{mock}/{path}")).body(Empty::<Bytes>::new());
    let client = HttpClient::builder(TokioExecutor::new()).build_http();
    let answered = client.request(request.map_err(Failure::run)?).await;
    let body = answered.map_err(Failure::run)?.into_body();
    body.collect().await.map(drop).map_err(Failure::run)
}

/// Opens the streams, measures the memory of the process, and closes them.
pub(crate) async fn weigh(client: &Arc<Client>, process: u32) -> Result<Weight, Failure> {
    settled(process).await?;
    let [before, _] = resident(process)?;
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut opening = JoinSet::new();
    for worker in 0..STREAMS {
        let (client, places) = (Arc::clone(client), Arc::clone(&places));
        opening.spawn(async move {
            let _place = places.acquire().await.map_err(Failure::run)?;
            client.open(worker).await
        });
    }
    let mut held: Vec<Held> = Vec::with_capacity(STREAMS);
    let opened = async {
        while let Some(opened) = opening.join_next().await {
            held.push(opened.map_err(Failure::run)??);
        }
        Ok::<_, Failure>(())
    };
    let in_time = tokio::time::timeout(WAIT_TIMEOUT, opened).await;
    in_time.map_err(|_| Failure::run("not all streams opened in time"))??;
    settled(process).await?;
    let [after, _] = resident(process)?;
    let streams = held.len();
    drop(held);
    settled(process).await?;
    let [closed, _] = resident(process)?;
    Ok(Weight {
        streams,
        before,
        after,
        closed,
    })
}

/// Resident memory, in KiB.
pub(crate) struct Weight {
    pub(crate) streams: usize,
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) closed: u64,
}

impl Weight {
    /// KiB per stream.
    pub(crate) fn each(&self) -> f64 {
        let grown = u32::try_from(self.after.saturating_sub(self.before)).unwrap_or(u32::MAX);
        let streams = u32::try_from(self.streams).unwrap_or(u32::MAX);
        f64::from(grown) / f64::from(streams.max(1))
    }
}
