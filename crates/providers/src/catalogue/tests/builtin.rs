use std::time::SystemTime;

use super::super::*;
use crate::Api;

#[test]
fn the_builtin_catalogue_parses() {
    let catalogue = Catalogue::builtin();
    assert_eq!(catalogue.version(), "2026-11-26");
    assert_eq!(catalogue.models().len(), 147);
}

#[test]
fn every_listed_model_has_prices_and_operations() {
    for model in Catalogue::builtin().models() {
        let prices = model.tariff.standard.prices;
        assert!(prices.input.is_some(), "{}", model.id);
        assert!(!model.operations.is_empty(), "{}", model.id);
        if model.operations.contains(&Operation::Generate) {
            assert!(prices.output.is_some(), "{}", model.id);
        }
        if model.operations.contains(&Operation::GenerateImages) {
            assert!(prices.image_output.is_some(), "{}", model.id);
        }
    }
}

#[test]
fn every_name_finds_its_model() {
    let catalogue = Catalogue::builtin();
    for model in catalogue.models() {
        for name in model.aliases.iter().chain([&model.id]) {
            let found = catalogue.find(model.provider, name).unwrap();
            assert_eq!(found.id, model.id);
        }
    }
}

#[test]
fn service_tier_prices_are_near_the_standard_prices() {
    // Detects typing errors. OpenAI's `ultrafast` costs six times the standard price.
    for model in Catalogue::builtin().models() {
        let standard = model.tariff.standard.prices.input.unwrap().get();
        for (name, table) in &model.tariff.service_tiers {
            let input = table.prices.input.unwrap().get();
            let fits = match name.as_str() {
                "batch" | "flex" => (standard * 2 / 5..=standard * 4 / 5).contains(&input),
                "priority" => (standard * 5 / 3..=standard * 5 / 2).contains(&input),
                "ultrafast" => input == standard * 6,
                _ => false,
            };
            assert!(fits, "{} of {}", name, model.id);
        }
    }
}

#[test]
fn the_longest_family_name_wins() {
    let catalogue = Catalogue::builtin();
    let openai = |name| catalogue.traits(ProviderId::OpenAi, name);
    assert_eq!(openai("gpt-5").api, Api::ChatCompletions);
    assert_eq!(openai("gpt-5.4").api, Api::Responses);
    assert_eq!(openai("gpt-5.4-mini-2027-01-01").api, Api::Responses);
    assert_eq!(openai("gpt-5.2-pro").api, Api::Responses);
    assert_eq!(openai("gpt-7").api, Api::Responses);
    assert_eq!(openai("ft:gpt-4.1:me").api, Api::ChatCompletions);
    let can_rest = |name| openai(name).reasoning_efforts.contains(&Effort::None);
    assert!(!can_rest("gpt-6-astra"));
    assert!(can_rest("gpt-6-sol"));
    assert!(!openai("o3-2025-04-16").stop_sequences);

    let claude = |name| catalogue.traits(ProviderId::Anthropic, name);
    assert_eq!(
        claude("claude-opus-4-7-20270101").sampling,
        SamplingPolicy::Never
    );
    assert_eq!(claude("claude-opus-4-6").sampling, SamplingPolicy::Always);
    assert_eq!(
        claude("claude-opus-4-20250514").default_max_output_tokens,
        Some(32_000)
    );
    assert!(claude("claude-opus-5").forced_tool_choice);
    assert!(!claude("claude-opus-5-5").forced_tool_choice);
    assert!(!claude("claude-sonnet-5").mid_conversation_system);
    assert!(claude("claude-sonnet-5-5").mid_conversation_system);

    let custom = catalogue.traits(ProviderId::Custom, "gpt-5.4");
    assert_eq!(custom.api, Api::ChatCompletions);
    assert_eq!(custom.token_limit, TokenLimit::MaxTokens);
}

