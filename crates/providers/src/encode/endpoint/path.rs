//! The paths of each provider's API, relative to the base URL.

use std::borrow::Cow;

use latchkey_contract::ProviderId;

use super::super::{EncodeError, EncodeErrorKind, refuse};
use super::Endpoint;
use crate::{Api, Target};

/// Returns the path and query of an operation.
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
            // The list of models is public, so it does not prove that the key is valid.
            Endpoint::Check => "/key".into(),
            Endpoint::Images { .. } => "/images".into(),
            // By default the list has only models with text output.
            Endpoint::Models { .. } => "/models?output_modalities=all".into(),
            other => openai(other),
        }),
        ProviderId::Vertex => vertex(endpoint, target),
    }
}

fn openai(endpoint: Endpoint<'_>) -> Cow<'static, str> {
    Cow::Borrowed(match endpoint {
        Endpoint::Check | Endpoint::Models { .. } => "/models",
        // Only the Responses API counts tokens.
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

/// Azure's v1 API names the deployment in the body and accepts no version except keywords such as
/// `preview`. The older API names the deployment in the path and requires a dated version.
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
            let suffix = openai(endpoint);
            format!("/openai/deployments/{}{suffix}", segment(model)?)
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

/// Checks that a model name can be a path segment. No real name needs escaping.
fn segment(model: &str) -> Result<&str, EncodeError> {
    segment_of("model", model)
}

fn segment_of<'a>(field: &'static str, text: &'a str) -> Result<&'a str, EncodeError> {
    // The characters of RFC 3986, 3.3, except reserved ones other than `@` and `:`.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:".contains(&byte);
    let dots = text.bytes().all(|byte| byte == b'.');
    if text.bytes().all(allowed) && !dots {
        Ok(text)
    } else {
        refuse(
            field,
            EncodeErrorKind::Invalid,
            "has characters that are not allowed in a model name of this provider",
        )
    }
}

/// Percent-encodes a query value (RFC 3986, 2.1).
fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
