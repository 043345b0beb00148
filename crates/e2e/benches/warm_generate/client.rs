//! The caller's side: gRPC over a few shared HTTP/2 connections. Messages are encoded in advance, so
//! that the core shared with the mock is not the busy one.

use std::net::SocketAddr;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use latchkey_boot::exit::Failure;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::part_delta::Delta;
use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::{
    GenerateResponse, StreamGenerateRequest, StreamGenerateResponse,
};
use prost::Message as _;
use tokio::net::TcpStream;

use crate::load::Shape;
use crate::services::CALLER_TOKEN;
use crate::transcript;

/// Sharing a connection makes each call cheaper, up to this many workers.
pub(crate) const CONNECTIONS: usize = 4;

/// A caller of one contestant.
pub(crate) struct Client {
    connections: Vec<http2::SendRequest<Full<Bytes>>>,
    uri: Uri,
    headers: HeaderMap,
    message: Bytes,
    streamed: bool,
    expected: Expected,
}

/// The expected answer.
pub(crate) struct Expected {
    pub(crate) text: String,
    /// Whether a stream ends with the whole answer.
    pub(crate) completed: bool,
}

impl Client {
    /// Opens so many connections to `address`, for calls of one shape.
    pub(crate) async fn connect(
        address: SocketAddr,
        connections: usize,
        shape: Shape,
        expected: Expected,
    ) -> Result<Self, Failure> {
        const WINDOW: u32 = 1024 * 1024;
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            let socket = TcpStream::connect(address).await.map_err(Failure::run)?;
            socket.set_nodelay(true).map_err(Failure::run)?;
            let mut http2 = http2::Builder::new(TokioExecutor::new());
            http2
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(8 * WINDOW);
            let handshake = http2.handshake(TokioIo::new(socket)).await;
            let (sender, connection) = handshake.map_err(Failure::run)?;
            tokio::spawn(connection);
            opened.push(sender);
        }
        let method = if shape.streamed {
            "StreamGenerate"
        } else {
            "Generate"
        };
        let uri = format!("http://{address}/latchkey.router.v1.InferenceService/{method}");
        let uri = uri.parse().map_err(Failure::run)?;
        let request = transcript::request(shape.prompt_bytes);
        let message = if shape.streamed {
            framed(&StreamGenerateRequest {
                request: Some(request),
            })
        } else {
            framed(&request)
        };
        let (headers, streamed) = (headers()?, shape.streamed);
        Ok(Self {
            connections: opened,
            uri,
            headers,
            message,
            streamed,
            expected,
        })
    }

    /// Begins a streamed call, and reads until its first piece.
    pub(crate) async fn open(&self, worker: usize) -> Result<Held, Failure> {
        let mut body = self.send(worker).await?;
        let mut bytes = BytesMut::new();
        loop {
            let Some(frame) = body.frame().await else {
                return Err(Failure::run("a stream ended before its first piece"));
            };
            match frame.map_err(Failure::run)?.into_data() {
                Ok(data) => bytes.unsplit(BytesMut::from(data)),
                Err(frame) => check_status(frame.trailers_ref().unwrap_or(&HeaderMap::new()))?,
            }
            if next(&mut bytes).is_some() {
                return Ok(Held { _body: body });
            }
        }
    }

    async fn send(&self, worker: usize) -> Result<Incoming, Failure> {
        let mut request = Request::new(Full::new(self.message.clone()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let mut connection = self.connections[worker % self.connections.len()].clone();
        let response = connection
            .send_request(request)
            .await
            .map_err(Failure::run)?;
        check_status(response.headers())?;
        Ok(response.into_body())
    }

    /// Makes a call and checks its answer.
    pub(crate) async fn call(&self, worker: usize) -> Result<(), Failure> {
        let mut body = self.send(worker).await?;
        let (mut bytes, mut said) = (BytesMut::new(), Said::default());
        while let Some(frame) = body.frame().await {
            match frame.map_err(Failure::run)?.into_data() {
                Ok(data) => {
                    bytes.unsplit(BytesMut::from(data));
                    while let Some(message) = next(&mut bytes) {
                        said.add(message, self.streamed)?;
                    }
                }
                Err(frame) => check_status(frame.trailers_ref().unwrap_or(&HeaderMap::new()))?,
            }
        }
        let whole = !self.streamed || said.completed == self.expected.completed;
        if whole && said.text == self.expected.text {
            Ok(())
        } else {
            Err(Failure::run(format!("a wrong answer: {}", said.text)))
        }
    }
}

/// A stream that is open until it is dropped.
pub(crate) struct Held {
    _body: Incoming,
}

#[derive(Default)]
struct Said {
    text: String,
    completed: bool,
}

impl Said {
    fn add(&mut self, message: Bytes, streamed: bool) -> Result<(), Failure> {
        if streamed {
            let piece = StreamGenerateResponse::decode(message).map_err(Failure::run)?;
            match piece.event {
                Some(Event::Completed(_)) => self.completed = true,
                Some(Event::Delta(delta)) => {
                    if let Some(Delta::Text(text)) = delta.delta {
                        self.text.push_str(&text);
                    }
                }
                None => {}
            }
        } else {
            let answer = GenerateResponse::decode(message).map_err(Failure::run)?;
            for part in answer.message.unwrap_or_default().parts {
                if let Some(Content::Text(text)) = part.content {
                    self.text.push_str(&text);
                }
            }
        }
        Ok(())
    }
}

/// The prefix of a gRPC message: whether it is compressed, and its length.
const PREFIX: usize = 5;

fn framed(message: &impl prost::Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX + length);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    bytes.put(message.encode_to_vec().as_slice());
    bytes.freeze()
}

fn next(bytes: &mut BytesMut) -> Option<Bytes> {
    let mut prefix = bytes.get(1..PREFIX)?;
    let length = usize::try_from(prefix.get_u32()).ok()?;
    if bytes.len() < PREFIX + length {
        return None;
    }
    bytes.advance(PREFIX);
    Some(bytes.split_to(length).freeze())
}

fn headers() -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let token = format!("Bearer {CALLER_TOKEN}")
        .parse()
        .map_err(Failure::run)?;
    headers.insert(AUTHORIZATION, token);
    Ok(headers)
}

fn check_status(headers: &HeaderMap) -> Result<(), Failure> {
    match tonic::Status::from_header_map(headers) {
        Some(status) if status.code() != tonic::Code::Ok => Err(Failure::run(status)),
        _ => Ok(()),
    }
}
