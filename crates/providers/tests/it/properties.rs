//! Properties that hold for any input.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;
use latchkey_providers::decode::{self, Answer, Reply};
use latchkey_providers::error::{classify, redact};
use latchkey_providers::stream::{Decoder, SseEvent, events};
use latchkey_providers::{Dialect, ProviderError};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::cases::{CATALOGUE, KEY};

const MODELS: [(ProviderId, &str); 10] = [
    (ProviderId::OpenAi, "gpt-4.1"),
    (ProviderId::Custom, "llama-4"),
    (ProviderId::OpenAi, "gpt-5.4"),
    (ProviderId::Anthropic, "claude-opus-4-7"),
    (ProviderId::Google, "gemini-3-flash-preview"),
    (ProviderId::Vertex, "gemini-2.5-flash"),
    (ProviderId::Vertex, "claude-opus-4-7"),
    (ProviderId::Azure, "a-deployment"),
    (ProviderId::DeepSeek, "deepseek-v4-pro"),
    (ProviderId::OpenRouter, "anthropic/claude-sonnet-5"),
];

fn dialects() -> [Dialect; 10] {
    MODELS.map(|(provider, model)| Dialect::new(provider, CATALOGUE.traits(provider, model)))
}

fn read(dialect: Dialect, chunks: Vec<Bytes>) -> Result<Answer, ProviderError> {
    let body = stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let events: Vec<_> = events(body).collect().now_or_never().unwrap();
    let mut decoder = Decoder::new(dialect);
    for event in events {
        decoder.event(&event?, KEY)?;
    }
    decoder.finish()
}

const CLAUDE: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n\
     event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"é😀\u{2028}\"}}\n\n\
     event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s+/=\"}}\n\n\
     event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// One transcript per dialect, with every kind of line ending and multi-byte characters.
const TRANSCRIPTS: [&str; 10] = [
    "\u{feff}data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"é😀\u{2028}\"}}]}\r\n\r\n: ping\r\n\r\n\
     data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"é\\\"\"}}]}}]}\n\n\
     data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]},\"finish_reason\":\"tool_calls\"}]}\r\r\
     data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
    "data:{\"choices\":[{\"delta\":{\"reasoning\":\"ü\"}}]}\n\ndata: {\"choices\":[{\"delta\":\ndata: {\"content\":\"ж\"}}]}\n\ndata: [DONE]\n\n",
    "event: response.output_text.delta\r\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"é😀\u{2028}\"}\r\n\r\n\
     event: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}}\r\n\r\n",
    CLAUDE,
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"ü\",\"thought\":true},{\"text\":\"é😀\u{2028}\"}]}}],\"usageMetadata\":{\"promptTokenCount\":3}}\r\n\r\n\
     data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"é\":1}},\"thoughtSignature\":\"s+/=\"}]},\"finishReason\":\"STOP\"}],\"responseId\":\"r\"}\r\n\r\n",
    "data: {\"promptFeedback\":{\"blockReason\":\"OTHER\",\"blockReasonMessage\":\"ж\"}}\r\n\r\n",
    CLAUDE,
    "data: {\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n\
     data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"é😀\u{2028}\"},\"finish_reason\":\"stop\"}]}\n\n\
     data: {\"id\":\"\",\"choices\":[{\"index\":0,\"content_filter_offsets\":{\"end_offset\":3},\"finish_reason\":null}]}\n\ndata: [DONE]\n\n",
    ": keep-alive\n\n: keep-alive\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"\"}}]}\n\n\
     data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"é😀\u{2028}\"}}]}\n\n\
     data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ж\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_cache_hit_tokens\":1,\"prompt_cache_miss_tokens\":2,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
    ": OPENROUTER PROCESSING\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"é\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"é\",\"index\":0}]}}]}\n\n\
     data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"😀\u{2028}\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"😀\u{2028}\",\"index\":0,\"signature\":\"s+/=\"}]}}]}\n\n\
     data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ж\"},\"finish_reason\":\"stop\",\"native_finish_reason\":\"end_turn\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"cost\":0.1}}\n\ndata: [DONE]\n\n",
];

/// JSON that resembles providers' answers, in which values often have the wrong type.
fn wild_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[a-z_.]{0,12}".prop_map(Into::into),
        prop::sample::select(WORDS.as_slice()).prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let name = prop::sample::select(NAMES.as_slice());
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            vec((name, inner), 0..6).prop_map(|members| {
                let members = members.into_iter();
                let members = members.map(|(name, value)| (name.to_owned(), value));
                serde_json::Value::Object(members.collect())
            }),
        ]
    })
}

