use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_contract::router::v1::catalogue_service_client::CatalogueServiceClient;
use latchkey_contract::router::v1::{
    CatalogueModel, LongContextPrices, Operation, PriceList, UpsertCatalogueModelRequest,
};
use latchkey_migrations::testing::Backend;
use prost_types::Timestamp;
use tonic::Code;

use super::{GPT_4_1, get, priced, upsert};
use crate::harness::{APP, Answer, OPERATOR, Router, chat, gpt, refused};
use crate::on_both_databases;

const OURS: &str = "providers/custom/models/llama-4";

on_both_databases!(
    a_model_is_stored_as_it_was_sent,
    a_later_upsert_replaces_the_whole_model,
    a_call_is_priced_by_the_operators_override,
    upserting_without_the_database_is_unavailable,
);

/// A model with every field set.
fn full() -> CatalogueModel {
    let list = |nanos| PriceList {
        input_nanos: Some(nanos),
        cache_read_nanos: Some(nanos + 1),
        cache_write_nanos: Some(nanos + 2),
        cache_write_1h_nanos: Some(nanos + 3),
        output_nanos: Some(nanos + 4),
        reasoning_nanos: Some(nanos + 5),
        image_input_nanos: Some(nanos + 6),
        image_output_nanos: Some(nanos + 7),
        image_nanos: Some(nanos + 8),
    };
    CatalogueModel {
        name: OURS.to_owned(),
        aliases: vec!["llama".to_owned()],
        max_input_tokens: 128_000,
        max_output_tokens: 8_192,
        operations: vec![Operation::Generate.into(), Operation::CountTokens.into()],
        prices: Some(list(0)),
        long_context_prices: vec![LongContextPrices {
            above_input_tokens: 64_000,
            prices: Some(list(100)),
        }],
        service_tier_prices: BTreeMap::from([("flex".to_owned(), list(200))]),
        retire_time: Some(Timestamp {
            seconds: 1_800_000_000,
            nanos: 7_000,
        }),
        ..CatalogueModel::default()
    }
}

async fn a_model_is_stored_as_it_was_sent(router: Router) {
    let model = upsert(&router, full()).await.unwrap();
    assert!(model.overridden);
    assert!(model.price_version.ends_with("+overrides-1"), "{model:?}");
    let expected = CatalogueModel {
        price_version: model.price_version.clone(),
        overridden: true,
        ..full()
    };
    assert_eq!(model, expected);
    assert_eq!(get(&router, APP, OURS).await.unwrap(), expected);
    let router = router.restart().await;
    let alias = "providers/custom/models/llama";
    assert_eq!(get(&router, APP, alias).await.unwrap(), expected);
}

async fn a_later_upsert_replaces_the_whole_model(router: Router) {
    upsert(&router, full()).await.unwrap();
    let model = upsert(&router, priced(OURS, 5)).await.unwrap();
    assert_eq!(model.prices, priced(OURS, 5).prices);
    assert_eq!(model.max_input_tokens, 0);
    assert!(model.aliases.is_empty() && model.service_tier_prices.is_empty());
    assert!(model.price_version.ends_with("+overrides-2"), "{model:?}");
}

async fn a_call_is_priced_by_the_operators_override(router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    let before = router.generate(gpt()).await.unwrap();
    let mut model = priced(GPT_4_1, 1_000_000_000);
    let prices = model.prices.as_mut().unwrap();
    prices.cache_read_nanos = Some(1_000_000_000);
    let model = upsert(&router, model).await;
    let version = model.unwrap().price_version;
    router.clock.advance(Duration::from_secs(1));
    let after = router.generate(gpt()).await.unwrap();
    let (before, after) = (&before.attempts[0], &after.attempts[0]);
    let usage = after.usage.unwrap();
    let input = usage.input_tokens + usage.cache_read_tokens;
    let tokens = input + usage.output_tokens + usage.reasoning_tokens;
    assert_eq!(after.cost_nanos, Some(tokens * 1_000));
    assert_eq!(after.price_version, version);
    assert_ne!(before.price_version, version);
    // Earlier attempts keep their cost.
    let attempts = router.attempts().await;
    let costs: Vec<_> = attempts.iter().map(|attempt| attempt.cost_nanos).collect();
    assert_eq!(costs, [after.cost_nanos, before.cost_nanos]);
}

