//! Tool results in the order of their calls, which is how Google tells apart two calls of one tool.

use std::borrow::Cow;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content as Neutral;
use latchkey_contract::router::v1::{Image, ToolResult, image};

use super::media::{inline, linked};
use super::part::{Content, Data, FunctionResponse, Outcome, ResponsePart, WireRole};
use crate::encode::{Call, EncodeError, EncodeErrorKind, part_field, refuse};

/// Calls that have no result yet.
#[derive(Default)]
pub(super) struct PendingResults<'a>(Vec<PendingCall<'a>>);

struct PendingCall<'a> {
    /// The id of the call in the conversation.
    id: &'a str,
    /// The id that Google gave the call, if any.
    wire_id: Option<&'a str>,
    name: &'a str,
    response: Option<FunctionResponse<'a>>,
}

impl<'a> PendingResults<'a> {
    /// Registers a call.
    pub(super) fn add_call(&mut self, id: &'a str, wire_id: Option<&'a str>, name: &'a str) {
        self.0.push(PendingCall {
            id,
            wire_id,
            name,
            response: None,
        });
    }

    /// Sets the result of a call. The contract's rules have checked that the call exists.
    pub(super) fn set_result(
        &mut self,
        call: &Call<'a>,
        at: (usize, usize),
        result: &'a ToolResult,
    ) -> Result<(), EncodeError> {
        let mut pending = self.0.iter_mut();
        if let Some(pending) = pending.find(|pending| pending.id == result.tool_call_id) {
            let text = text(result);
            pending.response = Some(FunctionResponse {
                id: pending.wire_id,
                name: pending.name,
                response: if result.failed {
                    Outcome::Error(text)
                } else {
                    Outcome::Output(text)
                },
                parts: image_parts(call, at, result)?,
            });
        }
        Ok(())
    }

    /// Takes the turn with the results. None when there are none.
    pub(super) fn take_turn(&mut self) -> Option<Content<'a>> {
        let responses = self.0.drain(..).filter_map(|pending| pending.response);
        let parts: Vec<_> = responses
            .map(|response| Data::FunctionResponse(response).into())
            .collect();
        (!parts.is_empty()).then_some(Content {
            role: Some(WireRole::User),
            parts,
        })
    }
}

/// Joins the texts of a result.
fn text(result: &ToolResult) -> Cow<'_, str> {
    let mut texts = result.parts.iter().filter_map(|part| match &part.content {
        Some(Neutral::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    let first = texts.next().unwrap_or_default();
    texts.fold(Cow::Borrowed(first), |whole, next| {
        Cow::Owned(format!("{whole}\n{next}"))
    })
}

fn image_parts<'a>(
    call: &Call<'_>,
    (m, p): (usize, usize),
    result: &'a ToolResult,
) -> Result<Vec<ResponsePart<'a>>, EncodeError> {
    let mut image_parts = Vec::new();
    for (r, part) in result.parts.iter().enumerate() {
        if let Some(Neutral::Image(image)) = &part.content {
            let field = |field: &str| part_field(m, p, &format!("tool_result.parts[{r}].{field}"));
            image_parts.push(image_part(call, image, field)?);
        }
    }
    Ok(image_parts)
}

fn image_part<'a>(
    call: &Call<'_>,
    image: &'a Image,
    field: impl Fn(&str) -> String,
) -> Result<ResponsePart<'a>, EncodeError> {
    let unsupported =
        |at: &str, message| refuse(field(at), EncodeErrorKind::UnsupportedByProvider, message);
    if !call.traits.tool_result_images {
        return unsupported("image", "the model accepts only text in tool results");
    }
    if matches!(image.detail(), image::Detail::Low | image::Detail::High) {
        return unsupported("image.detail", "is not supported in tool results");
    }
    match &image.source {
        Some(image::Source::Blob(blob)) => Ok(ResponsePart::InlineData(inline(blob))),
        Some(image::Source::Url(url)) if call.target.provider == ProviderId::Vertex => {
            Ok(ResponsePart::FileData(linked(url, field("image.url"))?))
        }
        Some(image::Source::Url(_)) => unsupported(
            "image.url",
            "the provider accepts images in tool results as data only",
        ),
        None => unsupported("image", "must have a URL or data"),
    }
}
