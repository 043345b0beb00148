use super::super::*;
use super::{base, model, parse};

fn refused(more: &str) -> CatalogueError {
    parse(more).unwrap_err()
}

fn family(pattern: &str, traits: &str) -> String {
    format!("[[families]]\nprovider = \"openai\"\nmodels = [{pattern}]\ntraits = {{ {traits} }}")
}

#[test]
fn a_catalogue_needs_defaults_for_every_provider() {
    assert!(parse("").is_ok());
    let without = base().replace("[defaults.vertex]", "[ignored]");
    assert!(matches!(
        Catalogue::parse(&without),
        Err(CatalogueError::Syntax(_))
    ));
    assert!(matches!(
        Catalogue::parse("version = \"1\""),
        Err(CatalogueError::MissingDefaults(ProviderId::Anthropic))
    ));
}

#[test]
fn files_of_another_structure_are_refused() {
    for text in [
        "[surprise]".to_owned(),
        "[[models]]\nprovider = \"nova\"\nid = \"m\"".to_owned(),
        model("colour = 1"),
        model("prices = { input = 2.5 }"),
        model("prices = { colour = 1 }"),
        model("operations = [\"sing\"]"),
        model("retire_date = \"2027-01-01\""),
        model("retire_date = 2027-01-01T00:00:00Z"),
        model("off_peak = { prices = {} }"),
        model("off_peak = { windows = [{ hours_utc = [\"4-6\"] }] }"),
        model("off_peak = { windows = [{ days = [\"someday\"], hours_utc = [] }] }"),
        model("service_tiers = { flex = { input = 1 } }"),
        model("price_changes = [{ prices = { input = 1 } }]"),
    ] {
        let error = refused(&text);
        assert!(matches!(error, CatalogueError::Syntax(_)), "{text}");
    }
}

#[test]
fn a_version_is_short_and_printable() {
    let versions = [
        "",
        "a b",
        "\u{e9}",
        "0123456789012345678901234567890123456789012345678901234567890123_",
    ];
    for version in versions {
        let layer = Layer::of_models(version, Vec::new());
        assert!(matches!(layer, Err(CatalogueError::Version)), "{version}");
    }
    assert!(Layer::of_models("acme-3+b", Vec::new()).is_ok());
}

#[test]
fn a_negative_number_is_refused_in_every_field() {
    for text in [
        "prices = { input = -1 }",
        "prices = { image = -1 }",
        "max_input_tokens = -1",
        "max_output_tokens = -1",
        "tiers = [{ above_input_tokens = -1 }]",
        "tiers = [{ above_input_tokens = 1, prices = { image_output = -1 } }]",
        "service_tiers = { flex = { prices = { reasoning = -1 } } }",
        "off_peak = { windows = [], prices = { image_input = -1 } }",
        "price_changes = [{ from = 2027-01-01, prices = { output = -1 } }]",
    ] {
        let error = refused(&model(text));
        assert!(matches!(error, CatalogueError::Negative { .. }), "{text}");
    }
}

#[test]
fn unsorted_tiers_and_price_changes_are_refused() {
    for text in [
        "tiers = [{ above_input_tokens = 2 }, { above_input_tokens = 1 }]",
        "tiers = [{ above_input_tokens = 2 }, { above_input_tokens = 2 }]",
        "service_tiers = { flex = { tiers = [{ above_input_tokens = 2 }, { above_input_tokens = 1 }] } }",
    ] {
        let error = refused(&model(text));
        assert!(matches!(error, CatalogueError::TierOrder { .. }), "{text}");
    }
    let error = refused(&model(
        "price_changes = [{ from = 2027-01-01 }, { from = 2027-01-01 }]",
    ));
    assert!(matches!(error, CatalogueError::PriceChangeOrder { .. }));
}

#[test]
fn a_service_tier_has_a_name_in_lower_case() {
    for name in ["Flex", "standard", "default", "\"\"", "auto"] {
        let error = refused(&model(&format!("service_tiers = {{ {name} = {{}} }}")));
        assert!(
            matches!(error, CatalogueError::ServiceTier { .. }),
            "{name}"
        );
    }
}

#[test]
fn a_duplicate_name_is_refused() {
    for text in [
        model("aliases = [\"m\"]"),
        format!("{}\n{}", model(""), model("")),
        family("\"a*\", \"a*\"", ""),
        format!("{}\n{}", family("\"a*\"", ""), family("\"a*\"", "")),
    ] {
        let error = refused(&text);
        assert!(matches!(error, CatalogueError::Duplicate { .. }), "{text}");
    }
    let elsewhere = "[[models]]\nprovider = \"custom\"\nid = \"m\"";
    assert!(parse(&format!("{}\n{elsewhere}", model(""))).is_ok());
}

#[test]
fn an_empty_or_long_name_and_one_with_control_characters_are_refused() {
    for alias in [String::new(), "x".repeat(257), "a\nb".to_owned()] {
        let mut named = Model::new(ProviderId::Custom, "m");
        named.aliases.push(alias);
        let layer = Layer::of_models("1", vec![named]);
        assert!(matches!(layer, Err(CatalogueError::Name { .. })));
    }
    let longest = Model::new(ProviderId::Custom, "x".repeat(256));
    assert!(Layer::of_models("1", vec![longest]).is_ok());
}

#[test]
fn invalid_patterns_and_traits_of_families_are_refused() {
    for pattern in ["\"a*b\"", "\"*\"", "\"\""] {
        let error = refused(&family(pattern, ""));
        assert!(matches!(error, CatalogueError::Pattern { .. }), "{pattern}");
    }
    let error = refused(&family("\"a*\"", "colour = 1"));
    assert!(matches!(error, CatalogueError::Traits { .. }));
    let error = refused(&family("\"a*\"", "api = \"messages\""));
    assert!(matches!(error, CatalogueError::WrongApi { .. }));
}

#[test]
fn families_are_not_taken_from_a_provider_that_takes_them_from_another() {
    let text = base()
        .replace(
            "[defaults.azure]",
            "[defaults.azure]\nfamilies_of = [\"vertex\"]",
        )
        .replace(
            "[defaults.vertex]",
            "[defaults.vertex]\nfamilies_of = [\"google\"]",
        );
    assert!(matches!(
        Catalogue::parse(&text),
        Err(CatalogueError::ChainedFamilies {
            provider: ProviderId::Azure,
            families_of: ProviderId::Vertex
        })
    ));
    let text = base().replace(
        "[defaults.azure]",
        "[defaults.azure]\nfamilies_of = [\"anthropic\"]",
    ) + "\n[[families]]\nprovider = \"anthropic\"\nmodels = [\"claude-*\"]\ntraits = {}";
    assert!(matches!(
        Catalogue::parse(&text),
        Err(CatalogueError::WrongApi { .. })
    ));
}