async fn upserting_without_the_database_is_unavailable(router: Router) {
    router
        .execute("ALTER TABLE catalogue_models RENAME TO models_away")
        .await;
    let outcome = upsert(&router, priced(OURS, 5)).await;
    let refusal = refused(outcome, Code::Unavailable, "DATABASE_UNAVAILABLE");
    assert!(refusal.retry_after.is_some());
    assert!(get(&router, APP, GPT_4_1).await.is_ok());
    router
        .execute("ALTER TABLE models_away RENAME TO catalogue_models")
        .await;
    assert!(upsert(&router, priced(OURS, 5)).await.is_ok());
}

#[tokio::test]
async fn a_malformed_field_is_named() {
    let router = Router::start(Backend::Sqlite).await;
    let with = |change: &dyn Fn(&mut CatalogueModel)| {
        let mut model = full();
        change(&mut model);
        model
    };
    let negative = || {
        Some(PriceList {
            reasoning_nanos: Some(-1),
            ..PriceList::default()
        })
    };
    let tier = |above_input_tokens, prices| LongContextPrices {
        above_input_tokens,
        prices,
    };
    let list = Some(PriceList::default());
    for (model, field) in [
        (with(&|m| m.name = "llama".to_owned()), "model.name"),
        (
            with(&|m| m.name = "providers/unknown/models/m".to_owned()),
            "model.name",
        ),
        (
            with(&|m| m.name = format!("providers/custom/models/{}", "m".repeat(257))),
            "model.name",
        ),
        (
            with(&|m| m.name = "providers/custom/models/a\nb".to_owned()),
            "model.name",
        ),
        (with(&|m| m.aliases.push(String::new())), "model.aliases[1]"),
        (
            with(&|m| m.aliases = vec!["a".to_owned(); 101]),
            "model.aliases",
        ),
        (with(&|m| m.aliases.push("llama".to_owned())), "model"),
        (with(&|m| m.max_input_tokens = -1), "model.max_input_tokens"),
        (
            with(&|m| m.max_output_tokens = -1),
            "model.max_output_tokens",
        ),
        (with(&|m| m.operations.push(99)), "model.operations[2]"),
        (with(&|m| m.operations.push(0)), "model.operations[2]"),
        (with(&|m| m.operations.push(1)), "model.operations[2]"),
        (
            with(&|m| m.prices = negative()),
            "model.prices.reasoning_nanos",
        ),
        (
            with(&|m| m.long_context_prices.push(tier(64_000, list))),
            "model.long_context_prices[1].above_input_tokens",
        ),
        (
            with(&|m| m.long_context_prices[0] = tier(0, list)),
            "model.long_context_prices[0].above_input_tokens",
        ),
        (
            with(&|m| m.long_context_prices.push(tier(65_000, None))),
            "model.long_context_prices[1].prices",
        ),
        (
            with(&|m| m.long_context_prices.push(tier(65_000, negative()))),
            "model.long_context_prices[1].prices.reasoning_nanos",
        ),
        (
            with(&|m| {
                m.service_tier_prices
                    .insert("flex".to_owned(), negative().unwrap());
            }),
            "model.service_tier_prices[flex].reasoning_nanos",
        ),
        (
            with(&|m| {
                m.service_tier_prices
                    .insert("Flex".to_owned(), PriceList::default());
            }),
            "model",
        ),
        (
            with(&|m| {
                m.retire_time = Some(Timestamp {
                    seconds: -1,
                    nanos: 0,
                });
            }),
            "model.retire_time",
        ),
    ] {
        let outcome = upsert(&router, model).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    let mut client = CatalogueServiceClient::new(router.channel(OPERATOR));
    let nothing = UpsertCatalogueModelRequest { model: None };
    let outcome = client.upsert_catalogue_model(nothing).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["model"]);
    let got = get(&router, APP, OURS).await;
    refused(got, Code::NotFound, "MODEL_NOT_FOUND");
}

#[tokio::test]
async fn an_alias_of_another_model_is_refused() {
    let router = Router::start(Backend::Sqlite).await;
    upsert(&router, full()).await.unwrap();
    let outcome = upsert(&router, priced("providers/custom/models/llama", 1)).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["model.aliases"]);
    assert!(refusal.message.contains("`llama`"), "{}", refusal.message);
}
