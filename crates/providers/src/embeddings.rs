#![allow(missing_docs)]
use crate::decode::Reply;
use crate::encode::{EncodeError, WireRequest};
use crate::{ProviderError, Target};
use latchkey_contract::router::v1::{EmbedRequest, Usage};
pub struct Call<'a> {
    pub target: Target<'a>,
    pub model: &'a str,
    pub request: &'a EmbedRequest,
}
pub struct Exchange {
    pub request: WireRequest,
    pub reader: Reader,
}
#[derive(Clone, Copy)]
pub struct Reader;
pub struct Embeddings {
    pub vectors: Vec<Vec<f32>>,
    pub model: String,
    pub usage: Option<Usage>,
    pub cost_nanos: Option<i64>,
}
pub fn request(_c: &Call<'_>) -> Result<Exchange, EncodeError> {
    unimplemented!()
}
impl Reader {
    pub fn read(self, _r: &Reply<'_>) -> Result<Embeddings, ProviderError> {
        unimplemented!()
    }
}
