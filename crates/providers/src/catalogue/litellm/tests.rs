use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_contract::router::v1::Usage;

use super::*;
use crate::catalogue::{
    Catalogue, CostContext, Date, Layer, NanosEach, NanosPerMillion, Operation, Prices,
};

const EXCERPT: &str = include_str!("../../../tests/litellm/excerpt.json");

fn excerpt() -> Import {
    read(EXCERPT).unwrap()
}

fn find<'a>(import: &'a Import, provider: ProviderId, id: &str) -> &'a Model {
    let is = |model: &&Model| model.provider == provider && model.id == id;
    import.models.iter().find(is).unwrap()
}

/// Reads a list with one row.
fn row(fields: &str) -> Result<Model, SkipReason> {
    let text = format!(r#"{{"m": {{"litellm_provider": "openai", "mode": "chat", {fields}}}}}"#);
    let mut import = read(&text).unwrap();
    match import.skipped.pop() {
        Some(skipped) => Err(skipped.reason),
        None => Ok(import.models.remove(0)),
    }
}

fn prices(input: i64, output: i64) -> Prices {
    Prices {
        input: Some(NanosPerMillion::new(input)),
        output: Some(NanosPerMillion::new(output)),
        ..Prices::default()
    }
}

#[test]
fn rows_of_every_kind_are_read_or_skipped_with_their_reason() {
    let import = excerpt();
    let of = |provider: ProviderId| {
        let models = import.models.iter().filter(|m| m.provider == provider);
        models.map(|model| model.id.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        of(ProviderId::OpenAi),
        [
            "gpt-6-astra",
            "gpt-4",
            "gpt-image-2",
            "text-embedding-3-small"
        ]
    );
    assert_eq!(
        of(ProviderId::Anthropic),
        ["claude-haiku-5-5", "claude-opus-4-5-20251101"]
    );
    assert_eq!(
        of(ProviderId::Google),
        [
            "gemini-2.5-pro",
            "gemini-2.5-flash-image",
            "gemini-embedding-2",
            "imagen-3.0-generate-001",
        ]
    );
    assert_eq!(
        of(ProviderId::Vertex),
        [
            "gemini-2.5-flash-image",
            "claude-haiku-4-5@20251001",
            "text-embedding-005",
        ]
    );
    assert_eq!(of(ProviderId::Azure), ["gpt-5.1", "eu/gpt-5.1"]);
    assert_eq!(
        of(ProviderId::DeepSeek),
        ["deepseek-flash", "deepseek-chat"]
    );
    // The rows of the format's description, of Azure AI and of Tencent.
    assert_eq!(import.of_other_providers, 3);
    let skipped: BTreeMap<_, _> = import
        .skipped
        .iter()
        .map(|skipped| (skipped.name.as_str(), skipped.reason.to_string()))
        .collect();
    let expected = [
        (
            "deepseek-flash",
            "the row `deepseek/deepseek-flash` is for the same model",
        ),
        (
            "gemini-2.5-flash-image",
            "the row `vertex_ai/gemini-2.5-flash-image` is for the same model",
        ),
        (
            "gemini/lyria-3-pro-preview",
            "the row has no price for tokens or images",
        ),
        (
            "gpt-4o-mini-tts",
            "the mode `audio_speech` is not supported",
        ),
        (
            "low/1024-x-1024/gpt-image-1.5",
            "the row is the price of one image size",
        ),
        (
            "openai/container",
            "the row has no price for tokens or images",
        ),
    ];
    let expected = expected.map(|(name, reason)| (name, reason.to_owned()));
    assert_eq!(skipped, BTreeMap::from(expected));
}

#[test]
fn every_field_of_a_row_is_read() {
    let import = excerpt();
    let astra = find(&import, ProviderId::OpenAi, "gpt-6-astra");
    assert_eq!(astra.operations, [Operation::Generate]);
    assert_eq!(astra.max_input_tokens, Some(922_000));
    assert_eq!(astra.max_output_tokens, Some(128_000));
    let standard = &astra.tariff.standard;
    assert_eq!(
        standard.prices,
        Prices {
            cache_read: Some(NanosPerMillion::new(1_000_000_000)),
            cache_write: Some(NanosPerMillion::new(12_500_000_000)),
            cache_write_1h: Some(NanosPerMillion::new(25_000_000_000)),
            ..prices(10_000_000_000, 50_000_000_000)
        }
    );
    assert_eq!(standard.tiers.len(), 1);
    assert_eq!(standard.tiers[0].above_input_tokens, 272_000);
    let long_write = standard.tiers[0].prices.cache_write_1h;
    assert_eq!(long_write, Some(NanosPerMillion::new(50_000_000_000)));
    let names: Vec<_> = astra.tariff.service_tiers.keys().collect();
    assert_eq!(names, ["batch", "flex", "priority", "ultrafast"]);
    let flex = &astra.tariff.service_tiers["flex"];
    assert_eq!(
        flex.tiers[0].prices.output,
        Some(NanosPerMillion::new(37_500_000_000))
    );

    let image = find(&import, ProviderId::Google, "gemini-2.5-flash-image");
    assert_eq!(
        image.operations,
        [Operation::Generate, Operation::GenerateImages]
    );
    let retires: Date = "2027-03-15".parse().unwrap();
    assert_eq!(image.retire_time, Some(retires.start()));
    let sold = image.tariff.standard.prices;
    assert_eq!(
        sold.image_output,
        Some(NanosPerMillion::new(30_000_000_000))
    );
    assert_eq!(sold.image, None, "its images are priced by tokens");
    let imagen = find(&import, ProviderId::Google, "imagen-3.0-generate-001");
    assert_eq!(
        imagen.tariff.standard.prices.image,
        Some(NanosEach::new(40_000_000))
    );
    let embedding = find(&import, ProviderId::Google, "gemini-embedding-2");
    assert_eq!(embedding.operations, [Operation::Embed]);
    assert_eq!(
        embedding.tariff.standard.prices.image_input,
        Some(NanosPerMillion::new(450_000_000))
    );
}

#[test]
fn off_peak_hours_are_read() {
    let import = excerpt();
    let flash = find(&import, ProviderId::DeepSeek, "deepseek-flash");
    let usage = Usage {
        input_tokens: 1_000_000,
        ..Usage::default()
    };
    // A Monday, from hour to hour, and a Saturday.
    let cost = |date: &str, hour: u64| {
        let date: Date = date.parse().unwrap();
        let start = date.start() + Duration::from_hours(hour);
        flash.cost_nanos(&usage, &CostContext::standard(start))
    };
    let peak = |hour: &u64| cost("2026-11-30", *hour) == Some(300_000_000);
    let hours: Vec<u64> = (0..24).filter(peak).collect();
    assert_eq!(hours, [1, 2, 3, 6, 7, 8, 9]);
    assert_eq!(cost("2026-11-30", 0), Some(150_000_000));
    assert_eq!(cost("2026-11-28", 8), Some(150_000_000));
}

#[test]
fn weekdays_may_be_names_and_hours_may_apply_daily() {
    let model = row(
        r#""input_cost_per_token": 2e-6, "off_peak_pricing": {"input_cost_per_token": 1e-6,
            "hours_utc": "00:00-01:00", "weekday_timezone": "UTC",
            "windows": [{"hours_utc": ["02:00-03:00"], "weekdays": ["Sat", "sunday", 3]}]}"#,
    )
    .unwrap();
    let off_peak = model.tariff.off_peak.unwrap();
    let holds = |date: &str, hour: u64| {
        let date: Date = date.parse().unwrap();
        off_peak.holds(date.start() + Duration::from_hours(hour))
    };
    for (date, open) in [
        ("2026-12-01", false),
        ("2026-12-02", true),
        ("2026-12-03", false),
        ("2026-12-05", true),
        ("2026-12-06", true),
    ] {
        assert_eq!(holds(date, 0), Some(true));
        assert_eq!(holds(date, 2), Some(open), "{date}");
    }
}

#[test]
fn the_builtin_prices_equal_those_of_the_list() {
    let catalogue = Catalogue::builtin();
    let import = excerpt();
    let mut compared = 0;
    for listed in &import.models {
        let Some(ours) = catalogue.find(listed.provider, &listed.id) else {
            continue;
        };
        compared += 1;
        let talks = listed.operations.contains(&Operation::Generate);
        for (input, output) in [(1_000, 1_000), (300_000, 0)] {
            let usage = Usage {
                input_tokens: input,
                output_tokens: if talks { output } else { 0 },
                ..Usage::default()
            };
            // A Monday at eight.
            let monday: Date = "2026-11-30".parse().unwrap();
            let start = monday.start() + Duration::from_hours(8);
            for service_tier in ["", "batch", "flex", "priority", "ultrafast"] {
                let context = CostContext {
                    service_tier,
                    start,
                };
                let cost = ours.cost_nanos(&usage, &context);
                let id = &listed.id;
                assert_eq!(
                    cost,
                    listed.cost_nanos(&usage, &context),
                    "{id} {service_tier}"
                );
            }
        }
    }
    assert_eq!(compared, 15);
}

#[test]
fn an_import_overrides_the_builtin_catalogue() {
    let import = excerpt();
    let imported = import.models.len();
    let layer = Layer::of_models("litellm-1.109.1", import.models).unwrap();
    let catalogue = Catalogue::builtin().extend(layer).unwrap();
    assert_eq!(catalogue.version(), "2026-11-26+litellm-1.109.1");
    let eu = catalogue.find(ProviderId::Azure, "eu/gpt-5.1").unwrap();
    assert_eq!(
        eu.tariff.standard.prices.input,
        Some(NanosPerMillion::new(1_375_000_000))
    );
    // A former alias is a model of its own now, and the other model keeps its place.
    let opus = catalogue
        .find(ProviderId::Anthropic, "claude-opus-4-5-20251101")
        .unwrap();
    assert_eq!(opus.id, "claude-opus-4-5-20251101");
    let before = Catalogue::builtin().models().len();
    assert!(catalogue.models().len() < before + imported);
}

#[test]
fn an_invalid_row_is_skipped_and_the_others_are_read() {
    let import = read(
        r#"{
            "fine": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-6},
            "dear": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e9},
            "list": [],
            "nova": {"mode": "chat"},
            "openai/fine": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2e-6},
            "openai/": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2e-6}
        }"#,
    )
    .unwrap();
    let [fine] = &import.models[..] else {
        panic!("{:?}", import.models)
    };
    let input = fine.tariff.standard.prices.input;
    assert_eq!(input, Some(NanosPerMillion::new(2_000_000_000)));
    let skipped: Vec<_> = import.skipped.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(skipped, ["dear", "list", "fine", "openai/"]);
    assert_eq!(import.of_other_providers, 1);
}

