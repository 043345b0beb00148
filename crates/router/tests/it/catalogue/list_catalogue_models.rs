use latchkey_contract::router::v1::catalogue_service_client::CatalogueServiceClient;
use latchkey_contract::router::v1::{ListCatalogueModelsRequest, ListCatalogueModelsResponse};
use latchkey_migrations::testing::Backend;
use tonic::{Code, Status};

use super::{priced, upsert};
use crate::harness::{APP, Router, refused};

async fn list(
    router: &Router,
    provider: &str,
    page_size: i32,
    page_token: &str,
) -> Result<ListCatalogueModelsResponse, Status> {
    let request = ListCatalogueModelsRequest {
        provider: provider.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    let mut client = CatalogueServiceClient::new(router.channel(APP));
    let listed = client.list_catalogue_models(request).await;
    listed.map(tonic::Response::into_inner)
}

async fn names(router: &Router, provider: &str, page_size: i32) -> Vec<String> {
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let page = list(router, provider, page_size, &token).await.unwrap();
        names.extend(page.models.into_iter().map(|model| model.name));
        token = page.next_page_token;
        if token.is_empty() {
            return names;
        }
    }
}

#[tokio::test]
async fn every_model_is_listed_once_in_order_whatever_the_pages() {
    let router = Router::start(Backend::Sqlite).await;
    let whole = names(&router, "", 1_000).await;
    assert!(whole.len() > 100);
    assert!(whole.is_sorted_by(|one, next| one < next));
    assert_eq!(names(&router, "", 7).await, whole);
    let first = list(&router, "", 0, "").await.unwrap();
    assert_eq!(first.models.len(), 50);
}

#[tokio::test]
async fn models_of_one_provider_are_listed() {
    let router = Router::start(Backend::Sqlite).await;
    let deepseek = names(&router, "deepseek", 3).await;
    let of = |model: &str| format!("providers/deepseek/models/{model}");
    assert_eq!(
        deepseek,
        [
            of("deepseek-chat"),
            of("deepseek-flash"),
            of("deepseek-reasoner"),
            of("deepseek-v4-pro"),
        ]
    );
    assert!(names(&router, "openrouter", 3).await.is_empty());
    let slashes = "providers/openrouter/models/a/b";
    upsert(&router, priced(slashes, 1)).await.unwrap();
    let more = "providers/openrouter/models/a/b/c";
    upsert(&router, priced(more, 1)).await.unwrap();
    assert_eq!(names(&router, "openrouter", 1).await, [slashes, more]);
}

#[tokio::test]
async fn an_unknown_provider_or_foreign_page_token_is_refused() {
    let router = Router::start(Backend::Sqlite).await;
    let outcome = list(&router, "unknown", 0, "").await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["provider"]);
    let token = list(&router, "openai", 1, "").await.unwrap();
    let outcome = list(&router, "google", 1, &token.next_page_token).await;
    refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}
