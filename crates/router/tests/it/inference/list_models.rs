//! `ListModels`.

use std::time::Duration;

use latchkey_contract::router::v1::{
    ListModelsRequest, ListModelsResponse, ModelListFailure, Operation, ReachableModel,
};
use latchkey_contract::vault::v1::{Capability, Lease};
use latchkey_migrations::testing::Backend;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::harness::{
    ACME, APP, Answer, Router, START, WEB, chat, gpt, key, of, own, refused, shared, version,
    version_uid,
};

/// How long the router caches a list; shorter than the freshness of leases.
const LIST_LIFETIME: Duration = Duration::from_secs(20);

/// A router with these keys.
async fn router(keys: impl IntoIterator<Item = Lease>) -> Router {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.listing.keep = LIST_LIFETIME;
    })
    .await;
    router.vault_grants(keys);
    router
}

fn all() -> ListModelsRequest {
    ListModelsRequest {
        parent: ACME.to_owned(),
        ..ListModelsRequest::default()
    }
}

async fn list(router: &Router, request: ListModelsRequest) -> Result<ListModelsResponse, Status> {
    let listed = router.inference(APP).list_models(request).await;
    listed.map(tonic::Response::into_inner)
}

/// The listed models, as `{provider}/{model}`.
async fn names(router: &Router, request: ListModelsRequest) -> Vec<String> {
    let listed = list(router, request).await.unwrap();
    assert_eq!(listed.failures, []);
    named(&listed.models)
}

fn named(models: &[ReachableModel]) -> Vec<String> {
    let models = models.iter();
    let names = models.map(|model| format!("{}/{}", model.provider, model.model));
    names.collect()
}

/// A list in OpenAI's format.
fn models<const N: usize>(ids: [&str; N]) -> Answer {
    let data = ids.map(|id| json!({"id": id, "object": "model"})).to_vec();
    Answer::json(200, &json!({"object": "list", "data": data}))
}

fn claude(id: &str) -> Value {
    json!({
        "id": id,
        "type": "model",
        "display_name": "Claude",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    })
}

/// A list in Anthropic's format; with an id, more pages follow after it.
fn claudes<const N: usize>(ids: [&str; N], more_after: Option<&str>) -> Answer {
    let data = ids.map(claude).to_vec();
    let page = json!({"data": data, "has_more": more_after.is_some(), "last_id": more_after});
    Answer::json(200, &page)
}

#[tokio::test]
async fn the_models_that_the_keys_reach_and_allow_are_listed() {
    let mut narrow = own("b");
    narrow.allowed_models = vec!["gpt-4*".to_owned()];
    narrow.denied_models = vec!["gpt-4o".to_owned()];
    let router = router([own("a"), narrow, of("anthropic", shared("p"))]).await;
    router
        .provider
        .returns_to("a", models(["gpt-4.1", "house"]));
    let more = models(["gpt-5.4", "gpt-4o", "gpt-4.1"]);
    router.provider.returns_to("b", more);
    router
        .provider
        .returns_to("p", claudes(["claude-nova"], None));
    let listed = list(&router, all()).await.unwrap();
    let expected = ["anthropic/claude-nova", "openai/gpt-4.1", "openai/house"];
    assert_eq!(named(&listed.models), expected);
    let (seconds, nanos) = START.to_unix();
    let nanos = i32::try_from(nanos).unwrap();
    let expected = ReachableModel {
        provider: "anthropic".to_owned(),
        model: "claude-nova".to_owned(),
        display_name: "Claude".to_owned(),
        keys: vec![key("platform", "p")],
        max_input_tokens: 200_000,
        max_output_tokens: 64_000,
        operations: vec![Operation::Generate.into(), Operation::CountTokens.into()],
        fetch_time: Some(prost_types::Timestamp { seconds, nanos }),
    };
    assert_eq!(listed.models[0], expected);
    assert_eq!(listed.models[1].keys, [key(ACME, "a"), key(ACME, "b")]);
    // The catalogue supplies fields that the provider omits.
    assert_eq!(listed.models[1].max_input_tokens, 1_047_576);
    assert_eq!(listed.models[1].max_output_tokens, 32_768);
    assert_eq!(listed.models[1].operations, [Operation::Generate as i32]);
    assert!(listed.models[2].operations.is_empty());
    assert_eq!(listed.models[2].max_input_tokens, 0);
    assert_eq!(
        (listed.next_page_token, listed.failures),
        (String::new(), vec![])
    );
    // Listing costs nothing, so it has no attempt.
    assert_eq!(router.attempts().await, []);
}

