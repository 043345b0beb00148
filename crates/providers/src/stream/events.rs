//! Server-sent events (WHATWG HTML, 9.2), one at a time, each of a limited size.

use std::error::Error;
use std::future::ready;
use std::str::Utf8Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sse_stream::{Sse, SseByteStream};

use crate::error::{ErrorClass, ProviderError};

/// An event with data.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SseEvent {
    /// The type. None when the server named none.
    pub event: Option<String>,
    /// The data, with lines joined by line feeds.
    pub data: String,
}

/// Why a body has no more events.
#[derive(Debug, thiserror::Error)]
pub enum SseError {
    /// The body could not be read to its end.
    #[error("the response body ended early")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    /// An event is larger than [`MAX_EVENT_BYTES`].
    #[error("an event is larger than {MAX_EVENT_BYTES} bytes")]
    TooLarge,
    /// A field is not UTF-8.
    #[error("an event is not UTF-8")]
    Utf8(#[source] Utf8Error),
}

/// The maximum size of an event, which may hold an image in base64.
pub const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// Parses the events of a body. Comments and events without data are skipped. An event that is not
/// complete at the end of the body is dropped.
pub fn events<S, E>(body: S) -> impl Stream<Item = Result<SseEvent, SseError>>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    // The parser does not limit sizes, so the bytes since the last event are counted here.
    let fed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fed);
    let body = body.map(move |chunk| {
        let chunk = chunk.map_err(|error| ReadError::Body(error.into()))?;
        let before = count.fetch_add(chunk.len(), Ordering::Relaxed);
        if before > MAX_EVENT_BYTES {
            return Err(ReadError::TooLarge);
        }
        Ok(chunk)
    });
    SseByteStream::new(body).filter_map(move |event| {
        fed.store(0, Ordering::Relaxed);
        ready(match event {
            Ok(Sse { event, data, .. }) => data.map(|data| Ok(SseEvent { event, data })),
            Err(error) => Some(Err(SseError::from(error))),
        })
    })
}

/// Errors of the body that the parser passes on.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the response body ended early")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    #[error("too large")]
    TooLarge,
}

impl From<sse_stream::Error> for SseError {
    fn from(error: sse_stream::Error) -> Self {
        match error {
            sse_stream::Error::Utf8Parse(error) => Self::Utf8(error),
            sse_stream::Error::Body(error) => match error.downcast::<ReadError>() {
                Ok(error) => match *error {
                    ReadError::Body(error) => Self::Body(error),
                    ReadError::TooLarge => Self::TooLarge,
                },
                Err(error) => Self::Body(error),
            },
            other => Self::Body(Box::new(other)),
        }
    }
}

impl From<SseError> for ProviderError {
    fn from(error: SseError) -> Self {
        // A body error may contain hosts and addresses, so only its kind is kept.
        let class = match error {
            SseError::Body(_) => ErrorClass::Truncated,
            SseError::TooLarge | SseError::Utf8(_) => ErrorClass::Malformed,
        };
        Self::new(class, error.to_string())
    }
}

#[cfg(test)]
mod tests;
