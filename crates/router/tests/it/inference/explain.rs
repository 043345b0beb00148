//! `Explain`.

use std::time::Duration;

use latchkey_contract::router::v1::explain_request::Request as Explained;
use latchkey_contract::router::v1::{
    EmbedRequest, Expectations, ExplainRequest, ExplainedKey, ExplainedModel, Fallback, Funding,
    GenerateImagesRequest, GenerateRequest, Payer, PriceEstimate, funding,
};
use latchkey_contract::vault::v1::{self, Capability, Lease, ResolveRequest};
use latchkey_migrations::testing::Backend;
use serde_json::json;
use tonic::{Code, Status};

use crate::harness::{
    ACME, APP, Answer, Router, START, StoredKeys, chat, gpt, key, of, own, refused, shared, version,
};

const CLAUDE: &str = "anthropic/claude-sonnet-5";

async fn router(keys: impl IntoIterator<Item = Lease>) -> Router {
    let router = Router::start(Backend::Sqlite).await;
    router.vault_grants(keys);
    router
}

/// A router with these keys, in a workspace whose `when_failed` is PLATFORM.
async fn lenient(keys: impl IntoIterator<Item = Lease>) -> Router {
    let router = Router::start(Backend::Sqlite).await;
    router.vault_grants_from(StoredKeys {
        keys: keys.into_iter().collect(),
        platform_after_failure: true,
        ..StoredKeys::default()
    });
    router
}

async fn try_explain(router: &Router, request: Explained) -> Result<Vec<ExplainedModel>, Status> {
    let request = ExplainRequest {
        request: Some(request),
    };
    let explained = router.inference(APP).explain(request).await;
    explained.map(|explained| explained.into_inner().models)
}

async fn explain(router: &Router, request: GenerateRequest) -> Vec<ExplainedModel> {
    try_explain(router, Explained::Generate(request))
        .await
        .unwrap()
}

/// The keys of the only model.
async fn keys(router: &Router, request: GenerateRequest) -> Vec<ExplainedKey> {
    let [model] = <[_; 1]>::try_from(explain(router, request).await).unwrap();
    model.keys
}

/// The ids, steps and rules of keys.
fn summary(keys: &[ExplainedKey]) -> Vec<(&str, i32, &str)> {
    let summary = keys.iter().map(|key| {
        let (_, id) = key.key.rsplit_once('/').unwrap();
        (id, key.step, &*key.rule)
    });
    summary.collect()
}

fn falling_back(to: &str, request: GenerateRequest) -> GenerateRequest {
    let (provider, model) = to.split_once('/').unwrap();
    let fallback = Fallback {
        provider: provider.to_owned(),
        model: model.to_owned(),
        key: String::new(),
    };
    GenerateRequest {
        fallbacks: vec![fallback],
        ..request
    }
}

fn failed(status: u16) -> Answer {
    Answer::json(
        status,
        &json!({"error": {"message": "text of the provider"}}),
    )
}

fn in_seconds(seconds: i64) -> prost_types::Timestamp {
    let (now, nanos) = START.to_unix();
    prost_types::Timestamp {
        seconds: now + seconds,
        nanos: i32::try_from(nanos).unwrap(),
    }
}

#[tokio::test]
async fn every_key_is_explained_with_its_payer_model_and_price() {
    let router = lenient([own("a"), own("b"), shared("p")]).await;
    let request = GenerateRequest {
        max_output_tokens: Some(10),
        ..gpt()
    };
    let [model] = <[_; 1]>::try_from(explain(&router, request).await).unwrap();
    let target = (&*model.provider, &*model.model, model.fallback);
    assert_eq!(target, ("openai", "gpt-4.1", false));
    assert_eq!(model.refusal, None);
    let expected = [("a", 1, ""), ("b", 1, ""), ("p", 2, "")];
    assert_eq!(summary(&model.keys), expected);
    let price = model.keys[0].price.clone().unwrap();
    let expected = ExplainedKey {
        key: key(ACME, "a"),
        key_version: version(ACME, "a"),
        material_tail: "wxyz".to_owned(),
        provider: "openai".to_owned(),
        payer: Payer::OwnKey.into(),
        model: "gpt-4.1".to_owned(),
        step: 1,
        weight: 1,
        price: Some(PriceEstimate {
            // "Hello" has 5 bytes, and the message adds at most 16 tokens.
            input_tokens: 2,
            highest_input_tokens: Some(21),
            highest_output_tokens: Some(10),
            // The prices are $2 and $8 per million tokens.
            cost_nanos: Some(2 * 2_000 + 10 * 8_000),
            highest_cost_nanos: Some(21 * 2_000 + 10 * 8_000),
            price_version: price.price_version.clone(),
        }),
        ..ExplainedKey::default()
    };
    assert_ne!(price.price_version, "");
    assert_eq!(model.keys[0], expected);
    assert_eq!(model.keys[2].payer(), Payer::Platform);
}

