//! Streamed answers of Google.

use latchkey_contract::router::v1::{FinishReason, PartDelta, Usage};

use super::message_builder::MessageBuilder;
use super::response::{Candidate, PromptFeedback, Response, finish_reason, is_filter};
use super::usage::{self, Reported};
use crate::Dialect;
use crate::decode::{Answer, Undecodable};
use crate::json::Text;

/// Builds an answer from chunks.
#[derive(Debug)]
pub(crate) struct Decoder {
    builder: MessageBuilder,
    id: String,
    model: String,
    end: Option<End>,
    /// The token that continues a paused answer. The latest one counts.
    continuation: Option<String>,
    reported: Reported,
}

/// Why the answer ended.
#[derive(Debug, Default)]
struct End {
    reason: String,
    /// Whether the prompt was blocked.
    blocked: bool,
}

impl Decoder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            builder: MessageBuilder::new(dialect),
            id: String::new(),
            model: String::new(),
            end: None,
            continuation: None,
            reported: Reported::default(),
        }
    }

    /// Handles the data of an event.
    pub(crate) fn event(&mut self, data: &str) -> Result<Vec<PartDelta>, Undecodable> {
        let mut deltas = Vec::new();
        let chunk = serde_json::from_str(data).map_err(|_| Undecodable)?;
        self.handle_chunk(chunk, &mut deltas)?;
        Ok(deltas)
    }

    pub(super) fn handle_chunk(
        &mut self,
        chunk: Response<'_>,
        deltas: &mut Vec<PartDelta>,
    ) -> Result<(), Undecodable> {
        if chunk.error.is_some() {
            return Err(Undecodable);
        }
        if self.id.is_empty() {
            self.id = chunk.id.unwrap_or_default().into_owned();
        }
        if self.model.is_empty() {
            self.model = chunk.model_version.unwrap_or_default().into_owned();
        }
        // Every chunk reports usage, and the last report is complete.
        if let Some(reported) = usage::read(chunk.usage_metadata) {
            self.reported = reported;
        }
        for candidate in chunk.candidates.unwrap_or_default() {
            if candidate.index.unwrap_or(0) == 0 {
                self.add(candidate, deltas)?;
            }
        }
        if let Some(feedback) = chunk.prompt_feedback {
            self.block(feedback, deltas);
        }
        Ok(())
    }

    /// Ends a complete answer that has no finish reason.
    pub(super) fn end_without_reason(&mut self) {
        self.end.get_or_insert_default();
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.reported.usage
    }

    /// Always false: chunks may follow the one with the finish reason. The end of the connection is
    /// the end of the stream.
    #[expect(clippy::unused_self, reason = "the decoders share one interface")]
    pub(crate) fn is_complete(&self) -> bool {
        false
    }

    /// Returns the complete answer. None when the stream was cut, that is, when it has no finish
    /// reason.
    pub(crate) fn finish(self) -> Option<Answer> {
        let end = self.end?;
        let mut draft = self.builder.draft;
        let finish_reason = if end.blocked {
            FinishReason::ContentFilter
        } else {
            finish_reason(&end.reason, &draft)
        };
        if let Some(token) = self.continuation
            && matches!(finish_reason, FinishReason::Length | FinishReason::Paused)
        {
            let part = draft.open_redacted();
            draft.set_state(part, token);
        }
        Some(Answer {
            finish_reason,
            native_finish_reason: end.reason,
            message: draft.into_message(),
            model: self.model,
            response_id: self.id,
            usage: self.reported.usage,
            service_tier: self.reported.service_tier,
            cost_nanos: None,
            unused_reasoning: Vec::new(),
        })
    }

    fn add(
        &mut self,
        candidate: Candidate<'_>,
        deltas: &mut Vec<PartDelta>,
    ) -> Result<(), Undecodable> {
        let parts = candidate.content.and_then(|content| content.parts);
        for part in parts.unwrap_or_default() {
            self.builder.add(part, &self.id, deltas)?;
        }
        let given = |text: &Text<'_>| !text.is_empty();
        if let Some(token) = candidate.continuation_token.filter(given) {
            self.continuation = Some(token.into_owned());
        }
        if let Some(reason) = candidate.finish_reason.filter(given) {
            if is_filter(&reason) {
                self.decline(candidate.finish_message, deltas);
            }
            self.end = Some(End {
                reason: reason.into_owned(),
                blocked: false,
            });
        }
        Ok(())
    }

    fn block(&mut self, feedback: PromptFeedback<'_>, deltas: &mut Vec<PartDelta>) {
        let given = |text: &Text<'_>| !text.is_empty();
        if let Some(reason) = feedback.block_reason.filter(given) {
            self.decline(feedback.block_reason_message, deltas);
            self.end = Some(End {
                reason: reason.into_owned(),
                blocked: true,
            });
        }
    }

    /// Adds the reason why the answer was withheld, once, as a part of its own.
    fn decline(&mut self, message: Option<Text<'_>>, deltas: &mut Vec<PartDelta>) {
        let draft = &mut self.builder.draft;
        if let Some(message) = message.filter(|message| !message.is_empty())
            && !draft.has_refusal()
        {
            let part = draft.open_refusal();
            deltas.push(draft.push(part, &message));
        }
    }
}
