//! Benchmarks of the hot path: encoding requests, decoding answers, decoding one chunk of a stream.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{GenerateRequest, Message, Part, Role};
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::decode::{self, Reply};
use latchkey_providers::encode::{self, Call};
use latchkey_providers::stream::{Decoder, SseEvent};
use latchkey_providers::{Credential, Dialect, Target};
use url::Url;

/// One model for each dialect.
const MODELS: [(ProviderId, &str); 4] = [
    (ProviderId::OpenAi, "gpt-4.1"),
    (ProviderId::OpenAi, "gpt-5.4"),
    (ProviderId::Anthropic, "claude-opus-4-7"),
    (ProviderId::Google, "gemini-2.5-flash"),
];

const KEY: &str = "sk-bench-0123456789";

/// About 600 bytes, the size of a short chat.
const CHAT: &str = r#"{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion","created":1741569952,"model":"gpt-4.1-2025-04-14","choices":[{"index":0,"message":{"role":"assistant","content":"Hello! How can I assist you today? I can answer questions, write text, or help you think something through.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default"}"#;

const RESPONSE: &str = r#"{"id":"resp_67ccd2bed1ec8190b14f964abc054267","object":"response","created_at":1741476542,"status":"completed","error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"gpt-5.4-2026-03-05","output":[{"type":"message","id":"msg_67ccd2bf17f0819081ff3bb2cf6508e6","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello! How can I assist you today?","annotations":[]}]}],"parallel_tool_calls":true,"store":false,"temperature":1.0,"tools":[],"top_p":1.0,"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":123}}"#;

const MESSAGE: &str = r#"{"id":"msg_013Zva2CMHLNnXjNJJKqJ2EF","type":"message","role":"assistant","model":"claude-opus-4-7","content":[{"type":"text","text":"Hello! How can I assist you today? I can answer questions, write text, or help you think something through."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":2095,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":503,"service_tier":"standard"}}"#;

const GENERATED: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Hello! How can I assist you today? I can answer questions, write text, or help you think something through."}],"role":"model"},"finishReason":"STOP","index":0,"safetyRatings":[{"category":"HARM_CATEGORY_HARASSMENT","probability":"NEGLIGIBLE"}]}],"usageMetadata":{"promptTokenCount":19,"candidatesTokenCount":10,"totalTokenCount":29,"promptTokensDetails":[{"modality":"TEXT","tokenCount":19}]},"modelVersion":"gemini-2.5-flash","responseId":"q1xYaYbSMq-2xN8P"}"#;

/// One chunk of each dialect's stream.
const CHUNKS: [&str; 4] = [
    r#"{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1-2025-04-14","service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":" assist"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x9Yv2"}"#,
    r#"{"type":"response.output_text.delta","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"delta":" assist","logprobs":[],"sequence_number":17}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" assist"}}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":" assist"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":19,"candidatesTokenCount":4,"totalTokenCount":23,"promptTokensDetails":[{"modality":"TEXT","tokenCount":19}]},"modelVersion":"gemini-2.5-flash","responseId":"q1xYaYbSMq-2xN8P"}"#,
];

fn conversation(prompt_bytes: usize) -> GenerateRequest {
    const SENTENCE: &str = "The quick brown fox said \"hello\" to the lazy dog.\n";
    let message = |role: Role, text: String| Message {
        role: role.into(),
        parts: vec![Part {
            content: Some(Content::Text(text)),
            provider_state: None,
        }],
    };
    let prompt = SENTENCE.repeat(prompt_bytes / SENTENCE.len());
    GenerateRequest {
        messages: vec![
            message(Role::System, "Be brief.".to_owned()),
            message(Role::User, prompt),
        ],
        max_output_tokens: Some(1024),
        ..GenerateRequest::default()
    }
}

fn encoding(criterion: &mut Criterion) {
    let catalogue = Catalogue::builtin();
    let mut group = criterion.benchmark_group("encode");
    for (provider, model) in MODELS {
        let base = latchkey_providers::default_base_url(provider)
            .expect("only custom endpoints have no default base URL");
        let base_url = Url::parse(base).expect("a URL");
        let traits = catalogue.traits(provider, model);
        for (size, name) in [(1_000, "1 KB"), (100_000, "100 KB")] {
            let request = conversation(size);
            group.bench_function(format!("{model}, {name}"), |bencher| {
                bencher.iter(|| {
                    let call = Call {
                        target: Target::new(provider, &base_url, Credential::ApiKey(KEY)),
                        model,
                        traits,
                        request: black_box(&request),
                        stream: false,
                    };
                    black_box(encode::generate(&call).map(|exchange| exchange.request.body))
                });
            });
        }
    }
    group.finish();
}

fn decoding(criterion: &mut Criterion) {
    let catalogue = Catalogue::builtin();
    let headers = HeaderMap::new();
    let mut group = criterion.benchmark_group("decode an answer");
    for ((provider, model), body) in MODELS.into_iter().zip([CHAT, RESPONSE, MESSAGE, GENERATED]) {
        let dialect = Dialect::new(provider, catalogue.traits(provider, model));
        group.bench_function(model, |bencher| {
            bencher.iter(|| {
                let body = black_box(body).as_bytes();
                let reply = Reply::undated(StatusCode::OK, &headers, body, KEY);
                black_box(decode::unary(dialect, &reply))
            });
        });
    }
    group.finish();
}

fn streaming(criterion: &mut Criterion) {
    let catalogue = Catalogue::builtin();
    let mut group = criterion.benchmark_group("decode a chunk");
    for ((provider, model), data) in MODELS.into_iter().zip(CHUNKS) {
        let dialect = Dialect::new(provider, catalogue.traits(provider, model));
        let event = SseEvent {
            event: None,
            data: data.to_owned(),
        };
        let begun = || {
            let mut decoder = Decoder::new(dialect);
            let begin = SseEvent {
                event: None,
                data: r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_owned(),
            };
            // Only Anthropic's stream needs it; the other decoders skip it.
            let _ = decoder.event(&begin, KEY);
            decoder
        };
        group.bench_function(model, |bencher| {
            bencher.iter_batched_ref(
                begun,
                |decoder| black_box(decoder.event(black_box(&event), KEY)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, encoding, decoding, streaming);
criterion_main!(benches);