#[tokio::test]
async fn the_exclusion_rules_of_the_vault_are_passed_on() {
    let mut narrow = own("b");
    narrow.denied_models = vec!["gpt-4.1".to_owned()];
    let router = router([shared("p"), narrow, own("a")]).await;
    let keys = keys(&router, gpt()).await;
    let expected = [
        ("a", 1, ""),
        ("p", 0, "OWN_KEY_FIRST"),
        ("b", 0, "MODEL_DENIED"),
    ];
    assert_eq!(summary(&keys), expected);
}

#[tokio::test]
async fn explaining_leases_calls_and_writes_nothing() {
    let router = lenient([own("a"), shared("p")]).await;
    for _ in 0..2 {
        explain(&router, falling_back(CLAUDE, gpt())).await;
    }
    let queries = router.vault.queries();
    // No lease was cached.
    assert_eq!(queries.len(), 4);
    assert!(queries.iter().all(|query| query.dry_run));
    assert!(router.provider.calls().is_empty());
    assert!(router.attempts().await.is_empty());
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
    assert!(!router.vault.queries()[4].dry_run);
}

#[tokio::test]
async fn explaining_sends_the_query_that_the_call_would_send() {
    let router = router([own("a")]).await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    let request = GenerateRequest {
        parent: "workspaces/acme/projects/web".to_owned(),
        funding: Some(Funding {
            when_missing: funding::FundingFallback::Refuse.into(),
            ..Funding::default()
        }),
        expectations: Some(Expectations {
            payer: Payer::OwnKey.into(),
            ..Expectations::default()
        }),
        ..gpt()
    };
    explain(&router, request.clone()).await;
    router.generate(request).await.unwrap();
    let [explained, called] = <[_; 2]>::try_from(router.vault.queries()).unwrap();
    assert_eq!(explained.caller, APP.requester());
    let expected = ResolveRequest {
        dry_run: true,
        ..called
    };
    assert_eq!(explained, expected);
}

#[tokio::test]
async fn embeddings_and_images_are_explained_too() {
    let router = router([own("a")]).await;
    let embed = EmbedRequest {
        parent: ACME.to_owned(),
        provider: "openai".to_owned(),
        model: "text-embedding-3-small".to_owned(),
        inputs: vec!["Good day".to_owned()],
        ..EmbedRequest::default()
    };
    let models = try_explain(&router, Explained::Embed(embed)).await.unwrap();
    let price = models[0].keys[0].price.as_ref().unwrap();
    assert_eq!(
        (price.input_tokens, price.highest_output_tokens),
        (2, Some(0))
    );
    assert!(price.highest_cost_nanos.is_some());
    let images = GenerateImagesRequest {
        parent: ACME.to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-image-1".to_owned(),
        prompt: "a cat".to_owned(),
        ..GenerateImagesRequest::default()
    };
    let models = try_explain(&router, Explained::GenerateImages(images))
        .await
        .unwrap();
    // The price is per token, and the number of tokens of an image is unknown.
    let price = models[0].keys[0].price.as_ref().unwrap();
    assert_eq!(price.cost_nanos, None);
    let capabilities: Vec<_> = router
        .vault
        .queries()
        .iter()
        .map(ResolveRequest::capability)
        .collect();
    assert_eq!(
        capabilities,
        [Capability::Embed, Capability::GenerateImages]
    );
}

