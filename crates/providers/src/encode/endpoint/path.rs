//! The paths of each provider, below the base address.

use std::borrow::Cow;

use latchkey_contract::ProviderId;

use super::super::{EncodeError, EncodeErrorKind, refuse};
use super::Endpoint;
use crate::{Api, Target};

/// The path and query.
pub(super) fn path(
    endpoint: Endpoint<'_>,
    target: &Target<'_>,
) -> Result<Cow<'static, str>, EncodeError> {
    match target.provider {
        ProviderId::Anthropic => Ok(anthropic(endpoint)),
        ProviderId::Azure => azure(endpoint, target.api_version),
        ProviderId::Custom | ProviderId::OpenAi => Ok(openai(endpoint)),
        ProviderId::DeepSeek => Ok(match endpoint {
            Endpoint::Check => "/user/balance".into(),
            other => openai(other),
        }),
        ProviderId::Google => google(endpoint),
        ProviderId::OpenRouter => Ok(match endpoint {
            // Its list of models is public and proves nothing.
            Endpoint::Check => "/key".into(),
            Endpoint::Images { .. } => "/images".into(),
            // Models that give text are all that it lists unasked.
            Endpoint::Models { .. } => "/models?output_modalities=all".into(),
            other => openai(other),
        }),
        ProviderId::Vertex => vertex(endpoint, target),
    }
}

fn openai(endpoint: Endpoint<'_>) -> Cow<'static, str> {
    Cow::Borrowed(match endpoint {
        Endpoint::Check | Endpoint::Models { .. } => "/models",
        // Responses alone has a way to count.
        Endpoint::CountTokens { .. } => "/responses/input_tokens",
        Endpoint::Embed { .. } => "/embeddings",
        Endpoint::Generate {
            api: Api::Responses,
            ..
        } => "/responses",
        Endpoint::Generate { .. } => "/chat/completions",
        Endpoint::Images { .. } => "/images/generations",
    })
}

fn anthropic(endpoint: Endpoint<'_>) -> Cow<'static, str> {
    match endpoint {
        Endpoint::Check => "/v1/models?limit=1".into(),
        Endpoint::CountTokens { .. } => "/v1/messages/count_tokens".into(),
        Endpoint::Models { page_token: "" } => "/v1/models?limit=1000".into(),
        Endpoint::Models { page_token } => {
            format!("/v1/models?limit=1000&after_id={}", query(page_token)).into()
        }
        Endpoint::Embed { .. } | Endpoint::Generate { .. } | Endpoint::Images { .. } => {
            "/v1/messages".into()
        }
    }
}

/// Azure's v1 API names the deployment in the body, and takes no version but a word such as
/// `preview`; the older addresses name it in the path, and want their date.
fn azure(endpoint: Endpoint<'_>, api_version: &str) -> Result<Cow<'static, str>, EncodeError> {
    let dated = api_version.starts_with(|first: char| first.is_ascii_digit());
    if !dated {
        let path = openai(endpoint);
        let version = match api_version {
            "" => String::new(),
            word => format!("?api-version={}", query(word)),
        };
        return Ok(format!("/openai/v1{path}{version}").into());
    }
    let path = match endpoint {
        Endpoint::Check | Endpoint::Models { .. } => "/openai/models".to_owned(),
        Endpoint::CountTokens { .. } => "/openai/responses/input_tokens".to_owned(),
        Endpoint::Generate {
            api: Api::Responses,
            ..
        } => "/openai/responses".to_owned(),
        Endpoint::Embed { model, .. }
        | Endpoint::Generate { model, .. }
        | Endpoint::Images { model } => {
            let below = openai(endpoint);
            format!("/openai/deployments/{}{below}", segment(model)?)
        }
    };
    Ok(format!("{path}?api-version={}", query(api_version)).into())
}

fn google(endpoint: Endpoint<'_>) -> Result<Cow<'static, str>, EncodeError> {
    Ok(match endpoint {
        Endpoint::Check => "/v1beta/models?pageSize=1".into(),
        Endpoint::Models { page_token: "" } => "/v1beta/models?pageSize=1000".into(),
        Endpoint::Models { page_token } => format!(
            "/v1beta/models?pageSize=1000&pageToken={}",
            query(page_token)
        )
        .into(),
        Endpoint::CountTokens { model, .. } => {
            format!("/v1beta/models/{}:countTokens", segment(model)?).into()
        }
        Endpoint::Embed { model, method } => {
            format!("/v1beta/models/{}:{method}", segment(model)?).into()
        }
        Endpoint::Images { model } => {
            format!("/v1beta/models/{}:generateContent", segment(model)?).into()
        }
        Endpoint::Generate { model, stream, .. } => {
            format!("/v1beta/models/{}:{}", segment(model)?, method(stream)).into()
        }
    })
}

fn vertex(endpoint: Endpoint<'_>, target: &Target<'_>) -> Result<Cow<'static, str>, EncodeError> {
    let publishers = format!(
        "/v1/projects/{}/locations/{}/publishers",
        segment_of("cloud_project", target.cloud_project)?,
        segment_of("location", target.location)?,
    );
    Ok(match endpoint {
        Endpoint::Check => "/v1beta1/publishers/google/models?pageSize=1".into(),
        Endpoint::Models { page_token: "" } => {
            "/v1beta1/publishers/google/models?pageSize=100".into()
        }
        Endpoint::Models { page_token } => format!(
            "/v1beta1/publishers/google/models?pageSize=100&pageToken={}",
            query(page_token)
        )
        .into(),
        Endpoint::CountTokens {
            api: Api::Messages, ..
        } => format!("{publishers}/anthropic/models/count-tokens:rawPredict").into(),
        Endpoint::CountTokens { model, .. } => {
            format!("{publishers}/google/models/{}:countTokens", segment(model)?).into()
        }
        Endpoint::Embed { model, method } => {
            format!("{publishers}/google/models/{}:{method}", segment(model)?).into()
        }
        Endpoint::Generate {
            api: Api::Messages,
            model,
            stream,
        } => {
            let method = if stream {
                "streamRawPredict"
            } else {
                "rawPredict"
            };
            format!("{publishers}/anthropic/models/{}:{method}", segment(model)?).into()
        }
        Endpoint::Generate { model, stream, .. } => format!(
            "{publishers}/google/models/{}:{}",
            segment(model)?,
            method(stream)
        )
        .into(),
        Endpoint::Images { model } => format!(
            "{publishers}/google/models/{}:generateContent",
            segment(model)?
        )
        .into(),
    })
}

fn method(stream: bool) -> &'static str {
    if stream {
        "streamGenerateContent?alt=sse"
    } else {
        "generateContent"
    }
}

/// A model's name as a segment of a path. Names that would need escaping are nobody's.
fn segment(model: &str) -> Result<&str, EncodeError> {
    segment_of("model", model)
}

fn segment_of<'a>(field: &'static str, text: &'a str) -> Result<&'a str, EncodeError> {
    // RFC 3986, 3.3, without what is reserved there but for `@`, `:` and `.`.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:".contains(&byte);
    let dots = text.bytes().all(|byte| byte == b'.');
    if text.bytes().all(allowed) && !dots {
        Ok(text)
    } else {
        refuse(
            field,
            EncodeErrorKind::Invalid,
            "has characters that no name at this provider has",
        )
    }
}

/// A value in a query, percent-encoded (RFC 3986, 2.1).
fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
