//! Calls whose messages are bytes: any method, with anything in it.

use std::str::FromStr as _;

use http::uri::PathAndQuery;
use prost::bytes::{Buf as _, BufMut as _};
use tokio_stream::once;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};

use super::Vault;
use super::vault::Who;

impl Vault {
    /// Calls the method at `path` with `message`, and returns the first answer.
    pub(crate) async fn call(&self, who: Who, path: &str, message: &[u8]) -> Result<(), Status> {
        let mut grpc = Grpc::new(self.channel(who));
        grpc.ready()
            .await
            .map_err(|error| Status::from_error(Box::new(error)))?;
        let path = PathAndQuery::from_str(path).unwrap();
        // A server does not see whether its client means to stream.
        let request = Request::new(once(message.to_vec()));
        let answers = grpc.streaming(request, path, Bytes).await?;
        answers.into_inner().message().await.map(drop)
    }
}

#[derive(Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}
