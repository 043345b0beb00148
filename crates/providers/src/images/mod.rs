//! Pictures after a prompt.
//!
//! A call goes [`request`] → HTTP → [`Reader::read`].

mod format;
mod google;
mod openai;
mod picture;
mod rules;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{GenerateImagesRequest, GeneratedImage, Usage};

use crate::decode;
use crate::encode::{self, EncodeError, EncodeErrorKind, Endpoint, WireRequest, refuse};
use crate::reply::Reply;
use crate::{ErrorClass, ProviderError, Target, error};
use format::Format;

/// A request for pictures and everything it depends on. It holds a key and has no `Debug`.
pub struct Call<'a> {
    /// Whom to ask, where and as whom.
    pub target: Target<'a>,
    /// Which model, as the provider names it; at Azure, the deployment.
    pub model: &'a str,
    /// What for.
    pub request: &'a GenerateImagesRequest,
}

/// A request and how its answer is read.
pub struct Exchange {
    /// What to send.
    pub request: WireRequest,
    /// What reads the answer.
    pub reader: Reader,
}

/// Reads the answer to the request that it came with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reader {
    provider: ProviderId,
    form: Form,
    /// The form of the files that was asked for, if it is one we know.
    requested: Option<Format>,
}

/// Pictures, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// The pictures. There may be fewer than were asked for: providers withhold some.
    pub images: Vec<GeneratedImage>,
    /// The model that answered, as the provider named it; empty when it did not.
    pub model: String,
    /// What was used. None when nobody told.
    pub usage: Option<Usage>,
    /// The service tier that the provider says it served the call in; empty when it says nothing.
    pub service_tier: String,
    /// What the provider says the call cost, in nano-US-dollars. None when it does not.
    pub cost_nanos: Option<i64>,
}

/// Writes a request. Refused where the provider makes no pictures.
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
    /// Reads the pictures. An answer in which the provider or its model declines is an error, with
    /// the words it has for it.
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

/// What came of a request that was served.
enum Outcome {
    Made(Images),
    Declined {
        class: ErrorClass,
        code: String,
        message: String,
    },
}

/// The forms that pictures are asked for in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// OpenAI's, and of whatever is compatible with it.
    OpenAi,
    /// An answer of Google's that holds pictures.
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
                "makes no pictures",
            ),
        }
    }
}

/// About how many bytes a body will have.
fn size_hint(request: &GenerateImagesRequest) -> usize {
    const AROUND: usize = 384;
    AROUND + request.prompt.len() + request.prompt.len() / 8
}
