use latchkey_contract::router::v1::Usage;

use super::*;

const DEFAULTS: &str = r#"
    version = "1"

    [defaults.openai]
    api = "chat_completions"
    system_role = "system"
    token_limit = "max_completion_tokens"
    sampling = "always"
    stop_sequences = true
    forced_tool_choice = true
    prefill = true
    mid_conversation_system = true
    stream_usage = true
    reasoning_efforts = []
    reasoning_budget = false
    reasons_by_default = false
"#;

/// A catalogue with defaults for all, and more.
fn parse(more: &str) -> Result<Catalogue, CatalogueError> {
    let of = |provider: &str, api: &str| {
        let table = DEFAULTS.split_once("[defaults.openai]").unwrap().1;
        let table = table.replace("chat_completions", api);
        format!("[defaults.{provider}]{table}")
    };
    let others = Provider::ALL
        .into_iter()
        .filter(|provider| *provider != Provider::OpenAi)
        .map(|provider| match provider {
            Provider::Anthropic => of(provider.as_str(), "messages"),
            _ => of(provider.as_str(), "chat_completions"),
        });
    let others: String = others.collect();
    Catalogue::parse(&format!("{DEFAULTS}\n{others}\n{more}"))
}

fn model(more: &str) -> String {
    format!("[[models]]\nprovider = \"openai\"\nid = \"m\"\n{more}")
}

#[test]
fn the_builtin_catalogue_parses() {
    let catalogue = Catalogue::builtin();
    assert!(!catalogue.version().is_empty());
    assert_eq!(catalogue.models().len(), 32);
}

#[test]
fn every_listed_model_has_prices_and_is_its_providers() {
    let catalogue = Catalogue::builtin();
    for model in catalogue.models() {
        assert!(
            model.prices.input.is_some() && model.prices.output.is_some(),
            "{}",
            model.id
        );
        for name in model.aliases.iter().chain([&model.id]) {
            assert_eq!(catalogue.provider_of(name), Some(model.provider));
            assert_eq!(catalogue.find(model.provider, name).unwrap().id, model.id);
        }
    }
}

#[test]
fn the_longest_family_name_wins() {
    let catalogue = Catalogue::builtin();
    let openai = |name| catalogue.traits(Provider::OpenAi, name);
    assert_eq!(openai("gpt-5").api, Api::ChatCompletions);
    assert_eq!(openai("gpt-5.4").api, Api::Responses);
    assert_eq!(openai("gpt-5.4-mini-2027-01-01").api, Api::Responses);
    assert_eq!(openai("gpt-5.2-pro").api, Api::Responses);
    assert_eq!(openai("gpt-7").api, Api::Responses);
    assert_eq!(openai("ft:gpt-4.1:me").api, Api::ChatCompletions);
    assert!(
        !openai("gpt-6-astra")
            .reasoning_efforts
            .contains(&Effort::None)
    );
    assert!(
        openai("gpt-6-sol")
            .reasoning_efforts
            .contains(&Effort::None)
    );
    assert!(!openai("o3-2025-04-16").stop_sequences);

    let claude = |name| catalogue.traits(Provider::Anthropic, name);
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

    let custom = catalogue.traits(Provider::Custom, "gpt-5.4");
    assert_eq!(custom.api, Api::ChatCompletions);
    assert_eq!(custom.token_limit, TokenLimit::MaxTokens);
}

#[test]
fn a_name_tells_its_provider_or_nothing() {
    let catalogue = Catalogue::builtin();
    assert_eq!(
        catalogue.provider_of("claude-opus-9"),
        Some(Provider::Anthropic)
    );
    assert_eq!(catalogue.provider_of("o3-pro"), Some(Provider::OpenAi));
    assert_eq!(catalogue.provider_of("llama-4"), None);
    assert_eq!(catalogue.provider_of(""), None);
    assert!(catalogue.find(Provider::Custom, "gpt-4.1").is_none());
}

#[test]
fn cost_is_by_class_and_rounded_up() {
    let catalogue = Catalogue::builtin();
    let opus = catalogue
        .find(Provider::Anthropic, "claude-opus-4-7")
        .unwrap();
    let usage = Usage {
        input_tokens: 1_000,
        cache_read_tokens: 2_000,
        cache_write_tokens: 300,
        cache_write_1h_tokens: 40,
        output_tokens: 50,
        reasoning_tokens: 6,
        ..Usage::default()
    };
    // 1,000 × $5 + 2,000 × $0.50 + 300 × $6.25 + 40 × $10 + 56 × $25, per million tokens.
    assert_eq!(opus.cost_nanos(&usage), Some(9_675_000));
    assert_eq!(opus.cost_nanos(&Usage::default()), Some(0));

    let prices = Prices {
        input: Some(NanosPerMillion::new(1)),
        ..Prices::default()
    };
    let one = |input_tokens| Usage {
        input_tokens,
        ..Usage::default()
    };
    assert_eq!(prices.cost_nanos(&one(1)), Some(1));
    assert_eq!(prices.cost_nanos(&one(1_000_000)), Some(1));
    assert_eq!(prices.cost_nanos(&one(1_000_001)), Some(2));
    assert_eq!(prices.cost_nanos(&one(-1)), None);
}

