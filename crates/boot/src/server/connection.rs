//! Accepted connections: a stream that survives errors, of connections that can be cut.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// The pause before the next attempt to accept, in which other tasks may close files.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// The connections of `accepted`, each of which ends when `cut` is cancelled.
///
/// An error of `accept` concerns one connection, or means that the process is out of files or
/// memory (EMFILE, ENFILE, ENOBUFS, ENOMEM). Neither is a reason to stop listening. The latter
/// repeats at once while the connection waits, so it is followed by a pause.
pub(super) fn incoming(
    accepted: impl Stream<Item = io::Result<TcpStream>>,
    cut: CancellationToken,
) -> impl Stream<Item = Result<Connection, Infallible>> {
    let state = (Box::pin(accepted), cut);
    stream::unfold(state, |(mut accepted, cut)| async move {
        loop {
            match accepted.next().await? {
                Ok(socket) => {
                    let connection = Connection::new(socket, &cut);
                    return Some((Ok(connection), (accepted, cut)));
                }
                Err(error) if concerns_one_connection(&error) => {
                    tracing::debug!(%error, "a connection was lost before it was accepted");
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    })
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// A TCP connection whose reads and writes fail once it is cut, whatever its peer does.
pub(super) struct Connection {
    socket: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Connection {
    fn new(socket: TcpStream, cut: &CancellationToken) -> Self {
        // A child token: polls of other connections don't queue for the same lock.
        let cut = Box::pin(cut.child_token().cancelled_owned());
        Self { socket, cut }
    }

    /// The socket, unless the connection is cut. Registers for the cut, so that a read or write
    /// that waits for the peer is woken by it.
    fn poll_socket(&mut self, cx: &mut Context<'_>) -> Result<Pin<&mut TcpStream>, io::ErrorKind> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted),
            Poll::Pending => Ok(Pin::new(&mut self.socket)),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.socket.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_socket(cx)?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_socket(cx)?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_socket(cx)?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_socket(cx)?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        (ours.unwrap(), theirs.unwrap().0)
    }

    #[tokio::test(start_paused = true)]
    async fn accepting_continues_after_the_process_ran_out_of_files() {
        const EMFILE: i32 = 24;
        let (socket, _peer) = pair().await;
        let accepted = stream::iter([
            Err(io::Error::from_raw_os_error(EMFILE)),
            Err(io::ErrorKind::ConnectionAborted.into()),
            Ok(socket),
        ]);
        let start = tokio::time::Instant::now();
        let connections = incoming(accepted, CancellationToken::new());
        assert_eq!(connections.count().await, 1);
        assert_eq!(start.elapsed(), EXHAUSTED_PAUSE);
    }

    #[tokio::test]
    async fn a_pending_read_fails_when_the_connection_is_cut() {
        let (socket, _peer) = pair().await;
        let cut = CancellationToken::new();
        let mut connection = Connection::new(socket, &cut);
        let mut byte = [0];
        {
            let mut reading = std::pin::pin!(connection.read(&mut byte));
            assert!(futures_util::poll!(&mut reading).is_pending());
            cut.cancel();
            let error = reading.await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        }
        assert!(connection.write(&[0]).await.is_err());
    }
}
