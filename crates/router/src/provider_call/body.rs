//! Reads the bodies of answers, with limits on size and time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http_body_util::{BodyExt as _, BodyStream};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

use super::pool::OpenStream;

/// The body of an answer. Its stream counts as open until the body is dropped.
pub(super) struct UpstreamBody {
    incoming: Incoming,
    _open: OpenStream,
}

impl UpstreamBody {
    pub(super) fn new(incoming: Incoming, open: OpenStream) -> Self {
        Self {
            incoming,
            _open: open,
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.incoming).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BodyError {
    /// The connection broke.
    #[error("the connection broke within the answer")]
    Broken,
    /// The body exceeds the limit.
    #[error("the answer exceeds 64 MiB")]
    TooLarge,
    /// The rest of the body did not arrive in time.
    #[error("the answer did not arrive in time")]
    Timeout,
}

/// The limit of a whole answer. Some generated images fit in it.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Reads the whole body, no longer than `until`.
pub(super) async fn collect(mut body: UpstreamBody, until: Instant) -> Result<Bytes, BodyError> {
    let read = async move {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
                continue;
            };
            if first.len().max(rest.len()) + data.len() > MAX_BODY_BYTES {
                return Err(BodyError::TooLarge);
            }
            // Most answers arrive in one chunk, which is not copied.
            if first.is_empty() {
                first = data;
            } else {
                if rest.is_empty() {
                    rest.extend_from_slice(&first);
                }
                rest.extend_from_slice(&data);
            }
        }
        Ok(if rest.is_empty() {
            first
        } else {
            rest.freeze()
        })
    };
    tokio::time::timeout_at(until, read)
        .await
        .map_err(|_| BodyError::Timeout)?
}

/// The body in chunks. A gap of more than `idle` between two chunks ends the stream with an error.
pub(super) fn chunks(
    body: UpstreamBody,
    idle: Duration,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    let chunks = Box::pin(BodyStream::new(body).filter_map(|frame| async {
        match frame {
            Ok(frame) => frame.into_data().ok().map(Ok),
            Err(_) => Some(Err(BodyError::Broken)),
        }
    }));
    futures_util::stream::unfold(Some(chunks), move |open| async move {
        let mut chunks = open?;
        match tokio::time::timeout(idle, chunks.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_elapsed) => Some((Err(BodyError::Timeout), None)),
        }
    })
}
