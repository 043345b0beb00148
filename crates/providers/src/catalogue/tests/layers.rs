use super::super::*;
use super::{model, parse};

fn layer(text: &str) -> Layer {
    Layer::parse(text).unwrap()
}

fn input(catalogue: &Catalogue, name: &str) -> Option<i64> {
    let model = catalogue.find(ProviderId::OpenAi, name)?;
    model.tariff.standard.prices.input.map(NanosPerMillion::get)
}

#[test]
fn a_layer_replaces_models_and_adds_others() {
    let base = parse(&model(
        "aliases = [\"m-1\", \"m-2\"]\nprices = { input = 1 }",
    ))
    .unwrap();
    let whole = base
        .extend(layer(&format!(
            "version = \"acme-3\"\n{}\n[[models]]\nprovider = \"openai\"\nid = \"n\"\nprices = {{ input = 3 }}",
            model("prices = { input = 2 }")
        )))
        .unwrap();
    assert_eq!(whole.version(), "1+acme-3");
    assert_eq!(input(&whole, "m"), Some(2));
    assert_eq!(input(&whole, "n"), Some(3));
    // A layer's model replaces the whole model below.
    assert_eq!(input(&whole, "m-1"), None);
    assert_eq!(whole.models().len(), 2);
    assert_eq!(input(&base, "m"), Some(1), "the base is unchanged");
}

#[test]
fn a_layer_takes_over_a_name_from_another_model() {
    let base = parse(&format!(
        "{}\n[[models]]\nprovider = \"openai\"\nid = \"n\"\nprices = {{ input = 2 }}",
        model("aliases = [\"m-1\", \"m-2\"]\nprices = { input = 1 }")
    ))
    .unwrap();
    let text = "version = \"2\"\n[[models]]\nprovider = \"openai\"\nid = \"m-1\"\n\
        aliases = [\"n\"]\nprices = { input = 3 }";
    let whole = base.extend(layer(text)).unwrap();
    assert_eq!(input(&whole, "m-1"), Some(3));
    assert_eq!(input(&whole, "n"), Some(3));
    assert_eq!(input(&whole, "m"), Some(1));
    assert_eq!(input(&whole, "m-2"), Some(1));
    let ids: Vec<_> = whole.models().iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids, ["m", "m-1"]);
}

#[test]
fn a_layer_replaces_no_model_of_another_provider() {
    let base = parse(&model("prices = { input = 1 }")).unwrap();
    let other = Model::new(ProviderId::Custom, "m");
    let whole = base
        .extend(Layer::of_models("2", vec![other]).unwrap())
        .unwrap();
    assert_eq!(input(&whole, "m"), Some(1));
    assert_eq!(whole.models().len(), 2);
}

#[test]
fn a_layer_changes_defaults_and_families_and_keeps_the_others() {
    let base = parse(
        "[[families]]\nprovider = \"custom\"\nmodels = [\"a*\"]\ntraits = { stop_sequences = false }
        [[families]]\nprovider = \"custom\"\nmodels = [\"b*\"]\ntraits = { stop_sequences = false }",
    )
    .unwrap();
    let whole = base
        .extend(layer(
            "version = \"2\"
            [defaults.custom]\nprefill = false
            [[families]]\nprovider = \"custom\"\nmodels = [\"b*\", \"c\"]\ntraits = { stream_usage = false }",
        ))
        .unwrap();
    let traits = |name| whole.traits(ProviderId::Custom, name);
    for name in ["a1", "b1", "c", "d"] {
        assert!(!traits(name).prefill, "{name}");
        assert_eq!(traits(name).stop_sequences, name != "a1", "{name}");
        assert_eq!(
            traits(name).stream_usage,
            !matches!(name, "b1" | "c"),
            "{name}"
        );
    }
    assert!(whole.traits(ProviderId::OpenAi, "a1").prefill);
}

#[test]
fn a_providers_own_family_precedes_one_of_another_provider() {
    let whole = Catalogue::builtin()
        .extend(layer(
            "version = \"2\"\n[[families]]\nprovider = \"azure\"\nmodels = [\"gpt-5.4*\"]\n\
            traits = { api = \"chat_completions\" }",
        ))
        .unwrap();
    let api = |provider, name| whole.traits(provider, name).api;
    let openai = api(ProviderId::OpenAi, "gpt-5.4");
    assert_ne!(api(ProviderId::Azure, "gpt-5.4"), openai);
    assert_eq!(api(ProviderId::Azure, "gpt-5.5"), openai);
}

#[test]
fn the_version_names_every_layer() {
    let empty = |version| Layer::of_models(version, Vec::new()).unwrap();
    let two = parse("").unwrap().extend(empty("2")).unwrap();
    let three = two.extend(empty("3")).unwrap();
    assert_eq!(three.version(), "1+2+3");
}

#[test]
fn a_layer_that_makes_the_catalogue_invalid_is_refused() {
    let wrong = layer(
        "version = \"2\"\n[[families]]\nprovider = \"openai\"\nmodels = [\"m*\"]\n\
        traits = { api = \"messages\" }",
    );
    let refused = parse("").unwrap().extend(wrong);
    assert!(matches!(refused, Err(CatalogueError::WrongApi { .. })));
}

#[test]
fn an_alias_has_the_traits_of_its_model() {
    let catalogue = parse(&format!(
        "{}\n[[families]]\nprovider = \"openai\"\nmodels = [\"m\"]\ntraits = {{ prefill = false }}",
        model("aliases = [\"other\"]")
    ))
    .unwrap();
    assert!(!catalogue.traits(ProviderId::OpenAi, "other").prefill);
    assert!(catalogue.traits(ProviderId::OpenAi, "another").prefill);
}