#[test]
fn gemini_models_have_a_budget_or_levels_but_never_both() {
    let catalogue = Catalogue::builtin();
    let gemini = |name| catalogue.traits(ProviderId::Google, name);
    for (name, budget, efforts) in [
        ("gemini-2.5-pro", true, &[][..]),
        ("gemini-2.5-flash", true, &[Effort::None]),
        ("gemini-2.5-flash-lite", true, &[Effort::None]),
        ("gemini-2.5-flash-image", false, &[]),
        (
            "gemini-3-flash-preview",
            false,
            &[Effort::Minimal, Effort::Low, Effort::Medium, Effort::High],
        ),
        (
            "gemini-3.1-pro-preview",
            false,
            &[Effort::Low, Effort::Medium, Effort::High],
        ),
        (
            "gemini-4-argon",
            false,
            &[Effort::Low, Effort::Medium, Effort::High],
        ),
        ("gemini-embedding-001", false, &[]),
    ] {
        assert_eq!(gemini(name).reasoning_budget, budget, "{name}");
        assert_eq!(gemini(name).reasoning_efforts, efforts, "{name}");
    }
    assert!(gemini("gemini-3.5-flash").prefill);
    assert!(!gemini("gemini-3.5-flash-lite").prefill);
    assert_eq!(gemini("gemini-9").sampling, SamplingPolicy::Never);
    assert_eq!(gemini("gemma-4-31b-it").sampling, SamplingPolicy::Always);
}

#[test]
fn deepseek_reasons_by_default() {
    let catalogue = Catalogue::builtin();
    let traits = catalogue.traits(ProviderId::DeepSeek, "deepseek-v5");
    assert!(traits.reasons_by_default);
    assert_eq!(traits.sampling, SamplingPolicy::WithoutReasoning);
    assert_eq!(
        traits.reasoning_efforts,
        [Effort::None, Effort::Low, Effort::High, Effort::Max]
    );
    let old_name = catalogue.find(ProviderId::DeepSeek, "deepseek-v4-flash");
    assert_eq!(old_name.unwrap().id, "deepseek-flash");
}

#[test]
fn azure_has_openais_families_and_vertex_has_googles_and_anthropics() {
    let catalogue = Catalogue::builtin();
    let traits = |provider, name| catalogue.traits(provider, name);
    for name in ["gpt-5.4", "gpt-6-astra-2026-09-03", "o3", "our-deployment"] {
        assert_eq!(
            traits(ProviderId::Azure, name),
            traits(ProviderId::OpenAi, name)
        );
    }
    for name in ["gemini-2.5-pro", "gemini-4-argon", "text-embedding-005"] {
        assert_eq!(
            traits(ProviderId::Vertex, name),
            traits(ProviderId::Google, name)
        );
    }
    let claude = traits(ProviderId::Vertex, "claude-opus-4-5@20251101");
    assert_eq!(claude, traits(ProviderId::Anthropic, "claude-opus-4-5"));
    assert_eq!(claude.api, Api::Messages);
}

#[test]
fn openrouter_models_accept_every_parameter() {
    let catalogue = Catalogue::builtin();
    let traits = catalogue.traits(ProviderId::OpenRouter, "deepseek/deepseek-chat:free");
    assert_eq!(traits.sampling, SamplingPolicy::Always);
    assert_eq!(traits.reasoning_efforts.len(), 7);
    assert!(traits.reasoning_budget && traits.prefill && traits.forced_tool_choice);
    let free = "deepseek/deepseek-chat:free";
    assert!(catalogue.find(ProviderId::OpenRouter, free).is_none());
}

#[test]
fn a_retired_model_has_its_retire_time() {
    let catalogue = Catalogue::builtin();
    let retires = |provider, name| {
        let model = catalogue.find(provider, name).unwrap();
        model.retire_time
    };
    let at = |date: &str| Some(date.parse::<Date>().unwrap().start());
    assert_eq!(retires(ProviderId::OpenAi, "gpt-4-turbo"), at("2026-10-23"));
    assert_eq!(retires(ProviderId::OpenAi, "gpt-4o"), at("2027-01-14"));
    let sonnet = retires(ProviderId::Anthropic, "claude-sonnet-4-5");
    assert_eq!(sonnet, at("2026-11-30"));
    assert_eq!(retires(ProviderId::OpenAi, "gpt-6-astra"), None);
    assert!(at("2026-10-23") > Some(SystemTime::UNIX_EPOCH));
}
