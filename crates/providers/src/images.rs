#![allow(missing_docs)]
use crate::decode::Reply;
use crate::encode::{EncodeError, WireRequest};
use crate::{ProviderError, Target};
use latchkey_contract::router::v1::{GenerateImagesRequest, GeneratedImage, Usage};
pub struct Call<'a> {
    pub target: Target<'a>,
    pub model: &'a str,
    pub request: &'a GenerateImagesRequest,
}
pub struct Exchange {
    pub request: WireRequest,
    pub reader: Reader,
}
#[derive(Clone, Copy)]
pub struct Reader;
pub struct Images {
    pub images: Vec<GeneratedImage>,
    pub model: String,
    pub usage: Option<Usage>,
    pub service_tier: String,
    pub cost_nanos: Option<i64>,
}
pub fn request(_c: &Call<'_>) -> Result<Exchange, EncodeError> {
    unimplemented!()
}
impl Reader {
    pub fn read(self, _r: &Reply<'_>) -> Result<Images, ProviderError> {
        unimplemented!()
    }
}
