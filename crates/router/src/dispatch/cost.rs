//! The cost of a call, estimated before it is made. No token is counted: the estimate assumes four bytes
//! of text per token, the upper bound one byte per token plus framing.

use std::time::SystemTime;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::response_format::Format;
use latchkey_contract::router::v1::{
    EmbedRequest, GenerateImagesRequest, GenerateRequest, Message, Part, PriceEstimate, Usage,
};
use latchkey_providers::catalogue::{Catalogue, CostContext, Model, Prices};

use crate::error::RouterError;

/// What the cost of a request depends on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Size {
    /// Bytes of text.
    text: i64,
    /// Tokens of framing at most: what providers put around the text, and opaque state of theirs.
    around: i64,
    /// Whether there are images or documents, whose tokens can't be bounded by their bytes.
    media: bool,
    /// Whether there are `provider_options`, which can change the price: a service tier, several
    /// answers, a cache.
    options: bool,
    output: Output,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Output {
    Answer { max_tokens: Option<i64> },
    Images(i64),
    Embeddings,
}

/// The model and the time that a price is for.
#[derive(Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) provider: ProviderId,
    pub(super) model: &'a str,
    pub(super) start: SystemTime,
    /// Whether it is the provider that the request was made for: no other receives its options.
    pub(super) first_choice: bool,
}

/// Tokens of framing at most around a message, a tool or a text to embed: roles, separators, brackets.
const AROUND_EACH: i64 = 16;
/// Tokens at most of the instructions that providers add for tools and schemas. Anthropic adds some
/// 500 for tools.
const INSTRUCTIONS: i64 = 1_024;
/// Bytes of text per token in the estimate.
const BYTES_PER_TOKEN: i64 = 4;

impl Size {
    /// The size of a request for an answer.
    pub(super) fn of_conversation(request: &GenerateRequest) -> Self {
        let mut size = Self::new(Output::Answer {
            max_tokens: request.max_output_tokens,
        });
        size.options = request.provider_options.is_some();
        for message in &request.messages {
            size.add_message(message);
        }
        for tool in &request.tools {
            size.around(AROUND_EACH);
            size.add_texts([&*tool.name, &*tool.description, &*tool.json_schema]);
        }
        let format = request
            .response_format
            .as_ref()
            .and_then(|format| format.format.as_ref());
        if let Some(Format::JsonSchema(schema)) = format {
            size.add_texts([&*schema.name, &*schema.description, &*schema.json_schema]);
        }
        if format.is_some() || !request.tools.is_empty() {
            size.around(INSTRUCTIONS);
        }
        size
    }

    /// The size of a request for embeddings.
    pub(super) fn of_inputs(request: &EmbedRequest) -> Self {
        let mut size = Self::new(Output::Embeddings);
        size.options = request.provider_options.is_some();
        for input in &request.inputs {
            size.around(AROUND_EACH);
            size.add_texts([&**input]);
        }
        size
    }

    /// The size of a request for images.
    pub(super) fn of_images(request: &GenerateImagesRequest) -> Self {
        let mut size = Self::new(Output::Images(request.count.max(1).into()));
        size.options = request.provider_options.is_some();
        size.around(AROUND_EACH);
        size.add_texts([&*request.prompt]);
        size
    }

    /// The estimated price of a call of this size.
    pub(super) fn price(&self, offer: &Offer<'_>) -> PriceEstimate {
        let model = offer.catalogue.find(offer.provider, offer.model);
        let input = self.text / BYTES_PER_TOKEN + i64::from(self.text % BYTES_PER_TOKEN > 0);
        let max_input = (!self.media).then(|| self.text.saturating_add(self.around));
        let max_output = match self.output {
            Output::Answer { max_tokens } => {
                max_tokens.or_else(|| model.and_then(|model| model.max_output_tokens))
            }
            Output::Images(_) => None,
            Output::Embeddings => Some(0),
        };
        let call = Call {
            output: self.output,
            max_output,
            offer,
        };
        let changed = self.options && offer.first_choice;
        let max_input_priced = max_input.filter(|_| !changed);
        PriceEstimate {
            input_tokens: input,
            highest_input_tokens: max_input,
            highest_output_tokens: max_output,
            cost_nanos: model.and_then(|model| call.cost(model, input)),
            highest_cost_nanos: model
                .zip(max_input_priced)
                .and_then(|(model, input)| call.highest_cost(model, input)),
            price_version: offer.catalogue.version().to_owned(),
        }
    }

    fn new(output: Output) -> Self {
        Self {
            text: 0,
            around: 0,
            media: false,
            options: false,
            output,
        }
    }

    fn add_message(&mut self, message: &Message) {
        self.around(AROUND_EACH);
        for part in &message.parts {
            self.add_part(part);
        }
    }

