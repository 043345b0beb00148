//! Sizes and prices by hand.

use std::time::{Duration, SystemTime};

use latchkey_contract::router::v1::{
    File, Image, Reasoning, ResponseFormat, Role, Tool, ToolCall, ToolResult,
};
use latchkey_providers::catalogue::{Layer, NanosPerMillion};

use super::*;

/// Input at 1 nano-dollar a token and 10 beyond 1,000, output at 2.
const PRICED: &str = r#"
version = "test"

[[models]]
provider = "openai"
id = "plain"
max_output_tokens = 100
prices = { input = 1_000_000, output = 2_000_000 }
tiers = [{ above_input_tokens = 1_000, prices = { input = 10_000_000, output = 2_000_000 } }]

[[models]]
provider = "openai"
id = "caching"
max_output_tokens = 100
prices = { input = 1_000_000, cache_write = 3_000_000, output = 2_000_000 }

[[models]]
provider = "anthropic"
id = "caching"
max_output_tokens = 100
prices = { input = 1_000_000, cache_write = 3_000_000, output = 2_000_000 }

[[models]]
provider = "openai"
id = "thinking"
max_output_tokens = 100
prices = { input = 1_000_000, output = 2_000_000, reasoning = 5_000_000 }

[[models]]
provider = "google"
id = "drawing"
max_output_tokens = 100
prices = { input = 1_000_000, output = 2_000_000, image_output = 7_000_000 }

[[models]]
provider = "openai"
id = "unlimited"
prices = { input = 1_000_000, output = 2_000_000 }

[[models]]
provider = "openai"
id = "unpriced"
max_output_tokens = 100

[[models]]
provider = "openai"
id = "vectors"
prices = { input = 500_000 }

[[models]]
provider = "openai"
id = "by-the-piece"
prices = { input = 1_000_000, image = 40 }
"#;

fn priced(size: Size, provider: ProviderId, model: &str) -> PriceEstimate {
    let layer = Layer::parse(PRICED).unwrap();
    let catalogue = Catalogue::builtin().extend(layer).unwrap();
    size.price(&Offer {
        catalogue: &catalogue,
        provider,
        model,
        start: SystemTime::UNIX_EPOCH + Duration::from_hours(500_000),
        first_choice: true,
    })
}

fn part(content: Content) -> Part {
    Part {
        content: Some(content),
        provider_state: None,
    }
}

fn message(parts: Vec<Part>) -> GenerateRequest {
    GenerateRequest {
        messages: vec![Message {
            role: Role::User.into(),
            parts,
        }],
        ..GenerateRequest::default()
    }
}

/// A message with `bytes` of text.
fn text(bytes: usize) -> GenerateRequest {
    message(vec![part(Content::Text("x".repeat(bytes)))])
}

fn conversation(bytes: usize) -> Size {
    Size::of_conversation(&text(bytes))
}

#[test]
fn a_token_is_four_bytes_rounded_up_and_never_less_than_one() {
    for (bytes, tokens) in [(1, 1), (4, 1), (5, 2), (400, 100)] {
        let price = priced(conversation(bytes), ProviderId::OpenAi, "plain");
        assert_eq!(price.input_tokens, tokens);
        let highest = i64::try_from(bytes).unwrap() + AROUND_EACH;
        assert_eq!(price.highest_input_tokens, Some(highest));
    }
    // Bytes, not characters.
    let greeting = message(vec![part(Content::Text("Grüße".to_owned()))]);
    let price = priced(
        Size::of_conversation(&greeting),
        ProviderId::OpenAi,
        "plain",
    );
    assert_eq!(price.input_tokens, 2);
    assert_eq!(price.highest_input_tokens, Some(7 + AROUND_EACH));
}

