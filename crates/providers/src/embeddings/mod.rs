//! Vectors: what texts mean, as numbers.
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

/// A request for vectors and everything it depends on. It holds a key and has no `Debug`.
pub struct Call<'a> {
    /// Whom to ask, where and as whom.
    pub target: Target<'a>,
    /// Which model, as the provider names it; at Azure, the deployment.
    pub model: &'a str,
    /// What for.
    pub request: &'a EmbedRequest,
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
    inputs: usize,
    dimensions: Option<usize>,
}

/// Vectors, one for each input, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// The vectors, all of one length, as the provider gave them: not normalised here.
    pub vectors: Vec<Vec<f32>>,
    /// The model that answered, as the provider named it; empty when it did not.
    pub model: String,
    /// What was used. None when nobody told.
    pub usage: Option<Usage>,
    /// What the provider says the call cost, in nano-US-dollars. None when it does not.
    pub cost_nanos: Option<i64>,
}

/// Writes a request. Refused where the provider makes no vectors.
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
    /// Reads the vectors. There must be as many as inputs, of the length that was asked for: some
    /// servers ignore what they do not know, and a vector of another length fits nowhere.
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
            let message = format!("a vector of {other} numbers where {length} were due");
            return Err(error::mismatched(reply, &message));
        }
        Ok(embeddings)
    }
}

/// The forms that vectors are asked for in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// OpenAI's, and of whatever is compatible with it.
    OpenAi,
    /// Google's, for many texts.
    BatchEmbedContents,
    /// Google's, for one.
    EmbedContent,
    /// Vertex's older one.
    Predict,
}

impl Form {
    fn of(call: &Call<'_>) -> Result<Self, EncodeError> {
        Ok(match call.target.provider {
            ProviderId::Azure
            | ProviderId::Custom
            | ProviderId::OpenAi
            | ProviderId::OpenRouter => Self::OpenAi,
            // As Google's SDK tells them apart.
            ProviderId::Vertex if !call.model.contains("gemini") => Self::Predict,
            ProviderId::Vertex if call.request.inputs.len() == 1 => Self::EmbedContent,
            ProviderId::Google | ProviderId::Vertex => Self::BatchEmbedContents,
            ProviderId::Anthropic | ProviderId::DeepSeek => {
                return refuse(
                    "provider",
                    EncodeErrorKind::UnsupportedByProvider,
                    "makes no vectors",
                );
            }
        })
    }

    /// What Google calls it, in paths.
    fn method(self) -> &'static str {
        match self {
            Self::OpenAi => "",
            Self::BatchEmbedContents => "batchEmbedContents",
            Self::EmbedContent => "embedContent",
            Self::Predict => "predict",
        }
    }
}

/// About how many bytes a body will have.
fn size_hint(request: &EmbedRequest) -> usize {
    const AROUND_AN_INPUT: usize = 128;
    const AROUND_ALL: usize = 256;
    let inputs = request.inputs.iter();
    let inputs: usize = inputs
        .map(|input| AROUND_AN_INPUT + input.len() + input.len() / 8)
        .sum();
    AROUND_ALL + inputs
}
