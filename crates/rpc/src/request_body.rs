//! The body of a request, in which a stream that its sender did not finish ends in an error.
//!
//! A stream may be reset: by a sender that was dropped, by a proxy whose client vanished, by a
//! deadline. hyper ends the body without an error when the reset has the code `NO_ERROR`, and tonic
//! when it has `CANCEL`. A reader could not tell a broken peer from one that finished.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

/// A body that ends in an error unless its sender finished it.
pub(super) struct RequestBody {
    inner: Body,
    reported: bool,
}

impl RequestBody {
    pub(super) fn wrap(inner: Body) -> Body {
        Body::new(Self {
            inner,
            reported: false,
        })
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner)
            .poll_frame(context)
            .map(|frame| match frame {
                Some(Err(status)) if status.code() == Code::Cancelled => Some(Err(cut_off())),
                None if !self.inner.is_end_stream() && !self.reported => {
                    self.reported = true;
                    Some(Err(cut_off()))
                }
                frame => frame,
            })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn cut_off() -> Status {
    Status::unavailable("the request stream was cut off before its sender finished it")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that ends as its fields say.
    struct Ends {
        with: Option<Code>,
        by_its_sender: bool,
    }

    impl HttpBody for Ends {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.with.map(|code| Err(Status::new(code, ""))))
        }

        fn is_end_stream(&self) -> bool {
            self.by_its_sender
        }
    }

    fn end(with: Option<Code>, by_its_sender: bool) -> Option<Code> {
        let inner = Body::new(Ends {
            with,
            by_its_sender,
        });
        let mut body = RequestBody {
            inner,
            reported: false,
        };
        let mut context = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(&mut context) else {
            panic!("it is over")
        };
        frame.map(|frame| frame.err().map_or(Code::Ok, |status| status.code()))
    }

    #[test]
    fn a_sender_that_finishes_ends_the_body() {
        assert_eq!(end(None, true), None);
    }

    #[test]
    fn a_sender_that_is_cut_off_is_an_error() {
        assert_eq!(end(None, false), Some(Code::Unavailable));
        assert_eq!(end(Some(Code::Cancelled), false), Some(Code::Unavailable));
    }

    #[test]
    fn another_error_stays_as_it_is() {
        assert_eq!(end(Some(Code::Internal), false), Some(Code::Internal));
    }
}
