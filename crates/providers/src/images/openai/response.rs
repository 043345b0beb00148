//! The body of OpenAI's image answers.

use latchkey_contract::ProviderId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage;
use crate::decode::Undecodable;
use crate::images::format::Format;
use crate::images::image_data::{self, Hints};
use crate::images::{Images, Reader};
use crate::json::Text;
use crate::money;

/// Decodes the images.
pub(in crate::images) fn decode(reader: Reader, body: &[u8]) -> Result<Images, Undecodable> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    if answer.error.is_some() {
        return Err(Undecodable);
    }
    let format = answer.output_format.unwrap_or_default();
    let mut images = Vec::new();
    for item in answer.data.ok_or(Undecodable)? {
        let mime_type = item.media_type.unwrap_or_default();
        let hints = Hints {
            mime_type: &mime_type,
            answered: Format::of_openai_name(&format),
            requested: reader.requested,
        };
        let data = item.b64_json.filter(|data| !data.is_empty());
        let url = item.url.filter(|url| !url.is_empty());
        let mut image = match (data, url) {
            (Some(data), _) => image_data::of_base64(&data, hints)?,
            (None, Some(url)) => image_data::of_url(&url, hints)?,
            // Withheld, for example by Azure's content filter.
            (None, None) => continue,
        };
        image.revised_prompt = item.revised_prompt.unwrap_or_default().into_owned();
        images.push(image);
    }
    if images.is_empty() {
        return Err(Undecodable);
    }
    let openrouter = reader.provider == ProviderId::OpenRouter;
    Ok(Images {
        usage: usage::read(answer.usage, answer.svg_usage, images.len()),
        images,
        model: answer.model.unwrap_or_default().into_owned(),
        service_tier: service_tier(answer.usage),
        cost_nanos: openrouter.then(|| money::cost_in(answer.usage)).flatten(),
    })
}

/// Reads OpenRouter's service tier from its usage.
fn service_tier(usage: Option<&RawValue>) -> String {
    let tiered = usage.and_then(|usage| serde_json::from_str::<Tiered<'_>>(usage.get()).ok());
    let tier = tiered.and_then(|tiered| tiered.service_tier);
    tier.unwrap_or_default().into_owned()
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Vec<Item<'a>>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    output_format: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    svg_usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    b64_json: Option<Text<'a>>,
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow)]
    revised_prompt: Option<Text<'a>>,
    #[serde(borrow)]
    media_type: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Tiered<'a> {
    #[serde(borrow)]
    service_tier: Option<Text<'a>>,
}
