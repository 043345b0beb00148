//! The body of Google's image requests.

use latchkey_contract::ProviderId;
use serde::Serialize;

use crate::encode::{EncodeError, LongText, with_options, write_sized};
use crate::images::{Call, rules, size_hint};

/// Writes the body.
pub(in crate::images) fn encode(call: &Call<'_>) -> Result<Vec<u8>, EncodeError> {
    let request = call.request;
    if request.count > 1 {
        return rules::unsupported("count", "must be at most 1 at this provider");
    }
    rules::refuse_if_set("quality", &request.quality)?;
    rules::refuse_if_set("background", &request.background)?;
    if call.target.provider == ProviderId::Google {
        // Only Vertex AI has a choice of formats.
        rules::refuse_if_set("mime_type", &request.mime_type)?;
    }
    let options = (!request.mime_type.is_empty()).then_some(ImageOutputOptions {
        mime_type: &request.mime_type,
    });
    let config = ImageConfig {
        aspect_ratio: &request.aspect_ratio,
        image_size: &request.size,
        image_output_options: options,
    };
    let body = Body {
        contents: [Content {
            parts: [Part {
                text: LongText(&request.prompt),
            }],
            role: "user",
        }],
        generation_config: GenerationConfig {
            // Not every model accepts `IMAGE` alone, and the text explains a missing image.
            response_modalities: ["TEXT", "IMAGE"],
            image_config: (!config.is_empty()).then_some(config),
        },
    };
    let body = write_sized(size_hint(request), &body);
    with_options(body, request.provider_options.as_ref(), &[])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    contents: [Content<'a>; 1],
    generation_config: GenerationConfig<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Part<'a>; 1],
    role: &'static str,
}

#[derive(Serialize)]
struct Part<'a> {
    text: LongText<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    response_modalities: [&'static str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    image_config: Option<ImageConfig<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageConfig<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    aspect_ratio: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    image_size: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_output_options: Option<ImageOutputOptions<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageOutputOptions<'a> {
    mime_type: &'a str,
}

impl ImageConfig<'_> {
    fn is_empty(&self) -> bool {
        self.aspect_ratio.is_empty()
            && self.image_size.is_empty()
            && self.image_output_options.is_none()
    }
}
