//! Streams that end early, fail, or contain an error.

use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::FinishReason;
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::decode::{self, Reply};
use latchkey_providers::stream::{Decoder, SseEvent};
use latchkey_providers::{Dialect, ErrorClass, ProviderError};

use crate::cases::KEY;

const GPT_4_1: (ProviderId, &str) = (ProviderId::OpenAi, "gpt-4.1");
const GPT_5_4: (ProviderId, &str) = (ProviderId::OpenAi, "gpt-5.4");
const CLAUDE: (ProviderId, &str) = (ProviderId::Anthropic, "claude-opus-4-7");
const GEMINI: (ProviderId, &str) = (ProviderId::Google, "gemini-3-flash-preview");
const LLAMA: (ProviderId, &str) = (ProviderId::Custom, "llama-4");
const AZURE: (ProviderId, &str) = (ProviderId::Azure, "a-deployment");
const DEEPSEEK: (ProviderId, &str) = (ProviderId::DeepSeek, "deepseek-v4-pro");
const OPENROUTER: (ProviderId, &str) = (ProviderId::OpenRouter, "anthropic/claude-sonnet-5");

fn decoder((provider, model): (ProviderId, &str)) -> Decoder {
    Decoder::new(Dialect::new(
        provider,
        Catalogue::builtin().traits(provider, model),
    ))
}

fn event(data: &str) -> SseEvent {
    SseEvent {
        event: None,
        data: data.to_owned(),
    }
}

fn feed(decoder: &mut Decoder, events: &[&str]) -> Result<usize, ProviderError> {
    let mut count = 0;
    for data in events {
        count += decoder.event(&event(data), KEY)?.len();
    }
    Ok(count)
}

#[test]
fn a_stream_that_is_cut_is_truncated_and_keeps_its_usage() {
    for (model, events) in [
        (
            GPT_4_1,
            &[r#"{"id":"1","choices":[{"index":0,"delta":{"content":"Hi"}}]}"#][..],
        ),
        // OpenAI's end marker without a finish reason is not an end.
        (
            GPT_4_1,
            &[
                r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#,
                "[DONE]",
            ],
        ),
        (
            LLAMA,
            &[r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#],
        ),
        (AZURE, &[r#"{"choices":[],"prompt_filter_results":[]}"#]),
        (
            DEEPSEEK,
            &[r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#],
        ),
        // The stream of a starting model ends without an answer.
        (
            OPENROUTER,
            &[
                r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#,
                r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0,"cost":0}}"#,
            ],
        ),
        (
            GPT_5_4,
            &[
                r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hi"}"#,
            ],
        ),
        (
            CLAUDE,
            &[
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hi"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#,
            ],
        ),
        (
            GEMINI,
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usageMetadata":{"promptTokenCount":9}}"#,
                r#"{"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1}}"#,
            ],
        ),
        (GPT_4_1, &[]),
        (CLAUDE, &[]),
        (GPT_5_4, &[]),
        (GEMINI, &[]),
    ] {
        let mut decoder = decoder(model);
        feed(&mut decoder, events).unwrap();
        assert!(model == GPT_4_1 || !decoder.is_complete());
        let error = decoder.finish().unwrap_err();
        assert_eq!(error.class, ErrorClass::Truncated, "{events:?}");
    }
    let mut decoder = decoder(CLAUDE);
    let start = r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":9,"output_tokens":1}}}"#;
    feed(&mut decoder, &[start]).unwrap();
    assert_eq!(decoder.usage().unwrap().input_tokens, 9);
}

#[test]
fn an_error_within_a_stream_is_classified() {
    for (model, data, class, code) in [
        (
            GPT_4_1,
            r#"{"error":{"message":"Slow down","type":"requests","code":"rate_limit_exceeded"}}"#,
            ErrorClass::Throttled,
            "rate_limit_exceeded",
        ),
        (
            LLAMA,
            r#"{"object":"error","message":"too long","type":"BadRequestError","code":400}"#,
            ErrorClass::RejectedRequest,
            "400",
        ),
        (
            OPENROUTER,
            r#"{"id":"gen-1","error":{"code":502,"message":"Upstream down","metadata":{"error_type":"provider_unavailable"}},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
            ErrorClass::Overloaded,
            "provider_unavailable",
        ),
        (
            OPENROUTER,
            r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":429,"message":"Slow"}}]}"#,
            ErrorClass::Throttled,
            "429",
        ),
        (
            OPENROUTER,
            r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
            ErrorClass::Overloaded,
            "error",
        ),
        (
            DEEPSEEK,
            r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"insufficient_system_resource"}]}"#,
            ErrorClass::Overloaded,
            "insufficient_system_resource",
        ),
        (
            LLAMA,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"insufficient_system_resource"}]}"#,
            ErrorClass::Overloaded,
            "insufficient_system_resource",
        ),
        (
            AZURE,
            r#"{"error":{"code":"429","message":"Too many"}}"#,
            ErrorClass::Throttled,
            "429",
        ),
        (
            CLAUDE,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#,
            ErrorClass::Overloaded,
            "overloaded_error",
        ),
        (
            GPT_5_4,
            r#"{"type":"error","code":"server_error","message":"Oops","param":null,"sequence_number":3}"#,
            ErrorClass::Overloaded,
            "server_error",
        ),
        (
            GPT_5_4,
            r#"{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"invalid_prompt","message":"No"}}}"#,
            ErrorClass::RejectedRequest,
            "invalid_prompt",
        ),
        (
            GEMINI,
            r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
            ErrorClass::Overloaded,
            "UNAVAILABLE",
        ),
        (
            GEMINI,
            r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}]"#,
            ErrorClass::Revoked,
            "API_KEY_INVALID",
        ),
    ] {
        let error = decoder(model).event(&event(data), KEY).unwrap_err();
        assert_eq!((error.class, error.code.as_deref()), (class, Some(code)));
        assert_eq!(error.http_status, None);
    }
}