#[tokio::test]
async fn the_vault_is_queried_for_every_key_of_every_provider() {
    let router = router([own("a"), own("b"), of("anthropic", own("c"))]).await;
    router.provider.returns(models(["m"]));
    list(&router, all()).await.unwrap();
    let queries = router.vault.queries();
    for query in &queries {
        assert_eq!(query.capability(), Capability::ListModels);
        assert_eq!((&*query.model, query.payer), ("", 0));
    }
    let of = |provider: &str| {
        let queries = queries.iter();
        queries.filter(|query| query.provider == provider).count()
    };
    // Each query excludes the keys granted before, until none is left.
    assert_eq!((of("openai"), of("anthropic"), of("vertex")), (2, 1, 1));
    let mut keys = router.provider.keys();
    keys.sort();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[tokio::test]
async fn without_keys_no_model_is_listed() {
    let router = router([]).await;
    assert_eq!(names(&router, all()).await, <[String; 0]>::default());
}

#[tokio::test]
async fn a_list_is_cached_until_it_is_stale() {
    let router = router([own("a")]).await;
    router.provider.returns(models(["old"]));
    let first = list(&router, all()).await.unwrap();
    router.provider.returns(models(["new"]));
    router
        .clock
        .advance(LIST_LIFETIME.checked_sub(Duration::from_micros(1)).unwrap());
    assert_eq!(list(&router, all()).await.unwrap(), first);
    // The cached list serves another scope too.
    let of_web = ListModelsRequest {
        parent: WEB.to_owned(),
        ..all()
    };
    assert_eq!(names(&router, of_web).await, ["openai/old"]);
    assert_eq!(router.provider.calls().len(), 1);

    router.clock.advance(Duration::from_micros(1));
    let second = list(&router, all()).await.unwrap();
    assert_eq!(named(&second.models), ["openai/new"]);
    let fetched = |listed: &ListModelsResponse| listed.models[0].fetch_time.unwrap().seconds;
    assert_eq!(fetched(&second) - fetched(&first), 20);
}

#[tokio::test]
async fn a_caller_may_request_a_fresh_list() {
    let router = router([own("a")]).await;
    router.provider.returns(models(["old"]));
    list(&router, all()).await.unwrap();
    router.provider.returns(models(["new"]));
    let anew = ListModelsRequest {
        refresh: true,
        ..all()
    };
    assert_eq!(names(&router, anew).await, ["openai/new"]);
    assert_eq!(names(&router, all()).await, ["openai/new"]);
    assert_eq!(router.provider.calls().len(), 2);
}

#[tokio::test]
async fn a_failed_list_is_named_and_the_cached_one_is_used() {
    let router = router([own("a"), of("anthropic", own("c"))]).await;
    let down = Answer::json(503, &json!({"error": {"message": "come back later"}}));
    router.provider.returns_to("a", models(["old"]));
    router.provider.returns_to("c", down);
    let failed = |id: &str, provider: &str| ModelListFailure {
        key: key(ACME, id),
        provider: provider.to_owned(),
        reason: "PROVIDER_UNAVAILABLE".to_owned(),
        message: "provider overloaded: come back later".to_owned(),
    };
    let first = list(&router, all()).await.unwrap();
    assert_eq!(named(&first.models), ["openai/old"]);
    assert_eq!(first.failures, [failed("c", "anthropic")]);

    router.clock.advance(LIST_LIFETIME);
    let down = Answer::json(503, &json!({"error": {"message": "come back later"}}));
    router.provider.returns_to("a", down);
    router.provider.returns_to("c", claudes(["claude"], None));
    let second = list(&router, all()).await.unwrap();
    assert_eq!(named(&second.models), ["anthropic/claude", "openai/old"]);
    assert_eq!(second.failures, [failed("a", "openai")]);
    assert_eq!(second.models[1].fetch_time, first.models[0].fetch_time);
}

#[tokio::test]
async fn a_rejected_key_is_reported() {
    let router = router([own("a")]).await;
    let error = chat::error("invalid_request_error", "invalid_api_key", "no");
    router.provider.returns(Answer::json(401, &error));
    let listed = list(&router, all()).await.unwrap();
    assert_eq!(listed.failures[0].reason, "PROVIDER_REJECTED_KEY");
    let received = router
        .vault
        .receives(|received| !received.reports.is_empty())
        .await;
    assert_eq!(
        received.reports[0].key_version_uid,
        version_uid(&version(ACME, "a"))
    );
}

#[tokio::test]
async fn a_key_with_a_forbidden_address_is_listed_as_a_failure() {
    let mut nowhere = of("custom", own("b"));
    nowhere.base_url = "http://10.0.0.1/v1".to_owned();
    let router = router([own("a"), nowhere]).await;
    router.provider.returns(models(["m"]));
    let listed = list(&router, all()).await.unwrap();
    assert_eq!(named(&listed.models), ["openai/m"]);
    assert_eq!(listed.failures[0].reason, "EGRESS_FORBIDDEN");
}

#[tokio::test]
async fn every_page_of_a_provider_is_read() {
    let router = router([of("anthropic", own("c"))]).await;
    router.provider.returns_once(claudes(["b"], Some("b")));
    router.provider.returns_once(claudes(["a"], Some("a")));
    router.provider.returns_once(claudes(["c"], None));
    let found = names(&router, all()).await;
    assert_eq!(found, ["anthropic/a", "anthropic/b", "anthropic/c"]);
    let calls = router.provider.calls();
    let paths: Vec<_> = calls.iter().map(|call| &*call.path).collect();
    let expected = [
        "?limit=1000",
        "?limit=1000&after_id=b",
        "?limit=1000&after_id=a",
    ];
    assert_eq!(paths, expected.map(|query| format!("/v1/models{query}")));
}

#[tokio::test]
async fn a_request_may_name_one_provider_or_one_key() {
    let router = router([own("a"), own("b"), of("anthropic", own("c"))]).await;
    router.provider.returns_to("a", models(["of-a"]));
    router.provider.returns_to("b", models(["of-b"]));
    router.provider.returns_to("c", claudes(["of-c"], None));
    let only = |provider: &str, key: &str| ListModelsRequest {
        provider: provider.to_owned(),
        key: key.to_owned(),
        ..all()
    };
    let found = names(&router, only("openai", "")).await;
    assert_eq!(found, ["openai/of-a", "openai/of-b"]);
    let queries = router.vault.queries();
    assert!(queries.iter().all(|query| query.provider == "openai"));
    assert_eq!(names(&router, only("", "b")).await, ["openai/of-b"]);
    let full = key(ACME, "c");
    assert_eq!(
        names(&router, only("anthropic", &full)).await,
        ["anthropic/of-c"]
    );

    let outcome = list(&router, only("anthropic", "a")).await;
    refused(outcome, Code::FailedPrecondition, "PROVIDER_MISMATCH");
    let outcome = list(&router, only("", "missing")).await;
    refused(outcome, Code::NotFound, "KEY_NOT_FOUND");
}

/// Azure lists the models that could be deployed. The key names its deployments.
#[tokio::test]
async fn azure_deployments_are_listed() {
    let mut resource = of("azure", own("z"));
    resource.deployments = [("gpt-4.1", "prod"), ("gpt-4o", "tests")]
        .map(|(model, deployment)| (model.to_owned(), deployment.to_owned()))
        .into();
    resource.denied_models = vec!["gpt-4o".to_owned()];
    let router = router([resource]).await;
    router.provider.returns(models(["gpt-4.1", "gpt-35-turbo"]));
    assert_eq!(names(&router, all()).await, ["azure/gpt-4.1"]);

    let unnamed = of("azure", own("y"));
    let router = self::router([unnamed]).await;
    router.provider.returns(models(["gpt-4.1", "gpt-35-turbo"]));
    let found = names(&router, all()).await;
    assert_eq!(found, ["azure/gpt-35-turbo", "azure/gpt-4.1"]);
}

#[tokio::test]
async fn models_are_listed_page_by_page() {
    let router = router([own("a"), of("anthropic", own("c"))]).await;
    router.provider.returns_to("a", models(["c", "a", "b"]));
    router.provider.returns_to("c", claudes(["z"], None));
    let mut request = ListModelsRequest {
        page_size: 2,
        ..all()
    };
    let first = list(&router, request.clone()).await.unwrap();
    assert_eq!(named(&first.models), ["anthropic/z", "openai/a"]);
    request.page_token.clone_from(&first.next_page_token);
    let second = list(&router, request.clone()).await.unwrap();
    assert_eq!(named(&second.models), ["openai/b", "openai/c"]);
    assert_eq!(second.next_page_token, "");

    let other = |change: fn(&mut ListModelsRequest)| {
        let mut other = request.clone();
        change(&mut other);
        other
    };
    for request in [
        other(|request| request.page_token = "scribbled".to_owned()),
        other(|request| request.parent = WEB.to_owned()),
        other(|request| request.provider = "openai".to_owned()),
        other(|request| request.key = "a".to_owned()),
    ] {
        let outcome = list(&router, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        assert_eq!(refusal.fields, ["page_token"]);
    }
}

#[tokio::test]
async fn a_malformed_field_is_named() {
    let router = router([]).await;
    for (parent, provider, field) in [
        ("acme", "", "parent"),
        ("", "", "parent"),
        ("workspaces/acme/keys/a", "", "parent"),
        (ACME, "acme", "provider"),
    ] {
        let request = ListModelsRequest {
            parent: parent.to_owned(),
            provider: provider.to_owned(),
            ..ListModelsRequest::default()
        };
        let outcome = list(&router, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    assert!(router.vault.queries().is_empty());
}

#[tokio::test]
async fn listing_without_the_vault_is_unavailable() {
    let mut router = router([own("a")]).await;
    router.vault.stop().await;
    let outcome = list(&router, all()).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
}

#[tokio::test]
async fn the_callers_deadline_ends_the_calls() {
    let span = Duration::from_secs(5);
    let router = router([own("a")]).await;
    let mut held = router.provider.holds_answer();
    let mut client = router.inference_with_deadline(span);
    let call = tokio::spawn(async move { client.list_models(all()).await });
    router.provider.receives_call(1).await;
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
    let outcome = call.await.unwrap();
    refused(outcome, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    held.closed().await;
}

/// A list uses the connection pool of its key.
#[tokio::test]
async fn a_list_is_requested_over_the_connections_of_the_key() {
    let router = router([own("a")]).await;
    router.provider.returns(models(["m"]));
    list(&router, all()).await.unwrap();
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.connections(), 1);
}
