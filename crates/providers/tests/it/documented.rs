//! The table of capabilities in docs/providers.md matches the encoders.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    EmbedRequest, GenerateImagesRequest, GenerateRequest, JsonObject, JsonSchema, Part,
    ResponseFormat, Role, Sampling, image, reasoning_control, response_format, tool_choice,
};
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::encode::{self, Call, EncodeError, EncodeErrorKind};
use latchkey_providers::{embeddings, images, tokens};

use crate::cases::{
    base_url, call, choice, conversation, effort, linked_pdf, message, now_tool, pdf,
    person_schema, photo, png, result, schema_format, stops, system, target, text, user,
};

/// The models of the table's columns, in order.
const MODELS: [(ProviderId, &str); 8] = [
    (ProviderId::OpenAi, "gpt-5.4"),
    (ProviderId::Anthropic, "claude-opus-4-6"),
    (ProviderId::Google, "gemini-3.8-flash"),
    (ProviderId::Vertex, "gemini-3.8-flash"),
    (ProviderId::Azure, "gpt-5.4"),
    (ProviderId::OpenRouter, "anthropic/claude-opus-4.6"),
    (ProviderId::DeepSeek, "deepseek-flash"),
    (ProviderId::Custom, "llama-4"),
];

#[test]
fn the_documented_table_of_capabilities_is_true() {
    let page = include_str!("../../../../docs/providers.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|line| !line.starts_with("| | openai |"))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let (head, rows) = rows.split_first().unwrap();
    let providers = MODELS.map(|(provider, _)| provider.as_str());
    assert_eq!(head[1..], providers);
    assert!(rows.len() > 15);
    let found = rows[1..].iter().map(|row| {
        let capability = row[0];
        let takes = MODELS.map(|(provider, model)| takes(capability, provider, model));
        let takes = takes.map(|takes| if takes { "yes" } else { "no" });
        [&[capability], &takes[..]].concat()
    });
    assert_eq!(rows[1..], found.collect::<Vec<_>>());
}

/// Whether a request with this capability can be encoded. A refusal must be for lack of support,
/// not for an invalid request.
fn takes(capability: &str, provider: ProviderId, model: &str) -> bool {
    match attempt(capability, provider, model) {
        Ok(()) => true,
        Err(error) => {
            let kind = EncodeErrorKind::UnsupportedByProvider;
            assert_eq!(error.kind, kind, "{capability}, {provider}: {error}");
            false
        }
    }
}

fn attempt(capability: &str, provider: ProviderId, model: &str) -> Result<(), EncodeError> {
    let base = base_url(provider);
    let target = target(provider, &base);
    match capability {
        "Embed" => {
            let request = EmbedRequest {
                inputs: vec!["hello".to_owned()],
                ..EmbedRequest::default()
            };
            let model = match provider {
                ProviderId::Google | ProviderId::Vertex => "gemini-embedding-001",
                _ => "text-embedding-3-small",
            };
            let request = &request;
            let call = embeddings::Call {
                target,
                model,
                request,
            };
            embeddings::request(&call).map(drop)
        }
        "GenerateImages" => {
            let request = GenerateImagesRequest {
                prompt: "a cat".to_owned(),
                ..GenerateImagesRequest::default()
            };
            let model = match provider {
                ProviderId::Google | ProviderId::Vertex => "gemini-2.5-flash-image",
                _ => "gpt-image-2",
            };
            let request = &request;
            let call = images::Call {
                target,
                model,
                request,
            };
            images::request(&call).map(drop)
        }
        _ => {
            let catalogue = Catalogue::builtin();
            let request = request(capability);
            let call = Call {
                target,
                model,
                traits: catalogue.traits(provider, model),
                request: &request,
                stream: false,
            };
            match capability {
                "CountTokens" => tokens::request(&call).map(drop),
                _ => encode::generate(&call).map(drop),
            }
        }
    }
}

fn request(capability: &str) -> GenerateRequest {
    let user_message = |parts: Vec<Part>| conversation([message(Role::User, parts)]);
    let plain = user_message(vec![text("hello")]);
    let with_a_tool = GenerateRequest {
        tools: vec![now_tool()],
        ..plain.clone()
    };
    match capability {
        "Generate, StreamGenerate" | "CountTokens" => plain,
        "system message" => conversation([system("be brief"), user("hello")]),
        "tools, results of several calls" => GenerateRequest {
            messages: vec![
                user("What time is it here and there?"),
                message(Role::Assistant, ["a", "b"].map(|id| call(id, "now", "{}"))),
                message(Role::Tool, ["a", "b"].map(|id| result(id, [text("noon")]))),
            ],
            ..with_a_tool
        },
        "one tool, by name" => GenerateRequest {
            tool_choice: choice(tool_choice::Mode::Named, "now", None),
            ..with_a_tool
        },
        "one call at a time" => GenerateRequest {
            tool_choice: choice(tool_choice::Mode::Unspecified, "", Some(false)),
            ..with_a_tool
        },
        "image, inline" => user_message(vec![png()]),
        "image, by URL" => user_message(vec![photo(image::Detail::Unspecified)]),
        "PDF, inline" => user_message(vec![pdf()]),
        "PDF, by URL" => user_message(vec![linked_pdf()]),
        "JSON object" => GenerateRequest {
            response_format: Some(ResponseFormat {
                format: Some(response_format::Format::JsonObject(JsonObject {})),
            }),
            ..plain
        },
        "JSON after a schema" => GenerateRequest {
            response_format: schema_format(JsonSchema {
                description: String::new(),
                ..person_schema()
            }),
            ..plain
        },
        "stop sequence" => GenerateRequest {
            sampling: Some(Sampling {
                stop_sequences: stops(&["END"]),
                ..Sampling::default()
            }),
            ..plain
        },
        "top_k" => GenerateRequest {
            sampling: Some(Sampling {
                top_k: Some(40),
                ..Sampling::default()
            }),
            ..plain
        },
        "seed" => GenerateRequest {
            sampling: Some(Sampling {
                seed: Some(7),
                ..Sampling::default()
            }),
            ..plain
        },
        "depth of reasoning" => GenerateRequest {
            reasoning: effort(reasoning_control::Effort::High),
            ..plain
        },
        other => panic!("no test knows how to ask for {other}"),
    }
}