#[test]
fn the_key_is_redacted_from_a_streams_error() {
    let data = format!(r#"{{"error":{{"message":"bad key {KEY}"}}}}"#);
    let error = decoder(GPT_4_1).event(&event(&data), KEY).unwrap_err();
    assert_eq!(error.message, "bad key [redacted]");
    let data = format!("key={KEY}");
    let error = decoder(GPT_4_1).event(&event(&data), KEY).unwrap_err();
    assert_eq!(error.class, ErrorClass::Malformed);
    assert!(!error.message.contains(KEY));
}

#[test]
fn unknown_events_are_skipped() {
    let mut claude = decoder(CLAUDE);
    let events = [
        r#"{"type":"ping"}"#,
        r#"{"type":"news","index":"first","delta":7}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"x","name":"web_search","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"brand_new"},"usage":null}"#,
        r#"{"type":"message_stop"}"#,
    ];
    assert_eq!(feed(&mut claude, &events).unwrap(), 0);
    let answer = claude.finish().unwrap();
    assert!(answer.message.parts.is_empty());
    assert_eq!(answer.finish_reason, FinishReason::Unspecified);
    assert_eq!(answer.native_finish_reason, "brand_new");

    let mut responses = decoder(GPT_5_4);
    let events = [
        r#"{"type":"response.web_search_call.searching","output_index":"x"}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"web_search_call","id":"ws"}}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"web_search_call","id":"ws"}}"#,
        r#"{"type":"response.completed","response":{"id":"r","status":"completed","usage":null}}"#,
    ];
    assert_eq!(feed(&mut responses, &events).unwrap(), 0);
    assert_eq!(
        responses.finish().unwrap().finish_reason,
        FinishReason::Stop
    );
}

#[test]
fn an_item_that_came_without_deltas_is_not_lost() {
    let mut responses = decoder(GPT_5_4);
    let events = [
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m","content":[{"type":"output_text","text":"Hi"},{"type":"refusal","refusal":"No"}]}}"#,
        r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"f","call_id":"c","name":"now","arguments":"{}"}}"#,
        r#"{"type":"response.completed","response":{"id":"r","status":"completed"}}"#,
    ];
    assert_eq!(feed(&mut responses, &events).unwrap(), 4);
    let answer = responses.finish().unwrap();
    assert_eq!(answer.message.parts.len(), 3);
    assert!(
        answer
            .message
            .parts
            .iter()
            .all(|part| part.provider_state.is_some())
    );
}

#[test]
fn only_the_first_choice_is_read() {
    let mut chat = decoder(GPT_4_1);
    let events = [
        r#"{"choices":[{"index":1,"delta":{"content":"other"}},{"index":0,"delta":{"content":"one"},"finish_reason":"stop"}]}"#,
        r#"{"id":null,"choices":null}"#,
        "[DONE]",
    ];
    assert_eq!(feed(&mut chat, &events).unwrap(), 1);
    assert!(chat.is_complete());
}

#[test]
fn the_connections_end_is_the_end_of_googles_stream() {
    let mut gemini = decoder(GEMINI);
    let events = [
        r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"other"}]}},{"index":0,"content":{"parts":[{"text":"one"}]},"finishReason":"STOP"}],"responseId":"r"}"#,
        r#"{"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1}}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"EuMC"}]}}],"modelVersion":"m"}"#,
    ];
    assert_eq!(feed(&mut gemini, &events).unwrap(), 1);
    assert!(!gemini.is_complete());
    let answer = gemini.finish().unwrap();
    assert_eq!(answer.finish_reason, FinishReason::Stop);
    assert_eq!((answer.response_id, answer.model), ("r".into(), "m".into()));
    assert_eq!(answer.usage.unwrap().output_tokens, 1);
    assert_eq!(answer.message.parts.len(), 2);
}

