//! Bodies of providers' answers: whole, streamed, and errors.

/// OpenAI's Chat Completions.
pub(crate) mod chat {
    use serde_json::{Value, json};

    /// 600 tokens of input, 400 from the cache, 150 of output, 50 of reasoning.
    pub(crate) fn usage() -> Value {
        json!({
            "prompt_tokens": 1000,
            "completion_tokens": 200,
            "total_tokens": 1200,
            "prompt_tokens_details": {"cached_tokens": 400},
            "completion_tokens_details": {"reasoning_tokens": 50},
        })
    }

    pub(crate) fn whole() -> Value {
        json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "gpt-4.1-2025-04-14",
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": "Good day"},
                "finish_reason": "stop",
            }],
            "usage": usage(),
        })
    }

    /// A chunk with more text.
    pub(crate) fn delta(text: &str) -> Value {
        chunk(&json!([{"index": 0, "delta": {"content": text}, "finish_reason": null}]))
    }

    /// The chunk with the finish reason.
    pub(crate) fn stop() -> Value {
        chunk(&json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    }

    /// The chunk with the usage.
    pub(crate) fn used() -> Value {
        let mut chunk = chunk(&json!([]));
        chunk["usage"] = usage();
        chunk
    }

    /// The same answer in pieces.
    pub(crate) fn pieces() -> Vec<String> {
        let chunks = [delta("Good "), delta("day"), stop(), used()];
        let mut pieces: Vec<_> = chunks.iter().map(ToString::to_string).collect();
        pieces.push("[DONE]".to_owned());
        pieces
    }

    pub(crate) fn error(kind: &str, code: &str, message: &str) -> Value {
        json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
    }

    fn chunk(choices: &Value) -> Value {
        json!({
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "model": "gpt-4.1-2025-04-14",
            "choices": choices,
        })
    }
}

/// OpenAI's Responses.
pub(crate) mod responses {
    use serde_json::{Value, json};

    pub(crate) fn whole() -> Value {
        json!({
            "id": "resp_1",
            "object": "response",
            "status": "completed",
            "model": "gpt-5.4",
            "output": [{
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Good day", "annotations": []}],
            }],
            "usage": {
                "input_tokens": 1000,
                "input_tokens_details": {"cached_tokens": 400},
                "output_tokens": 200,
                "output_tokens_details": {"reasoning_tokens": 50},
                "total_tokens": 1200,
            },
        })
    }
}

/// Anthropic's Messages.
pub(crate) mod anthropic {
    use serde_json::{Value, json};

    /// 10 tokens of input, 20 from the cache, 30 written to it and 40 for an hour, 50 of output.
    pub(crate) fn usage() -> Value {
        json!({
            "input_tokens": 10,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 70,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 30,
                "ephemeral_1h_input_tokens": 40,
            },
            "output_tokens": 50,
        })
    }

    pub(crate) fn whole() -> Value {
        json!({
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5",
            "content": [{"type": "text", "text": "Good day"}],
            "stop_reason": "end_turn",
            "usage": usage(),
        })
    }

    /// The first event of a stream, with the usage of the input.
    pub(crate) fn start() -> Value {
        let mut usage = usage();
        usage["output_tokens"] = 1.into();
        let message = json!({
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5",
            "content": [],
            "usage": usage,
        });
        json!({"type": "message_start", "message": message})
    }

    pub(crate) fn delta(text: &str) -> Value {
        let delta = json!({"type": "text_delta", "text": text});
        json!({"type": "content_block_delta", "index": 0, "delta": delta})
    }

    /// The same answer in pieces.
    pub(crate) fn pieces() -> Vec<Value> {
        let block = json!({"type": "text", "text": ""});
        vec![
            start(),
            json!({"type": "content_block_start", "index": 0, "content_block": block}),
            json!({"type": "ping"}),
            delta("Good "),
            delta("day"),
            json!({"type": "content_block_stop", "index": 0}),
            json!({
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 50},
            }),
            json!({"type": "message_stop"}),
        ]
    }

    pub(crate) fn error(kind: &str, message: &str) -> Value {
        json!({
            "type": "error",
            "error": {"type": kind, "message": message},
            "request_id": "req_body",
        })
    }
}