    fn add_part(&mut self, part: &Part) {
        if let Some(state) = &part.provider_state {
            self.around(length(&state.data));
        }
        match &part.content {
            None => {}
            Some(Content::Text(text) | Content::Refusal(text)) => self.add_texts([&**text]),
            Some(Content::Reasoning(reasoning)) => self.add_texts([&*reasoning.text]),
            Some(Content::Image(_) | Content::File(_)) => self.media = true,
            Some(Content::ToolCall(call)) => {
                self.around(AROUND_EACH);
                self.around(length(call.id.as_bytes()));
                self.add_texts([&*call.name, &*call.arguments]);
            }
            Some(Content::ToolResult(result)) => {
                self.around(AROUND_EACH);
                self.around(length(result.tool_call_id.as_bytes()));
                self.add_texts([&*result.name]);
                for part in &result.parts {
                    self.add_part(part);
                }
            }
        }
    }

    fn add_texts<const N: usize>(&mut self, texts: [&str; N]) {
        for text in texts {
            self.text = self.text.saturating_add(length(text.as_bytes()));
        }
    }

    fn around(&mut self, tokens: i64) {
        self.around = self.around.saturating_add(tokens);
    }
}

/// Whether a call of that price costs at most `max_cost_nanos`. An unknown price never satisfies a limit.
pub(super) fn check_cost(price: &PriceEstimate, max_cost_nanos: i64) -> Result<(), RouterError> {
    match price.highest_cost_nanos {
        Some(highest) if highest <= max_cost_nanos => Ok(()),
        highest_nanos => Err(RouterError::CostLimitExceeded { highest_nanos }),
    }
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// One call, as far as its price depends on it.
struct Call<'a> {
    output: Output,
    max_output: Option<i64>,
    offer: &'a Offer<'a>,
}

impl Call<'_> {
    /// The cost with so many tokens of input and the highest output.
    fn cost(&self, model: &Model, input_tokens: i64) -> Option<i64> {
        let usage = self.usage(input_tokens)?;
        let prices = self.prices(model, &usage)?;
        // The tokens of an image are known only after it is made.
        if matches!(self.output, Output::Images(_)) && prices.image_output.is_some() {
            return None;
        }
        prices.cost_nanos(&usage)
    }

    /// The cost if each token falls into the most expensive class that it may fall into.
    fn highest_cost(&self, model: &Model, input_tokens: i64) -> Option<i64> {
        let plain = self.cost(model, input_tokens)?;
        let usage = self.usage(input_tokens)?;
        let prices = self.prices(model, &usage)?;
        let is_unbounded = match self.output {
            // An answer may hold images, and images may come with text; neither is bounded here.
            Output::Answer { .. } => prices.image.is_some(),
            Output::Images(_) => prices.output.is_some(),
            Output::Embeddings => false,
        };
        if is_unbounded {
            return None;
        }
        let mut uses = vec![
            usage,
            Usage {
                reasoning_tokens: usage.output_tokens,
                output_tokens: 0,
                ..usage
            },
        ];
        if prices.image_output.is_some() {
            uses.push(Usage {
                image_output_tokens: usage.output_tokens,
                output_tokens: 0,
                ..usage
            });
        }
        if prices.cache_write.is_some() && caches_unrequested(self.offer.provider) {
            uses.extend_from_within(..);
            let half = uses.len() / 2;
            for usage in &mut uses[half..] {
                usage.cache_write_tokens = std::mem::take(&mut usage.input_tokens);
            }
        }
        let mut costs = uses.iter().map(|usage| prices.cost_nanos(usage));
        costs.try_fold(plain, |most, cost| Some(most.max(cost?)))
    }

    fn usage(&self, input_tokens: i64) -> Option<Usage> {
        let image_count = match self.output {
            Output::Images(count) => count,
            Output::Answer { .. } | Output::Embeddings => 0,
        };
        let output_tokens = match self.output {
            Output::Answer { .. } => self.max_output?,
            Output::Images(_) | Output::Embeddings => 0,
        };
        Some(Usage {
            input_tokens,
            output_tokens,
            image_count,
            ..Usage::default()
        })
    }

    fn prices<'m>(&self, model: &'m Model, usage: &Usage) -> Option<&'m Prices> {
        let start = self.offer.start;
        let tariff = model.tariff_at(start);
        tariff.prices(usage, &CostContext::standard(start))
    }
}

/// Whether a provider may write input to a cache although the request did not ask for it. Anthropic's
/// models do so on request only.
fn caches_unrequested(provider: ProviderId) -> bool {
    !matches!(provider, ProviderId::Anthropic | ProviderId::Vertex)
}

#[cfg(test)]
mod tests;