#[test]
fn every_text_of_a_request_counts() {
    let call = ToolCall {
        id: "id".to_owned(),
        name: "1234".to_owned(),
        arguments: "12345678".to_owned(),
    };
    let result = ToolResult {
        tool_call_id: "id".to_owned(),
        name: "1234".to_owned(),
        parts: vec![part(Content::Text("1234".to_owned()))],
        failed: false,
    };
    let thought = Reasoning {
        text: "1234".to_owned(),
        redacted: false,
    };
    let mut request = message(vec![
        part(Content::Refusal("1234".to_owned())),
        part(Content::Reasoning(thought)),
        part(Content::ToolCall(call)),
        part(Content::ToolResult(result)),
    ]);
    request.tools = vec![Tool {
        name: "1234".to_owned(),
        description: "1234".to_owned(),
        json_schema: "12345678".to_owned(),
        strict: None,
    }];
    request.response_format = Some(ResponseFormat {
        format: Some(Format::JsonSchema(
            latchkey_contract::router::v1::JsonSchema {
                name: "1234".to_owned(),
                json_schema: "1234".to_owned(),
                ..Default::default()
            },
        )),
    });
    let price = priced(Size::of_conversation(&request), ProviderId::OpenAi, "plain");
    assert_eq!(price.input_tokens, 13);
    // A message, a call, a result, a tool; two ids of two bytes.
    let around = 4 * AROUND_EACH + 4 + INSTRUCTIONS;
    assert_eq!(price.highest_input_tokens, Some(52 + around));
}

#[test]
fn the_tokens_of_images_and_documents_are_not_bounded() {
    let result = ToolResult {
        parts: vec![part(Content::Image(Image::default()))],
        ..ToolResult::default()
    };
    for content in [
        Content::Image(Image::default()),
        Content::File(File::default()),
        Content::ToolResult(result),
    ] {
        let size = Size::of_conversation(&message(vec![part(content)]));
        let price = priced(size, ProviderId::OpenAi, "plain");
        assert_eq!(price.highest_input_tokens, None);
        assert_eq!(price.highest_cost_nanos, None);
        assert_eq!(price.cost_nanos, Some(200));
    }
}

#[test]
fn the_output_limit_is_the_requests_or_the_models() {
    let price = priced(conversation(400), ProviderId::OpenAi, "plain");
    assert_eq!(price.highest_output_tokens, Some(100));
    assert_eq!(price.cost_nanos, Some(100 + 200));
    assert_eq!(price.highest_cost_nanos, Some(416 + 200));
    let mut request = text(400);
    request.max_output_tokens = Some(10);
    let price = priced(Size::of_conversation(&request), ProviderId::OpenAi, "plain");
    assert_eq!(price.highest_output_tokens, Some(10));
    assert_eq!(price.cost_nanos, Some(100 + 20));
    let price = priced(conversation(400), ProviderId::OpenAi, "unlimited");
    assert_eq!(price.highest_output_tokens, None);
    assert_eq!((price.cost_nanos, price.highest_cost_nanos), (None, None));
}

#[test]
fn a_model_without_a_price_has_no_cost() {
    for model in ["unpriced", "unknown"] {
        let price = priced(conversation(4), ProviderId::OpenAi, model);
        assert_eq!((price.cost_nanos, price.highest_cost_nanos), (None, None));
        assert_eq!(price.input_tokens, 1);
        assert!(price.price_version.ends_with("test"));
    }
}

#[test]
fn long_input_has_the_price_of_its_tier() {
    // 1,000 tokens by the estimate, 4,016 at most.
    let price = priced(conversation(4_000), ProviderId::OpenAi, "plain");
    assert_eq!(price.cost_nanos, Some(1_000 + 200));
    assert_eq!(price.highest_cost_nanos, Some(40_160 + 200));
    let price = priced(conversation(4_004), ProviderId::OpenAi, "plain");
    assert_eq!(price.cost_nanos, Some(10_010 + 200));
}