const NAMES: [&str; 63] = [
    "args",
    "blockReason",
    "candidates",
    "continuationToken",
    "data",
    "finishMessage",
    "finishReason",
    "functionCall",
    "inlineData",
    "mimeType",
    "parts",
    "promptFeedback",
    "promptTokenCount",
    "thought",
    "thoughtSignature",
    "usageMetadata",
    "arguments",
    "choices",
    "code",
    "completion_tokens",
    "content",
    "cost",
    "cost_details",
    "data",
    "is_byok",
    "native_finish_reason",
    "reasoning_content",
    "reasoning_details",
    "signature",
    "upstream_inference_cost",
    "content_block",
    "content_index",
    "delta",
    "detail",
    "details",
    "error",
    "finish_reason",
    "function",
    "id",
    "incomplete_details",
    "index",
    "input",
    "item",
    "message",
    "model",
    "name",
    "output",
    "output_index",
    "partial_json",
    "prompt_tokens",
    "reasoning",
    "refusal",
    "response",
    "status",
    "stop_reason",
    "summary",
    "summary_index",
    "text",
    "thinking",
    "tool_calls",
    "type",
    "usage",
    "object",
];

const WORDS: [&str; 24] = [
    "MAX_TOKENS",
    "STOP",
    "image/png",
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "error",
    "function_call",
    "message",
    "message_delta",
    "message_start",
    "message_stop",
    "insufficient_system_resource",
    "reasoning",
    "reasoning.encrypted",
    "reasoning.text",
    "stop",
    "response.completed",
    "response.function_call_arguments.delta",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "text",
    "tool_use",
];

proptest! {
    #[test]
    fn a_stream_decodes_alike_however_it_is_split(cuts in vec(0_usize..700, 0..24)) {
        for (dialect, transcript) in dialects().into_iter().zip(TRANSCRIPTS) {
            let whole = read(dialect, vec![Bytes::from_static(transcript.as_bytes())]);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| *cut.min(&transcript.len())).collect();
            cuts.extend([0, transcript.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|cut| {
                Bytes::from_static(&transcript.as_bytes()[cut[0]..cut[1]])
            });
            prop_assert!(whole.is_ok());
            prop_assert_eq!(whole, read(dialect, chunks.collect()));
        }
    }

    #[test]
    fn no_body_makes_a_decoder_panic(body in vec(any::<u8>(), 0..256), status in 100_u16..600) {
        let status = StatusCode::from_u16(status).unwrap();
        for dialect in dialects() {
            let _ = read(dialect, vec![Bytes::from(body.clone())]);
            let headers = HeaderMap::new();
            let _ = decode::unary(dialect, &Reply::undated(status, &headers, &body, KEY));
        }
    }

    #[test]
    fn no_json_makes_a_decoder_panic(documents in vec(wild_json(), 1..6)) {
        for dialect in dialects() {
            let mut decoder = Decoder::new(dialect);
            for document in &documents {
                let data = document.to_string();
                let headers = HeaderMap::new();
                let reply = Reply::undated(StatusCode::OK, &headers, data.as_bytes(), KEY);
                let _ = decode::unary(dialect, &reply);
                let _ = decoder.event(&SseEvent { event: None, data }, KEY);
            }
            let _ = decoder.finish();
        }
    }

    #[test]
    fn an_error_never_shows_the_key(
        before in "\\PC{0,40}",
        after in "\\PC{0,40}",
        key in "[A-Za-z0-9_-]{12,60}",
        status in 400_u16..600,
    ) {
        let text = format!("{before}{key}{after}");
        prop_assert!(!redact(&text, &key).contains(&key));
        let body = serde_json::json!({"error": {"message": text, "code": text, "type": text}});
        let status = StatusCode::from_u16(status).unwrap();
        for body in [body.to_string(), text] {
            for provider in ProviderId::ALL {
                let headers = HeaderMap::new();
                let reply = Reply::undated(status, &headers, body.as_bytes(), &key);
                let error = classify(provider, &reply);
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains(&key), "{}", shown);
            }
        }
    }

    #[test]
    fn redacted_text_is_short_and_on_one_line(text in "(?s).{0,1000}", key in "\\PC{0,20}") {
        let redacted = redact(&text, &key);
        prop_assert!(redacted.chars().count() <= 501);
        prop_assert!(!redacted.chars().any(char::is_control));
    }
}