#[test]
fn a_used_class_without_price_has_no_cost() {
    let catalogue = Catalogue::builtin();
    let gpt = catalogue.find(Provider::OpenAi, "gpt-4o").unwrap();
    let written = Usage {
        input_tokens: 1,
        cache_write_tokens: 1,
        ..Usage::default()
    };
    assert_eq!(gpt.cost_nanos(&written), None);
}

#[test]
fn a_tier_prices_the_whole_call() {
    let catalogue = Catalogue::builtin();
    let usage = |input_tokens, cache_read_tokens| Usage {
        input_tokens,
        cache_read_tokens,
        output_tokens: 1_000_000,
        ..Usage::default()
    };
    let gpt = catalogue.find(Provider::OpenAi, "gpt-5.4").unwrap();
    assert_eq!(
        gpt.cost_nanos(&usage(272_000, 0)),
        Some(680_000_000 + 15_000_000_000)
    );
    assert_eq!(
        gpt.cost_nanos(&usage(272_001, 0)),
        Some(1_360_005_000 + 22_500_000_000)
    );
    // The tier's price for cached input is not known.
    assert_eq!(gpt.cost_nanos(&usage(272_000, 1)), None);
    let astra = catalogue.find(Provider::OpenAi, "gpt-6-astra").unwrap();
    assert_eq!(astra.cost_nanos(&usage(272_001, 0)), None);
    let haiku = catalogue
        .find(Provider::Anthropic, "claude-haiku-5-5")
        .unwrap();
    assert_eq!(
        haiku.cost_nanos(&usage(50_000, 50_001)),
        Some(25_000_000 + 2_500_050 + 2_500_000_000)
    );
}

#[test]
fn the_dearest_thinkable_call_is_none_and_no_panic() {
    let prices = Prices {
        input: Some(NanosPerMillion::new(i64::MAX)),
        output: Some(NanosPerMillion::new(i64::MAX)),
        ..Prices::default()
    };
    let usage = Usage {
        input_tokens: i64::MAX,
        output_tokens: i64::MAX,
        reasoning_tokens: i64::MAX,
        ..Usage::default()
    };
    assert_eq!(prices.cost_nanos(&usage), None);
    let everything = Usage {
        input_tokens: i64::MAX,
        cache_read_tokens: 1,
        ..Usage::default()
    };
    for model in Catalogue::builtin().models() {
        assert_eq!(model.cost_nanos(&everything), None);
    }
}

#[test]
fn a_catalogue_with_a_fault_is_refused() {
    let family = |pattern: &str, traits: &str| {
        format!(
            "[[families]]\nprovider = \"openai\"\nmodels = [{pattern}]\ntraits = {{ {traits} }}"
        )
    };
    assert!(parse("").is_ok());
    assert!(matches!(
        Catalogue::parse(DEFAULTS),
        Err(CatalogueError::MissingDefaults(_))
    ));
    assert!(matches!(
        parse("[surprise]"),
        Err(CatalogueError::Syntax(_))
    ));
    assert!(matches!(
        parse(&model("colour = 1")),
        Err(CatalogueError::Syntax(_))
    ));
    assert!(matches!(
        parse(&model("prices = { input = -1 }")),
        Err(CatalogueError::Negative { .. })
    ));
    assert!(matches!(
        parse(&model("prices = { input = 2.5 }")),
        Err(CatalogueError::Syntax(_))
    ));
    assert!(matches!(
        parse(&model("aliases = [\"m\"]")),
        Err(CatalogueError::Duplicate { .. })
    ));
    assert!(matches!(
        parse(&model(
            "tiers = [{ above_input_tokens = 2 }, { above_input_tokens = 1 }]"
        )),
        Err(CatalogueError::TierOrder { .. })
    ));
    assert!(matches!(
        parse(&family("\"a*b\"", "")),
        Err(CatalogueError::Pattern { .. })
    ));
    assert!(matches!(
        parse(&family("\"*\"", "")),
        Err(CatalogueError::Pattern { .. })
    ));
    assert!(matches!(
        parse(&family("\"a*\", \"a*\"", "")),
        Err(CatalogueError::Duplicate { .. })
    ));
    assert!(matches!(
        parse(&family("\"a*\"", "colour = 1")),
        Err(CatalogueError::Traits { .. })
    ));
    assert!(matches!(
        parse(&family("\"a*\"", "api = \"messages\"")),
        Err(CatalogueError::WrongApi { .. })
    ));
}