#[test]
fn unknown_parts_of_google_are_skipped_but_never_half_decoded() {
    let mut gemini = decoder(GEMINI);
    let events = [
        r#"{"candidates":[{"content":{"parts":[{"text":"a"},{"executableCode":{"code":"1"}},{"text":"b"},{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}}]},"groundingMetadata":{}}]}"#,
        r#"{"candidates":[{"content":{},"finishReason":"BRAND_NEW"}],"news":7}"#,
    ];
    assert_eq!(feed(&mut gemini, &events).unwrap(), 2);
    let answer = gemini.finish().unwrap();
    assert_eq!(answer.finish_reason, FinishReason::Unspecified);
    assert_eq!(answer.native_finish_reason, "BRAND_NEW");
    for part in [
        r#"{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a"}],"willContinue":true}}"#,
        r#"{"inlineData":{"mimeType":"image/png","data":"not base64"}}"#,
    ] {
        let data = format!(r#"{{"candidates":[{{"content":{{"parts":[{part}]}}}}]}}"#);
        let error = decoder(GEMINI).event(&event(&data), KEY).unwrap_err();
        assert_eq!(error.class, ErrorClass::Malformed, "{part}");
    }
}

#[test]
fn openrouters_cost_is_that_of_the_last_usage() {
    let mut openrouter = decoder(OPENROUTER);
    let events = [
        r#"{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}],"usage":null}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,"cost":0.5}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"cost":0.25}}"#,
        "[DONE]",
    ];
    feed(&mut openrouter, &events).unwrap();
    let answer = openrouter.finish().unwrap();
    assert_eq!(answer.cost_nanos, Some(250_000_000));
    assert_eq!(answer.usage.unwrap().output_tokens, 2);
}

#[test]
fn an_empty_answer_is_valid_except_from_a_starting_model() {
    for usage in [
        r#"{"prompt_tokens":9,"completion_tokens":3}"#,
        r#"{"prompt_tokens":9,"completion_tokens":0}"#,
    ] {
        let paid = usage.contains('3');
        let events = [
            r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}"#.to_owned(),
            format!(r#"{{"choices":[],"usage":{usage}}}"#),
        ];
        let events = events.each_ref().map(String::as_str);
        for (model, whole) in [(OPENROUTER, paid), (GPT_4_1, true), (DEEPSEEK, true)] {
            let mut decoder = decoder(model);
            feed(&mut decoder, &events).unwrap();
            assert_eq!(decoder.finish().is_ok(), whole, "{model:?} {usage}");
        }
    }
}

#[test]
fn googles_response_headers_name_the_tier() {
    let mut headers = HeaderMap::new();
    headers.insert("x-gemini-service-tier", "Flex".parse().unwrap());
    let end = r#"{"candidates":[{"finishReason":"STOP"}]}"#;
    for (provider, tier) in [(ProviderId::Google, "flex"), (ProviderId::Vertex, "")] {
        let mut decoder = decoder((provider, GEMINI.1));
        decoder.head(&headers);
        feed(&mut decoder, &[end]).unwrap();
        assert_eq!(decoder.finish().unwrap().service_tier, tier);
        let catalogue = Catalogue::builtin();
        let reply = Reply::undated(StatusCode::OK, &headers, end.as_bytes(), KEY);
        let dialect = Dialect::new(provider, catalogue.traits(provider, GEMINI.1));
        let answer = decode::unary(dialect, &reply).unwrap();
        assert_eq!(answer.service_tier, tier);
    }
}

#[test]
fn finish_reasons_of_other_servers_are_mapped() {
    for (word, reason) in [
        ("eos", FinishReason::Stop),
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("abort", FinishReason::Unspecified),
    ] {
        let chunk = format!(
            r#"{{"choices":[{{"index":0,"delta":{{"content":"Hi"}},"finish_reason":"{word}"}}]}}"#
        );
        for (model, expected) in [(LLAMA, reason), (GPT_4_1, FinishReason::Unspecified)] {
            let mut decoder = decoder(model);
            feed(&mut decoder, &[&chunk]).unwrap();
            let answer = decoder.finish().unwrap();
            assert_eq!(answer.finish_reason, expected, "{word}");
            assert_eq!(answer.native_finish_reason, word);
        }
    }
}

#[test]
fn reasoning_that_openai_left_out_is_reported() {
    let mut responses = decoder(GPT_5_4);
    let events = [
        r#"{"type":"response.completed","response":{"id":"r","status":"completed","input_transformations":[{"id":"rs_1","action":"removed","type":"reasoning","reason":"organization_mismatch"},{"id":"x","action":"kept","type":"reasoning"},7]}}"#,
    ];
    feed(&mut responses, &events).unwrap();
    // Invalid data is skipped.
    assert_eq!(responses.finish().unwrap().unused_reasoning, ["rs_1"]);
}