#[test]
fn the_highest_cost_assumes_the_most_expensive_token_class() {
    for (provider, model, cost) in [
        (ProviderId::OpenAi, "caching", 3 * 416 + 200),
        // Anthropic caches only on request.
        (ProviderId::Anthropic, "caching", 416 + 200),
        (ProviderId::OpenAi, "thinking", 416 + 500),
        (ProviderId::Google, "drawing", 416 + 700),
    ] {
        let price = priced(conversation(400), provider, model);
        assert_eq!(price.highest_cost_nanos, Some(cost), "{model}");
        assert_eq!(price.cost_nanos, Some(100 + 200), "{model}");
    }
}

#[test]
fn provider_options_make_the_highest_cost_unknown() {
    let mut request = text(400);
    request.provider_options = Some(prost_types::Struct::default());
    let size = Size::of_conversation(&request);
    let price = priced(size, ProviderId::OpenAi, "plain");
    assert_eq!(price.highest_cost_nanos, None);
    assert_eq!(price.cost_nanos, Some(300));
    let catalogue = Catalogue::builtin().extend(Layer::parse(PRICED).unwrap());
    let price = size.price(&Offer {
        catalogue: &catalogue.unwrap(),
        provider: ProviderId::OpenAi,
        model: "plain",
        start: SystemTime::UNIX_EPOCH,
        first_choice: false,
    });
    assert_eq!(price.highest_cost_nanos, Some(616));
}

#[test]
fn embeddings_have_no_output_tokens() {
    let request = EmbedRequest {
        inputs: vec!["1234".to_owned(), "12345".to_owned()],
        ..EmbedRequest::default()
    };
    let price = priced(Size::of_inputs(&request), ProviderId::OpenAi, "vectors");
    assert_eq!(price.input_tokens, 3);
    assert_eq!(price.highest_input_tokens, Some(9 + 2 * AROUND_EACH));
    assert_eq!(price.highest_output_tokens, Some(0));
    // Half a nano-dollar each, rounded up.
    assert_eq!(price.cost_nanos, Some(2));
    assert_eq!(price.highest_cost_nanos, Some(21));
}

#[test]
fn images_are_priced_by_their_number() {
    let request = GenerateImagesRequest {
        prompt: "12345678".to_owned(),
        count: 3,
        ..GenerateImagesRequest::default()
    };
    let price = priced(
        Size::of_images(&request),
        ProviderId::OpenAi,
        "by-the-piece",
    );
    assert_eq!(price.highest_output_tokens, None);
    assert_eq!(price.cost_nanos, Some(2 + 3 * 40));
    assert_eq!(price.highest_cost_nanos, Some(8 + AROUND_EACH + 3 * 40));
    // Priced by the token, and the number of tokens is not known before the call.
    let price = priced(Size::of_images(&request), ProviderId::Google, "drawing");
    assert_eq!((price.cost_nanos, price.highest_cost_nanos), (None, None));
    let one = GenerateImagesRequest {
        count: 0,
        ..request
    };
    let price = priced(Size::of_images(&one), ProviderId::OpenAi, "by-the-piece");
    assert_eq!(price.cost_nanos, Some(2 + 40));
}

#[test]
fn a_cost_beyond_64_bits_is_unknown() {
    let mut size = conversation(4);
    size.text = i64::MAX;
    let price = priced(size, ProviderId::OpenAi, "plain");
    assert_eq!(price.highest_input_tokens, Some(i64::MAX));
    assert_eq!(price.highest_cost_nanos, None);
    let prices = Prices {
        input: Some(NanosPerMillion::new(i64::MAX)),
        ..Prices::default()
    };
    let usage = Usage {
        input_tokens: i64::MAX,
        ..Usage::default()
    };
    assert_eq!(prices.cost_nanos(&usage), None);
}

#[test]
fn an_unknown_cost_never_satisfies_a_limit() {
    let price = |highest_cost_nanos| PriceEstimate {
        highest_cost_nanos,
        ..PriceEstimate::default()
    };
    assert!(check_cost(&price(Some(5)), 5).is_ok());
    for highest in [Some(6), None] {
        let refused = check_cost(&price(highest), 5).unwrap_err();
        assert!(
            matches!(refused, RouterError::CostLimitExceeded { highest_nanos } if highest_nanos == highest)
        );
    }
}