#[tokio::test]
async fn fallbacks_are_explained_as_if_the_earlier_models_had_failed() {
    let anthropic = || of("anthropic", shared("q"));
    let strict = router([own("a"), anthropic()]).await;
    let models = explain(&strict, falling_back(CLAUDE, gpt())).await;
    assert_eq!(summary(&models[0].keys), [("a", 1, "")]);
    assert!(models[1].fallback);
    assert_eq!(summary(&models[1].keys), [("q", 0, "PLATFORM_NOT_ALLOWED")]);
    let refusal = models[1].refusal.as_ref().unwrap();
    assert_eq!(refusal.reason, "OWN_KEY_REQUIRED");
    assert_eq!(refusal.metadata["platform/keys/q"], "PLATFORM_NOT_ALLOWED");

    let lenient = lenient([own("a"), anthropic()]).await;
    let models = explain(&lenient, falling_back(CLAUDE, gpt())).await;
    assert_eq!(summary(&models[1].keys), [("q", 1, "")]);
    let last = lenient.vault.queries().pop().unwrap();
    assert_eq!((last.own_key_failed, last.payer), (true, 0));

    // Once the platform has paid for an attempt, it keeps paying.
    strict.vault_grants([shared("p"), of("anthropic", own("c")), anthropic()]);
    let models = explain(&strict, falling_back(CLAUDE, gpt())).await;
    let expected = [("q", 1, ""), ("c", 0, "PAYER_DIFFERS")];
    assert_eq!(summary(&models[1].keys), expected);
    let last = strict.vault.queries().pop().unwrap();
    assert_eq!(last.payer(), v1::Payer::Platform);
    assert!(!last.own_key_failed);
}

#[tokio::test]
async fn the_workspaces_fallbacks_are_explained_for_a_request_without_any() {
    for keys in [vec![own("a"), of("anthropic", own("c"))], Vec::new()] {
        let router = router([]).await;
        router.vault_grants_from(StoredKeys {
            keys,
            fallbacks: vec![CLAUDE],
            ..StoredKeys::default()
        });
        let models = explain(&router, gpt()).await;
        let named: Vec<_> = models.iter().map(|model| &*model.model).collect();
        assert_eq!(named, ["gpt-4.1", "claude-sonnet-5"]);
        let without = GenerateRequest {
            no_fallback: true,
            ..gpt()
        };
        assert_eq!(explain(&router, without).await.len(), 1);
    }
}

#[tokio::test]
async fn a_cooling_key_is_explained_with_the_provider_message() {
    let router = lenient([own("a"), own("b"), shared("p")]).await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    for id in ["a", "b"] {
        let answer = failed(429).with("retry-after", "20");
        router.provider.returns_to(id, answer);
    }
    router.generate(gpt()).await.unwrap();
    let calls = router.provider.calls().len();
    let models = explain(&router, gpt()).await;
    let expected = [
        ("p", 1, ""),
        ("a", 0, "COOLING_DOWN"),
        ("b", 0, "COOLING_DOWN"),
    ];
    assert_eq!(summary(&models[0].keys), expected);
    let cooling = &models[0].keys[1];
    assert_eq!(cooling.until_time, Some(in_seconds(20)));
    assert_eq!(cooling.detail, "text of the provider");
    assert_eq!(models[0].refusal, None);
    assert_eq!(router.provider.calls().len(), calls);
    // The cool-down is for this model only, and ends.
    let other = GenerateRequest {
        model: "gpt-4o".to_owned(),
        ..gpt()
    };
    assert_eq!(keys(&router, other).await[0].rule, "");
    router.clock.advance(Duration::from_secs(20));
    let expected = [("a", 1, ""), ("b", 1, ""), ("p", 2, "")];
    assert_eq!(summary(&keys(&router, gpt()).await), expected);
}

#[tokio::test]
async fn an_open_breaker_is_explained_without_taking_the_trial() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.attempts.per_key = 1;
        config.attempts.breaker_failures = 1;
    })
    .await;
    router.vault_grants([own("a")]);
    router.provider.returns(failed(500));
    router.generate(gpt()).await.unwrap_err();
    let models = explain(&router, gpt()).await;
    assert_eq!(summary(&models[0].keys), [("a", 0, "BREAKER_OPEN")]);
    assert_eq!(models[0].keys[0].until_time, Some(in_seconds(10)));
    let refusal = models[0].refusal.as_ref().unwrap();
    assert_eq!(refusal.reason, "PROVIDER_UNAVAILABLE");
    router.clock.advance(Duration::from_secs(10));
    for _ in 0..2 {
        assert_eq!(summary(&keys(&router, gpt()).await), [("a", 1, "")]);
    }
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
}

#[tokio::test]
async fn a_key_above_the_cost_limit_is_explained() {
    let router = router([own("a"), of("anthropic", shared("q"))]).await;
    let request = GenerateRequest {
        max_output_tokens: Some(10),
        expectations: Some(Expectations {
            max_cost_nanos: Some(121_999),
            ..Expectations::default()
        }),
        ..falling_back(CLAUDE, gpt())
    };
    let models = explain(&router, request).await;
    assert_eq!(summary(&models[0].keys), [("a", 0, "COST_EXPECTATION")]);
    let refusal = models[0].refusal.as_ref().unwrap();
    assert_eq!(refusal.reason, "EXPECTATION_UNMET");
    assert_eq!(refusal.metadata["expectation"], "max_cost_nanos");
    assert_eq!(refusal.metadata["highest_cost_nanos"], "122000");
    // The key has not failed, so no query has `own_key_failed`.
    let last = router.vault.queries().pop().unwrap();
    assert_eq!((&*last.provider, last.own_key_failed), ("anthropic", false));
}

