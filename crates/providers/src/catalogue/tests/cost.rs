use std::time::{Duration, SystemTime};

use latchkey_contract::router::v1::Usage;

use super::super::*;
use super::{model, parse};

/// An hour of a day.
fn at(date: &str, hour: u64) -> SystemTime {
    date.parse::<Date>().unwrap().start() + Duration::from_hours(hour)
}

/// The context of a call on a Monday at noon in the standard tier.
fn standard() -> CostContext<'static> {
    CostContext::standard(at("2026-11-30", 12))
}

fn tier(service_tier: &str) -> CostContext<'_> {
    CostContext {
        service_tier,
        ..standard()
    }
}

fn input(input_tokens: i64) -> Usage {
    Usage {
        input_tokens,
        ..Usage::default()
    }
}

fn find(provider: ProviderId, name: &str) -> Model {
    Catalogue::builtin().find(provider, name).unwrap().clone()
}

#[test]
fn cost_is_by_class_and_rounded_up() {
    let opus = find(ProviderId::Anthropic, "claude-opus-4-7");
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
    assert_eq!(opus.cost_nanos(&usage, &standard()), Some(9_675_000));
    assert_eq!(opus.cost_nanos(&Usage::default(), &standard()), Some(0));

    let prices = Prices {
        input: Some(NanosPerMillion::new(1)),
        ..Prices::default()
    };
    assert_eq!(prices.cost_nanos(&input(1)), Some(1));
    assert_eq!(prices.cost_nanos(&input(1_000_000)), Some(1));
    assert_eq!(prices.cost_nanos(&input(1_000_001)), Some(2));
    assert_eq!(prices.cost_nanos(&input(-1)), None);
}

#[test]
fn a_used_class_without_price_has_no_cost() {
    let gpt = find(ProviderId::OpenAi, "gpt-4o");
    let written = Usage {
        cache_write_tokens: 1,
        ..input(1)
    };
    assert_eq!(gpt.cost_nanos(&written, &standard()), None);
}

#[test]
fn images_are_priced_per_image_or_per_token() {
    let tokens = NanosPerMillion::new(30_000_000_000);
    let piece = NanosEach::new(39_000_000);
    let prices = |image_output, image| Prices {
        input: Some(NanosPerMillion::new(1_000_000)),
        image_output,
        image,
        ..Prices::default()
    };
    let made = |image_count, image_output_tokens| Usage {
        image_count,
        image_output_tokens,
        ..input(7)
    };
    let by_piece = prices(None, Some(piece));
    let by_token = prices(Some(tokens), None);
    let by_both = prices(Some(tokens), Some(piece));
    let unknown = prices(None, None);
    assert_eq!(by_piece.cost_nanos(&made(2, 0)), Some(78_000_007));
    assert_eq!(by_piece.cost_nanos(&made(2, 2_580)), Some(78_000_007));
    assert_eq!(by_token.cost_nanos(&made(2, 2_580)), Some(77_400_007));
    assert_eq!(by_both.cost_nanos(&made(2, 2_580)), Some(155_400_007));
    // Images that were counted in another unit than they are priced in.
    assert_eq!(by_token.cost_nanos(&made(2, 0)), None);
    assert_eq!(by_piece.cost_nanos(&made(0, 2_580)), None);
    assert_eq!(unknown.cost_nanos(&made(1, 0)), None);
    assert_eq!(unknown.cost_nanos(&made(0, 1)), None);
    assert_eq!(unknown.cost_nanos(&made(0, 0)), Some(7));
    assert_eq!(by_both.cost_nanos(&made(-1, 0)), None);
    assert_eq!(by_both.cost_nanos(&made(i64::MAX, 0)), None);
}

#[test]
fn image_input_without_a_price_costs_as_much_as_other_input() {
    let prices = Prices {
        input: Some(NanosPerMillion::new(5_000_000)),
        ..Prices::default()
    };
    let usage = Usage {
        image_input_tokens: 10,
        ..input(1)
    };
    assert_eq!(prices.cost_nanos(&usage), Some(55));
    let apart = Prices {
        image_input: Some(NanosPerMillion::new(8_000_000)),
        ..prices
    };
    assert_eq!(apart.cost_nanos(&usage), Some(85));
    let gpt_image = find(ProviderId::OpenAi, "gpt-image-2");
    let image_usage = Usage {
        image_output_tokens: 4_000,
        image_count: 1,
        ..usage
    };
    // 1 × $5 + 10 × $8 + 4,000 × $30, per million tokens.
    let cost = gpt_image.cost_nanos(&image_usage, &standard());
    assert_eq!(cost, Some(120_085_000));
}

#[test]
fn a_tier_prices_the_whole_call() {
    let usage = |input_tokens, cache_read_tokens| Usage {
        cache_read_tokens,
        output_tokens: 1_000_000,
        ..input(input_tokens)
    };
    let gpt = find(ProviderId::OpenAi, "gpt-5.4");
    let cost = |usage| gpt.cost_nanos(&usage, &standard());
    assert_eq!(cost(usage(272_000, 0)), Some(680_000_000 + 15_000_000_000));
    assert_eq!(
        cost(usage(272_001, 0)),
        Some(1_360_005_000 + 22_500_000_000)
    );
    let with_images = Usage {
        image_input_tokens: 1,
        ..usage(272_000, 0)
    };
    assert_eq!(cost(with_images), cost(usage(272_001, 0)));
    let haiku = find(ProviderId::Anthropic, "claude-haiku-5-5");
    assert_eq!(
        haiku.cost_nanos(&usage(50_000, 50_001), &standard()),
        Some(25_000_000 + 2_500_050 + 2_500_000_000)
    );
}

