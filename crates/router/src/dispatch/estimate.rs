//! What a call may cost, before it is made. Nobody has counted the tokens: a token is taken for four
//! bytes of text, and can't be less than one.

use std::time::SystemTime;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::response_format::Format;
use latchkey_contract::router::v1::{
    EmbedRequest, GenerateImagesRequest, GenerateRequest, Message, Part, PriceEstimate, Usage,
};
use latchkey_providers::catalogue::{Catalogue, CostContext, Model, Prices};

use crate::error::RouterError;

/// What of a request its cost depends on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Size {
    /// Bytes of text.
    text: i64,
    /// Tokens that may come on top: what providers put around the text, and state of theirs, of which
    /// only the bytes are known.
    around: i64,
    /// Whether there are pictures or documents, whose tokens nobody can tell from their bytes.
    media: bool,
    /// Whether there are fields of the provider's own, which can change the price: a service tier,
    /// several answers, a cache.
    options: bool,
    makes: Makes,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Makes {
    Answer { most_tokens: Option<i64> },
    Pictures(i64),
    Vectors,
}

/// For whom and when a price is wanted.
#[derive(Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) provider: ProviderId,
    pub(super) model: &'a str,
    pub(super) start: SystemTime,
    /// Whether it is the provider that the request was made for: another is not shown its options.
    pub(super) first_choice: bool,
}

/// Tokens around a message, a tool or a text to embed, at most: roles, separators, brackets.
const AROUND_EACH: i64 = 16;
/// Tokens of the instructions that providers add for tools and schemas, at most. Anthropic's for tools
/// are some 500.
const INSTRUCTIONS: i64 = 1_024;
/// Bytes of text that a token is taken for.
const BYTES_PER_TOKEN: i64 = 4;

impl Size {
    /// Of a request for an answer.
    pub(super) fn of_conversation(request: &GenerateRequest) -> Self {
        let mut size = Self::new(Makes::Answer {
            most_tokens: request.max_output_tokens,
        });
        size.options = request.provider_options.is_some();
        for message in &request.messages {
            size.add_message(message);
        }
        for tool in &request.tools {
            size.around(AROUND_EACH);
            size.add_texts([&*tool.name, &*tool.description, &*tool.json_schema]);
        }
        let format = request.response_format.as_ref();
        let format = format.and_then(|format| format.format.as_ref());
        if let Some(Format::JsonSchema(schema)) = format {
            size.add_texts([&*schema.name, &*schema.description, &*schema.json_schema]);
        }
        if format.is_some() || !request.tools.is_empty() {
            size.around(INSTRUCTIONS);
        }
        size
    }

    /// Of a request for vectors.
    pub(super) fn of_inputs(request: &EmbedRequest) -> Self {
        let mut size = Self::new(Makes::Vectors);
        size.options = request.provider_options.is_some();
        for input in &request.inputs {
            size.around(AROUND_EACH);
            size.add_texts([&**input]);
        }
        size
    }

    /// Of a request for pictures.
    pub(super) fn of_pictures(request: &GenerateImagesRequest) -> Self {
        let mut size = Self::new(Makes::Pictures(request.count.max(1).into()));
        size.options = request.provider_options.is_some();
        size.around(AROUND_EACH);
        size.add_texts([&*request.prompt]);
        size
    }

    /// What a call of this size may cost.
    pub(super) fn price(&self, offer: &Offer<'_>) -> PriceEstimate {
        let model = offer.catalogue.find(offer.provider, offer.model);
        let input = self.text / BYTES_PER_TOKEN + i64::from(self.text % BYTES_PER_TOKEN > 0);
        let most_input = (!self.media).then(|| self.text.saturating_add(self.around));
        let most_output = match self.makes {
            Makes::Answer { most_tokens } => {
                most_tokens.or_else(|| model.and_then(|model| model.max_output_tokens))
            }
            Makes::Pictures(_) => None,
            Makes::Vectors => Some(0),
        };
        let call = Call {
            makes: self.makes,
            most_output,
            offer,
        };
        let changed = self.options && offer.first_choice;
        let most_input_priced = most_input.filter(|_| !changed);
        PriceEstimate {
            input_tokens: input,
            highest_input_tokens: most_input,
            highest_output_tokens: most_output,
            cost_nanos: model.and_then(|model| call.cost(model, input)),
            highest_cost_nanos: model
                .zip(most_input_priced)
                .and_then(|(model, input)| call.highest_cost(model, input)),
            price_version: offer.catalogue.version().to_owned(),
        }
    }

    fn new(makes: Makes) -> Self {
        Self {
            text: 0,
            around: 0,
            media: false,
            options: false,
            makes,
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

/// Whether a call of that price costs no more than so much. Of what nobody knows, nobody can say so.
pub(super) fn check_cost(price: &PriceEstimate, most_nanos: i64) -> Result<(), RouterError> {
    match price.highest_cost_nanos {
        Some(highest) if highest <= most_nanos => Ok(()),
        highest_nanos => Err(RouterError::CostLimitExceeded { highest_nanos }),
    }
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// One call, as far as its price goes.
struct Call<'a> {
    makes: Makes,
    most_output: Option<i64>,
    offer: &'a Offer<'a>,
}

impl Call<'_> {
    /// With so much input and all its output.
    fn cost(&self, model: &Model, input_tokens: i64) -> Option<i64> {
        let usage = self.usage(input_tokens)?;
        let prices = self.prices(model, &usage)?;
        // Pictures that are sold by the token cost what nobody can tell before they are made.
        if matches!(self.makes, Makes::Pictures(_)) && prices.image_output.is_some() {
            return None;
        }
        prices.cost_nanos(&usage)
    }

    /// The same, if each token falls into the dearest class that it may fall into.
    fn highest_cost(&self, model: &Model, input_tokens: i64) -> Option<i64> {
        let plain = self.cost(model, input_tokens)?;
        let usage = self.usage(input_tokens)?;
        let prices = self.prices(model, &usage)?;
        let is_untold = match self.makes {
            // Pictures may be among an answer, and words beside pictures; neither is counted here.
            Makes::Answer { .. } => prices.image.is_some(),
            Makes::Pictures(_) => prices.output.is_some(),
            Makes::Vectors => false,
        };
        if is_untold {
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
        if prices.cache_write.is_some() && caches_unasked(self.offer.provider) {
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
        let image_count = match self.makes {
            Makes::Pictures(count) => count,
            Makes::Answer { .. } | Makes::Vectors => 0,
        };
        let output_tokens = match self.makes {
            Makes::Answer { .. } => self.most_output?,
            Makes::Pictures(_) | Makes::Vectors => 0,
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

/// Whether a provider may write input to a cache that the request did not ask for. Anthropic's models
/// do so when told to.
fn caches_unasked(provider: ProviderId) -> bool {
    !matches!(provider, ProviderId::Anthropic | ProviderId::Vertex)
}

#[cfg(test)]
mod tests;
