use latchkey_contract::router::v1::{LongContextPrices, Operation, PriceList};
use latchkey_migrations::testing::Backend;
use tonic::Code;

use super::{get, upsert};
use crate::catalogue::priced;
use crate::harness::{APP, OPERATOR, OTHER_CALLER, OWNER, Router, refused};

#[tokio::test]
async fn a_model_is_returned_with_all_known_fields() {
    let router = Router::start(Backend::Sqlite).await;
    let model = get(&router, APP, "providers/openai/models/gpt-5.4")
        .await
        .unwrap();
    assert_eq!(model.name, "providers/openai/models/gpt-5.4");
    assert_eq!(model.aliases, ["gpt-5.4-2026-03-05"]);
    assert_eq!(model.max_input_tokens, 1_050_000);
    assert_eq!(model.max_output_tokens, 128_000);
    assert_eq!(model.operations, [i32::from(Operation::Generate)]);
    assert_eq!(
        model.prices,
        Some(PriceList {
            input_nanos: Some(2_500_000_000),
            cache_read_nanos: Some(250_000_000),
            output_nanos: Some(15_000_000_000),
            ..PriceList::default()
        })
    );
    let long = PriceList {
        input_nanos: Some(5_000_000_000),
        cache_read_nanos: Some(500_000_000),
        output_nanos: Some(22_500_000_000),
        ..PriceList::default()
    };
    assert_eq!(
        model.long_context_prices,
        [LongContextPrices {
            above_input_tokens: 272_000,
            prices: Some(long),
        }]
    );
    let flex = &model.service_tier_prices["flex"];
    assert_eq!(flex.output_nanos, Some(7_500_000_000));
    assert_eq!(model.retire_time, None);
    assert!(!model.price_version.is_empty());
    assert!(!model.overridden);
}

#[tokio::test]
async fn the_prices_of_the_current_day_are_returned() {
    let router = Router::start(Backend::Sqlite).await;
    let input = || async {
        let model = get(&router, APP, "providers/google/models/gemini-4-argon").await;
        model.unwrap().prices.unwrap().input_nanos
    };
    assert_eq!(input().await, Some(2_000_000_000));
    router
        .clock
        .advance(std::time::Duration::from_hours(24 * 10));
    assert_eq!(input().await, Some(4_000_000_000));
}

#[tokio::test]
async fn an_alias_finds_its_model() {
    let router = Router::start(Backend::Sqlite).await;
    let model = get(&router, APP, "providers/openai/models/gpt-4o-2024-08-06")
        .await
        .unwrap();
    assert_eq!(model.name, "providers/openai/models/gpt-4o");
    assert_eq!(model.retire_time.unwrap().seconds, 1_799_884_800);
}

#[tokio::test]
async fn every_caller_with_a_role_may_read_prices() {
    let router = Router::start(Backend::Sqlite).await;
    for caller in [APP, OTHER_CALLER, OPERATOR, OWNER] {
        assert!(
            get(&router, caller, super::GPT_4_1).await.is_ok(),
            "{caller:?}"
        );
    }
}

#[tokio::test]
async fn a_name_may_have_slashes() {
    let router = Router::start(Backend::Sqlite).await;
    let name = "providers/openrouter/models/author/slug:free";
    upsert(&router, priced(name, 0)).await.unwrap();
    assert_eq!(get(&router, APP, name).await.unwrap().name, name);
    let other = "providers/openrouter/models/author/slug";
    refused(
        get(&router, APP, other).await,
        Code::NotFound,
        "MODEL_NOT_FOUND",
    );
}

#[tokio::test]
async fn a_malformed_name_is_refused() {
    let router = Router::start(Backend::Sqlite).await;
    for name in [
        "",
        "models/gpt-4.1",
        "providers/openai/models/",
        "providers/unknown/models/m",
    ] {
        let got = get(&router, APP, name).await;
        let refusal = refused(got, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, ["name"], "{name}");
    }
}
