//! Embeddings: texts as vectors.
//!
//! A call goes [`request`] → HTTP → [`Reader::read`].

mod content;
mod openai;
mod predict;
mod rules;
mod vector;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{EmbedRequest, Usage};

use crate::decode;
use crate::encode::{self, EncodeError, EncodeErrorKind, Endpoint, WireRequest, refuse};
use crate::reply::Reply;
use crate::{ProviderError, Target, error};

/// An embedding request and everything that encoding it depends on. It holds a key, so it has no
/// `Debug`.
pub struct Call<'a> {
    /// The provider, its address and the credential.
    pub target: Target<'a>,
    /// The provider's name of the model. At Azure, the name of the deployment.
    pub model: &'a str,
    /// The neutral request.
    pub request: &'a EmbedRequest,
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
    inputs: usize,
    dimensions: Option<usize>,
}

/// One vector per input, in the order of the inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// The vectors, all of the same length, as the provider sent them. They are not normalised
    /// here.
    pub vectors: Vec<Vec<f32>>,
    /// The model that answered, by the provider's name. Empty when the answer has none.
    pub model: String,
    /// Usage. None when the provider did not report it.
    pub usage: Option<Usage>,
    /// The cost by the provider's answer, in nano-US-dollars. None when the answer has none.
    pub cost_nanos: Option<i64>,
}

/// Encodes a request. Refused if the provider has no embeddings.
pub fn request(call: &Call<'_>) -> Result<Exchange, EncodeError> {
    rules::check(call)?;
    let form = Form::of(call)?;
    let body = match form {
        Form::OpenAi => openai::encode(call)?,
        Form::BatchEmbedContents => content::encode_batch(call)?,
        Form::EmbedContent => content::encode_single(call)?,
        Form::Predict => predict::encode(call)?,
    };
    let endpoint = Endpoint::Embed {
        model: call.model,
        method: form.method(),
    };
    let dimensions = call.request.dimensions;
    Ok(Exchange {
        request: encode::post(&call.target, endpoint, body)?,
        reader: Reader {
            provider: call.target.provider,
            form,
            inputs: call.request.inputs.len(),
            dimensions: dimensions.and_then(|length| usize::try_from(length).ok()),
        },
    })
}

impl Reader {
    /// Decodes the vectors. Their number must equal the number of inputs, and their length the
    /// requested dimensions: some servers ignore unknown fields.
    pub fn read(self, reply: &Reply<'_>) -> Result<Embeddings, ProviderError> {
        let embeddings = decode::read(self.provider, reply, |body| match self.form {
            Form::OpenAi => openai::decode(self.provider, body),
            Form::BatchEmbedContents | Form::EmbedContent => content::decode(body),
            Form::Predict => predict::decode(body),
        })?;
        let (found, expected) = (embeddings.vectors.len(), self.inputs);
        if found != expected {
            let message = format!("{found} vectors for {expected} inputs");
            return Err(error::mismatched(reply, &message));
        }
        let first = embeddings.vectors.first().map(Vec::len);
        let length = self.dimensions.or(first).unwrap_or_default();
        let other = embeddings.vectors.iter().map(Vec::len);
        if let Some(other) = other.into_iter().find(|other| *other != length) {
            let message = format!("a vector of {other} numbers instead of {length}");
            return Err(error::mismatched(reply, &message));
        }
        Ok(embeddings)
    }
}

/// The forms of embedding requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// OpenAI's, also at compatible servers.
    OpenAi,
    /// Google's, for several texts.
    BatchEmbedContents,
    /// Google's, for one text.
    EmbedContent,
    /// Vertex AI's older form.
    Predict,
}

impl Form {
    fn of(call: &Call<'_>) -> Result<Self, EncodeError> {
        Ok(match call.target.provider {
            ProviderId::Azure
            | ProviderId::Custom
            | ProviderId::OpenAi
            | ProviderId::OpenRouter => Self::OpenAi,
            // Google's SDK distinguishes the models in the same way.
            ProviderId::Vertex if !call.model.contains("gemini") => Self::Predict,
            ProviderId::Vertex if call.request.inputs.len() == 1 => Self::EmbedContent,
            ProviderId::Google | ProviderId::Vertex => Self::BatchEmbedContents,
            ProviderId::Anthropic | ProviderId::DeepSeek => {
                return refuse(
                    "provider",
                    EncodeErrorKind::UnsupportedByProvider,
                    "the provider has no embeddings",
                );
            }
        })
    }

    /// The name of the method in Google's paths.
    fn method(self) -> &'static str {
        match self {
            Self::OpenAi => "",
            Self::BatchEmbedContents => "batchEmbedContents",
            Self::EmbedContent => "embedContent",
            Self::Predict => "predict",
        }
    }
}

/// Estimates the size of the body in bytes.
fn size_hint(request: &EmbedRequest) -> usize {
    const INPUT_OVERHEAD: usize = 128;
    const BODY_OVERHEAD: usize = 256;
    let inputs: usize = request
        .inputs
        .iter()
        .map(|input| INPUT_OVERHEAD + input.len() + input.len() / 8)
        .sum();
    BODY_OVERHEAD + inputs
}