#[test]
fn a_class_without_a_price_in_a_tier_has_no_cost_there() {
    let text = "prices = { input = 1, output = 1 }
        tiers = [{ above_input_tokens = 10, prices = { input = 2 } }]";
    let catalogue = parse(&model(text)).unwrap();
    let m = catalogue.find(ProviderId::OpenAi, "m").unwrap();
    let cost = |input_tokens, output_tokens| {
        let usage = Usage {
            output_tokens,
            ..input(input_tokens)
        };
        m.cost_nanos(&usage, &standard())
    };
    assert_eq!(cost(10, 1), Some(1));
    assert_eq!(cost(11, 0), Some(1));
    assert_eq!(cost(11, 1), None);
}

#[test]
fn a_service_tier_has_its_own_prices() {
    let gpt = find(ProviderId::OpenAi, "gpt-5.4");
    let million = input(100_000);
    let cost = |name| gpt.cost_nanos(&million, &tier(name));
    assert_eq!(cost(""), Some(250_000_000));
    assert_eq!(cost("flex"), Some(125_000_000));
    assert_eq!(cost("batch"), Some(125_000_000));
    assert_eq!(cost("priority"), Some(500_000_000));
    assert_eq!(cost("PRIORITY"), cost("priority"));
    for absence in ["default", "standard", "auto", "on_demand", "ON_DEMAND"] {
        assert_eq!(cost(absence), cost(""));
    }
}

#[test]
fn an_unknown_service_tier_has_no_cost() {
    let gpt = find(ProviderId::OpenAi, "gpt-5.4");
    for name in ["scale", "fast", " ", "provisioned_throughput"] {
        assert_eq!(gpt.cost_nanos(&input(1), &tier(name)), None, "{name}");
    }
}

#[test]
fn long_input_has_no_cost_in_a_service_tier_that_does_not_price_it() {
    let gpt = find(ProviderId::OpenAi, "gpt-5.4");
    let long = input(300_000);
    assert_eq!(gpt.cost_nanos(&long, &tier("")), Some(1_500_000_000));
    assert_eq!(gpt.cost_nanos(&long, &tier("flex")), Some(750_000_000));
    // OpenAI's price page has no such price.
    assert_eq!(gpt.cost_nanos(&long, &tier("priority")), None);
}

#[test]
fn deepseek_is_cheaper_off_peak() {
    let pro = find(ProviderId::DeepSeek, "deepseek-v4-pro");
    let cost = |date: &str, hour| {
        let context = CostContext::standard(at(date, hour));
        pro.cost_nanos(&input(1_000_000), &context)
    };
    // A Thursday, a Saturday, and a Thursday that was a holiday.
    assert_eq!(cost("2026-11-26", 0), Some(660_000_000));
    assert_eq!(cost("2026-11-26", 1), Some(1_320_000_000));
    assert_eq!(cost("2026-11-26", 4), Some(660_000_000));
    assert_eq!(cost("2026-11-26", 9), Some(1_320_000_000));
    assert_eq!(cost("2026-11-26", 10), Some(660_000_000));
    assert_eq!(cost("2026-11-28", 9), Some(660_000_000));
    assert_eq!(cost("2026-10-01", 9), Some(660_000_000));
    // The first day may be a holiday; the second is a Saturday.
    assert_eq!(cost("2027-01-04", 9), None);
    assert_eq!(cost("2027-01-04", 12), Some(660_000_000));
    assert_eq!(cost("2027-01-02", 9), Some(660_000_000));
}

#[test]
fn an_announced_price_applies_from_its_date() {
    let argon = find(ProviderId::Google, "gemini-4-argon");
    let cost = |start, service_tier| {
        let context = CostContext {
            service_tier,
            start,
        };
        argon.cost_nanos(&input(1_000_000), &context)
    };
    assert_eq!(cost(at("2026-11-30", 23), ""), Some(2_000_000_000));
    assert_eq!(cost(at("2026-12-01", 0), ""), Some(4_000_000_000));
    assert_eq!(cost(at("2026-11-30", 23), "flex"), Some(1_000_000_000));
    assert_eq!(cost(at("2026-12-01", 0), "flex"), None);
    let elsewhere = find(ProviderId::Vertex, "gemini-4-argon");
    let later = CostContext::standard(at("2026-12-01", 0));
    assert_eq!(elsewhere.cost_nanos(&input(1), &later), None);
}

#[test]
fn a_cost_beyond_i64_is_none() {
    let prices = Prices {
        input: Some(NanosPerMillion::new(i64::MAX)),
        output: Some(NanosPerMillion::new(i64::MAX)),
        ..Prices::default()
    };
    let usage = Usage {
        output_tokens: i64::MAX,
        reasoning_tokens: i64::MAX,
        ..input(i64::MAX)
    };
    assert_eq!(prices.cost_nanos(&usage), None);
    let everything = Usage {
        cache_read_tokens: 1,
        ..input(i64::MAX)
    };
    for model in Catalogue::builtin().models() {
        assert_eq!(model.cost_nanos(&everything, &standard()), None);
    }
}