#[test]
fn a_skipped_row_names_its_fault() {
    let field = |fields: &str| match row(fields) {
        Err(SkipReason::Field(field) | SkipReason::DuplicatePrice(field)) => field,
        other => panic!("{fields}: {other:?}"),
    };
    for (fields, wrong) in [
        (r#""input_cost_per_token": -1e-6"#, "input_cost_per_token"),
        (r#""input_cost_per_token": "1e-6""#, "input_cost_per_token"),
        (
            r#""output_cost_per_token_flex": {}"#,
            "output_cost_per_token_flex",
        ),
        (
            r#""input_cost_per_token": 1e-6, "max_input_tokens": "many""#,
            "max_input_tokens",
        ),
        (
            r#""input_cost_per_token": 1e-6, "deprecation_date": "soon""#,
            "deprecation_date",
        ),
        (
            r#""cache_creation_input_token_cost_above_1hr": 1e-6,
                "cache_creation_input_token_cost_above_12hr": 1e-6"#,
            "cache_creation_input_token_cost_above_1hr",
        ),
        (
            r#""input_cost_per_token": 1e-6, "off_peak_pricing": {"hours_utc": "never"}"#,
            "off_peak_pricing",
        ),
        (
            r#""input_cost_per_token": 1e-6,
                "off_peak_pricing": {"hours_utc": [], "weekday_timezone": "Asia/Shanghai"}"#,
            "off_peak_pricing",
        ),
        (
            r#""input_cost_per_token": 1e-6, "off_peak_pricing": {"input_cost_per_token_flex": 1}"#,
            "off_peak_pricing",
        ),
        (
            r#""input_cost_per_token": 1e-6,
                "off_peak_pricing": {"windows": [{"hours_utc": "00:00-01:00", "weekdays": [8]}]}"#,
            "off_peak_pricing",
        ),
    ] {
        assert_eq!(field(fields), wrong);
    }
    assert!(matches!(
        row(r#""mode": "rerank""#),
        Err(SkipReason::Mode(_))
    ));
    assert!(matches!(
        row(r#""input_cost_per_token": null"#),
        Err(SkipReason::NoPrice)
    ));
    assert!(matches!(
        row(r#""input_cost_per_token": 0.0"#),
        Err(SkipReason::NoPrice)
    ));
    assert!(row(r#""input_cost_per_token": 1e-6, "max_input_tokens": null"#).is_ok());
}

#[test]
fn other_texts_are_refused_as_a_price_list() {
    for text in ["", "[]", "null", "{", "{} {}", r#"{"a": }"#] {
        assert!(read(text).is_err(), "{text}");
    }
    assert!(read("{}").unwrap().models.is_empty());
}
