//! Image generation.
//!
//! A call goes [`request`] → HTTP → [`Reader::read`].

mod format;
mod google;
mod image_data;
mod openai;
mod rules;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{GenerateImagesRequest, GeneratedImage, Usage};

use crate::decode;
use crate::encode::{self, EncodeError, EncodeErrorKind, Endpoint, WireRequest, refuse};
use crate::reply::Reply;
use crate::{ErrorClass, ProviderError, Target, error};
use format::Format;

/// An image request and everything that encoding it depends on. It holds a key, so it has no
/// `Debug`.
pub struct Call<'a> {
    /// The provider, its address and the credential.
    pub target: Target<'a>,
    /// The provider's name of the model. At Azure, the name of the deployment.
    pub model: &'a str,
    /// The neutral request.
    pub request: &'a GenerateImagesRequest,
}

/// An encoded request and the reader of its answer.
pub struct Exchange {
    /// The HTTP request to send.
    pub request: WireRequest,
    /// Decodes the answer.
    pub reader: Reader,
}

/// Decodes the answer to the request of the same exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reader {
    provider: ProviderId,
    form: Form,
    /// The requested file format. None when it is unknown or not set.
    requested: Option<Format>,
}

/// At least one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// The images. There may be fewer than requested, because providers withhold some.
    pub images: Vec<GeneratedImage>,
    /// The model that answered, by the provider's name. Empty when the answer has none.
    pub model: String,
    /// Usage. None when the provider did not report it.
    pub usage: Option<Usage>,
    /// The service tier that served the call, by the provider's answer. Empty when the answer names
    /// none.
    pub service_tier: String,
    /// The cost by the provider's answer, in nano-US-dollars. None when the answer has none.
    pub cost_nanos: Option<i64>,
}

/// Encodes a request. Refused if the provider does not generate images.
pub fn request(call: &Call<'_>) -> Result<Exchange, EncodeError> {
    rules::check(call)?;
    let form = Form::of(call.target.provider)?;
    let body = match form {
        Form::OpenAi => openai::encode(call)?,
        Form::GenerateContent => google::encode(call)?,
    };
    let endpoint = Endpoint::Images { model: call.model };
    Ok(Exchange {
        request: encode::post(&call.target, endpoint, body)?,
        reader: Reader {
            provider: call.target.provider,
            form,
            requested: Format::of_mime_type(&call.request.mime_type),
        },
    })
}

impl Reader {
    /// Decodes the images. If the provider or its model declines, the error has its message.
    pub fn read(self, reply: &Reply<'_>) -> Result<Images, ProviderError> {
        let outcome = decode::read(self.provider, reply, |body| match self.form {
            Form::OpenAi => openai::decode(self, body).map(Outcome::Made),
            Form::GenerateContent => google::decode(self, body),
        })?;
        match outcome {
            Outcome::Made(images) => Ok(images),
            Outcome::Declined {
                class,
                code,
                message,
            } => Err(error::declined(reply, class, &code, &message)),
        }
    }
}

/// The result of a request that was served.
enum Outcome {
    Made(Images),
    Declined {
        class: ErrorClass,
        code: String,
        message: String,
    },
}

/// The forms of image requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// OpenAI's, also at compatible servers.
    OpenAi,
    /// Google's: an answer with images.
    GenerateContent,
}

impl Form {
    fn of(provider: ProviderId) -> Result<Self, EncodeError> {
        match provider {
            ProviderId::Azure
            | ProviderId::Custom
            | ProviderId::OpenAi
            | ProviderId::OpenRouter => Ok(Self::OpenAi),
            ProviderId::Google | ProviderId::Vertex => Ok(Self::GenerateContent),
            ProviderId::Anthropic | ProviderId::DeepSeek => refuse(
                "provider",
                EncodeErrorKind::UnsupportedByProvider,
                "the provider does not generate images",
            ),
        }
    }
}

/// Estimates the size of the body in bytes.
fn size_hint(request: &GenerateImagesRequest) -> usize {
    const BODY_OVERHEAD: usize = 384;
    BODY_OVERHEAD + request.prompt.len() + request.prompt.len() / 8
}
