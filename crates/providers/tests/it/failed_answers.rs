//! Responses with a successful status that failed: errors in place of answers, and answers that
//! failed.

use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;
use latchkey_providers::decode::{self, Reply};
use latchkey_providers::{Dialect, ErrorClass, ProviderError};

use crate::cases::{CATALOGUE, KEY};

const AZURE: (ProviderId, &str) = (ProviderId::Azure, "a-deployment");
const DEEPSEEK: (ProviderId, &str) = (ProviderId::DeepSeek, "deepseek-v4-pro");
const GPT_4_1: (ProviderId, &str) = (ProviderId::OpenAi, "gpt-4.1");
const LLAMA: (ProviderId, &str) = (ProviderId::Custom, "llama-4");
const OPENROUTER: (ProviderId, &str) = (ProviderId::OpenRouter, "anthropic/claude-sonnet-5");

fn read((provider, model): (ProviderId, &str), body: &str) -> Result<(), ProviderError> {
    let dialect = Dialect::new(provider, CATALOGUE.traits(provider, model));
    let headers = HeaderMap::new();
    let reply = Reply::undated(StatusCode::OK, &headers, body.as_bytes(), KEY);
    decode::unary(dialect, &reply).map(|_| ())
}

#[test]
fn an_error_in_a_successful_response_is_classified() {
    for (model, body, class) in [
        (
            OPENROUTER,
            r#"{"error":{"code":502,"message":"Down"},"user_id":"u"}"#,
            ErrorClass::Overloaded,
        ),
        (
            OPENROUTER,
            r#"{"id":"gen-1","choices":[{"error":{"code":402,"message":"Pay"},"message":{"content":""},"finish_reason":"error"}]}"#,
            ErrorClass::NoCredit,
        ),
        (
            OPENROUTER,
            r#"{"id":"gen-1","choices":[{"message":{"role":"assistant","content":"Hal"},"finish_reason":"error"}]}"#,
            ErrorClass::Overloaded,
        ),
        (
            DEEPSEEK,
            r#"{"choices":[{"message":{"content":"Hal"},"finish_reason":"insufficient_system_resource"}]}"#,
            ErrorClass::Overloaded,
        ),
        (
            AZURE,
            r#"{"error":{"code":"content_filter","message":"Filtered"}}"#,
            ErrorClass::RejectedRequest,
        ),
        (
            LLAMA,
            r#"{"object":"error","message":"too long","code":400}"#,
            ErrorClass::RejectedRequest,
        ),
        (LLAMA, r#"{"detail":"gone"}"#, ErrorClass::Malformed),
    ] {
        assert_eq!(read(model, body).unwrap_err().class, class, "{body}");
    }
}

#[test]
fn an_empty_answer_means_a_starting_model_at_openrouter_only() {
    let nothing = |finish: &str, tokens: u32| {
        format!(
            r#"{{"id":"gen-1","choices":[{{"message":{{"role":"assistant","content":""}},
                "finish_reason":{finish}}}],
                "usage":{{"prompt_tokens":9,"completion_tokens":{tokens},"cost":0}}}}"#
        )
    };
    for finish in ["null", "\"stop\""] {
        let error = read(OPENROUTER, &nothing(finish, 0)).unwrap_err();
        assert_eq!(error.class, ErrorClass::Overloaded);
        assert!(error.message.contains("empty"), "{}", error.message);
        // The model used tokens, so the answer is valid.
        assert_eq!(read(OPENROUTER, &nothing(finish, 3)), Ok(()));
        for model in [GPT_4_1, AZURE, DEEPSEEK, LLAMA] {
            assert_eq!(read(model, &nothing(finish, 0)), Ok(()));
        }
    }
    assert_eq!(read(OPENROUTER, &nothing("\"length\"", 0)), Ok(()));
}

#[test]
fn a_proxys_page_is_reported_by_its_title() {
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    for model in [LLAMA, AZURE, DEEPSEEK, OPENROUTER] {
        let error = read(model, page).unwrap_err();
        assert_eq!(error.class, ErrorClass::Malformed);
        assert!(error.message.contains("“Sign in”"), "{}", error.message);
    }
}