#[tokio::test]
async fn the_refusal_of_the_request_is_in_the_answer() {
    let router = router([own("a"), of("anthropic", own("c"))]).await;
    let request = GenerateRequest {
        expectations: Some(Expectations {
            location: "us-east1".to_owned(),
            ..Expectations::default()
        }),
        ..gpt()
    };
    let models = explain(&router, request).await;
    assert_eq!(summary(&models[0].keys), [("a", 0, "EXPECTATION")]);
    let refusal = models[0].refusal.as_ref().unwrap();
    assert_eq!(refusal.reason, "EXPECTATION_UNMET");
    assert_ne!(refusal.message, "");
    // A refusal that ends the request ends the explanation too.
    let mut request = falling_back(CLAUDE, gpt());
    request.key = "c".to_owned();
    request.fallbacks[0].key = "c".to_owned();
    let models = explain(&router, request).await;
    assert_eq!(models.len(), 1);
    let refusal = models[0].refusal.as_ref().unwrap();
    assert_eq!(refusal.reason, "PROVIDER_MISMATCH");
}

#[tokio::test]
async fn an_unusable_fallback_is_explained_with_its_refusal() {
    let router = router([own("a")]).await;
    let mut request = falling_back(CLAUDE, gpt());
    request.fallbacks[0].key = "missing".to_owned();
    let models = explain(&router, request).await;
    assert_eq!(summary(&models[0].keys), [("a", 1, "")]);
    let refusal = models[1].refusal.as_ref().unwrap();
    assert_eq!(refusal.reason, "KEY_NOT_FOUND");
}

#[tokio::test]
async fn a_malformed_request_is_refused() {
    let router = router([own("a")]).await;
    let missing_key = GenerateRequest {
        key: "missing".to_owned(),
        ..gpt()
    };
    let outcome = try_explain(&router, Explained::Generate(missing_key)).await;
    refused(outcome, Code::NotFound, "KEY_NOT_FOUND");
    let generate = |damage: fn(&mut GenerateRequest)| {
        let mut request = gpt();
        damage(&mut request);
        Explained::Generate(request)
    };
    let embed = EmbedRequest {
        parent: ACME.to_owned(),
        model: "unknown-model".to_owned(),
        ..EmbedRequest::default()
    };
    let queries = router.vault.queries().len();
    for (request, field) in [
        (
            generate(|request| request.parent = "acme".to_owned()),
            "generate.parent",
        ),
        (
            generate(|request| request.provider = "unknown".to_owned()),
            "generate.provider",
        ),
        (
            generate(|request| request.funding.get_or_insert_default().selection = 9),
            "generate.funding.selection",
        ),
        (Explained::Embed(embed), "embed.provider"),
        (
            Explained::GenerateImages(GenerateImagesRequest::default()),
            "generate_images.parent",
        ),
    ] {
        let outcome = try_explain(&router, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    let nothing = ExplainRequest { request: None };
    let outcome = router.inference(APP).explain(nothing).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["request"]);
    assert_eq!(router.vault.queries().len(), queries);
}

#[tokio::test]
async fn explaining_without_the_vault_is_unavailable() {
    let mut router = router([own("a")]).await;
    router.vault.stop().await;
    let outcome = try_explain(&router, Explained::Generate(gpt())).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
}

#[tokio::test]
async fn a_request_without_a_target_explains_every_key_with_a_default() {
    let mut claude = of("anthropic", own("c"));
    claude.default_model = "claude-sonnet-5".to_owned();
    let router = router([own("a"), claude]).await;
    let request = GenerateRequest {
        provider: String::new(),
        model: String::new(),
        ..gpt()
    };
    let [model] = <[_; 1]>::try_from(explain(&router, request).await).unwrap();
    assert_eq!((&*model.provider, &*model.model), ("", ""));
    let expected = [("c", 1, ""), ("a", 0, "NO_DEFAULT_MODEL")];
    assert_eq!(summary(&model.keys), expected);
    let claude = &model.keys[0];
    let target = (&*claude.provider, &*claude.model);
    assert_eq!(target, ("anthropic", "claude-sonnet-5"));
}
