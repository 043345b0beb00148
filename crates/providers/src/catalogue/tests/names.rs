use super::super::*;
use super::{model, parse};

#[test]
fn a_models_name_identifies_its_maker() {
    let catalogue = Catalogue::builtin();
    let of = |name| catalogue.provider_of(name);
    assert_eq!(of("claude-opus-9"), Some(ProviderId::Anthropic));
    assert_eq!(of("o3-pro"), Some(ProviderId::OpenAi));
    assert_eq!(of("gpt-5.4"), Some(ProviderId::OpenAi));
    assert_eq!(of("text-embedding-3-small"), Some(ProviderId::OpenAi));
    assert_eq!(of("gemini-2.5-pro"), Some(ProviderId::Google));
    assert_eq!(of("deepseek-v4-flash"), Some(ProviderId::DeepSeek));
    assert_eq!(of("llama-4"), None);
    assert_eq!(of(""), None);
}

#[test]
fn a_name_unknown_to_all_makers_belongs_to_the_provider_that_lists_it() {
    let catalogue = Catalogue::builtin();
    let of = |name| catalogue.provider_of(name);
    assert_eq!(of("text-embedding-005"), Some(ProviderId::Vertex));
    let ours = "[[models]]\nprovider = \"custom\"\nid = \"gpt-4.1\"";
    let catalogue = parse(&format!("{ours}\n{}", model("aliases = [\"gpt-4.1\"]"))).unwrap();
    assert_eq!(catalogue.provider_of("gpt-4.1"), Some(ProviderId::OpenAi));
    let catalogue = parse(ours).unwrap();
    assert_eq!(catalogue.provider_of("gpt-4.1"), Some(ProviderId::Custom));
}

#[test]
fn a_name_is_found_exactly_or_not_at_all() {
    let catalogue = Catalogue::builtin();
    let find = |provider, name| catalogue.find(provider, name);
    assert!(find(ProviderId::OpenAi, "gpt-4.1").is_some());
    assert!(find(ProviderId::OpenAi, "gpt-4.1-2025-04-14").is_some());
    for name in ["GPT-4.1", "gpt-4.1 ", "gpt-4", "gpt-4.1-2025-04-15"] {
        assert_ne!(
            find(ProviderId::OpenAi, name).map(|model| model.id.as_str()),
            Some("gpt-4.1"),
            "{name}"
        );
    }
    assert!(find(ProviderId::Custom, "gpt-4.1").is_none());
    assert!(find(ProviderId::Vertex, "claude-opus-4-5@20251101").is_some());
    assert!(find(ProviderId::Anthropic, "claude-opus-4-5@20251101").is_none());
}

#[test]
fn a_variant_at_openrouter_is_a_name_of_its_own() {
    let catalogue = parse(
        r#"
        [[models]]
        provider = "openrouter"
        id = "author/slug"
        prices = { input = 2, output = 2 }

        [[models]]
        provider = "openrouter"
        id = "author/slug:free"
        prices = { input = 0, output = 0 }
        "#,
    )
    .unwrap();
    let input = |name| {
        let model = catalogue.find(ProviderId::OpenRouter, name)?;
        model.tariff.standard.prices.input.map(NanosPerMillion::get)
    };
    assert_eq!(input("author/slug"), Some(2));
    assert_eq!(input("author/slug:free"), Some(0));
    assert_eq!(input("author/slug:nitro"), None);
}
