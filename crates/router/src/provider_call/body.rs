//! Reading the bodies of answers, within bounds of size and time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http_body_util::{BodyExt as _, BodyStream};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

use super::pool::OpenStream;

/// The body of an answer. Its connection counts it as open until it is dropped.
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
    #[error("the answer broke off")]
    Broken,
    /// It is larger than any real answer.
    #[error("the answer is too large")]
    TooLarge,
    /// It did not come in time.
    #[error("the answer did not come in time")]
    Timeout,
}

/// The largest whole answer: room for some generated images.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// The whole body, if it is there by `until`.
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
            // Most answers come in one piece, which then is not copied.
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

/// The body piece by piece; more than `idle` between two pieces ends it with an error.
pub(super) fn chunks(
    body: UpstreamBody,
    idle: Duration,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    let frames = BodyStream::new(body).filter_map(|frame| async {
        match frame {
            Ok(frame) => frame.into_data().ok().map(Ok),
            Err(_) => Some(Err(BodyError::Broken)),
        }
    });
    let frames = Box::pin(frames);
    futures_util::stream::unfold(Some(frames), move |frames| async move {
        let mut frames = frames?;
        match tokio::time::timeout(idle, frames.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(frames))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_elapsed) => Some((Err(BodyError::Timeout), None)),
        }
    })
}
