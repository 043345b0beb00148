//! The callers of every method of the contract, by enumeration.

use std::collections::BTreeSet;

use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_contract::router::v1::catalogue_service_client::CatalogueServiceClient;
use latchkey_contract::router::v1::{
    Alternative, CatalogueModel, CompareRequest, CountTokensRequest, CreateSessionRequest,
    DeleteCatalogueModelRequest, DeleteSessionRequest, EmbedRequest, ExplainRequest,
    GenerateImagesRequest, GetAttemptRequest, GetCatalogueModelRequest, GetSessionRequest,
    ListAttemptsRequest, ListCatalogueModelsRequest, ListModelsRequest, ListSessionsRequest,
    ListTurnsRequest, Session, SummarizeUsageRequest, UpdateSessionRequest,
    UpsertCatalogueModelRequest, explain_request,
};
use latchkey_contract::vault::v1::member;
use latchkey_migrations::testing::Backend;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use serde_json::json;
use tonic::{Code, Status};

use crate::harness::{
    ACME, ADA, ANONYMOUS, APP, Answer, BOB, BOT, Caller, OPERATOR, OTHER_CALLER, OWNER, Router,
    STRANGER, WITHOUT_ROLE, chat, gpt, refused, streamed,
};

/// The methods, with the callers that may call them for acme.
const CASES: &[(&str, &[Caller])] = &[
    ("CatalogueService/DeleteCatalogueModel", &[OPERATOR]),
    ("CatalogueService/GetCatalogueModel", EVERYBODY),
    ("CatalogueService/ListCatalogueModels", EVERYBODY),
    ("CatalogueService/UpsertCatalogueModel", &[OPERATOR]),
    ("InferenceService/Compare", &[APP]),
    ("InferenceService/CountTokens", &[APP]),
    ("InferenceService/Embed", &[APP]),
    ("InferenceService/Explain", &[APP]),
    ("InferenceService/Generate", &[APP]),
    ("InferenceService/GenerateImages", &[APP]),
    ("InferenceService/ListModels", &[APP]),
    ("InferenceService/StreamGenerate", &[APP]),
    ("SessionService/CreateSession", &[APP]),
    ("SessionService/DeleteSession", &[APP]),
    ("SessionService/GetSession", &[APP]),
    ("SessionService/ListSessions", &[APP]),
    ("SessionService/ListTurns", &[APP]),
    ("SessionService/UpdateSession", &[APP]),
    ("UsageService/GetAttempt", &[APP, OPERATOR, OWNER]),
    ("UsageService/ListAttempts", &[APP, OPERATOR, OWNER]),
    ("UsageService/SummarizeUsage", &[APP, OPERATOR, OWNER]),
];

/// The callers with any role in any workspace.
const EVERYBODY: &[Caller] = &[APP, OPERATOR, OTHER_CALLER, OWNER];

/// Calls a method for a resource of acme, or of the deployment.
async fn call(router: &Router, caller: Caller, method: &str) -> Result<(), Status> {
    let parent = ACME.to_owned();
    let mut catalogue = CatalogueServiceClient::new(router.channel(caller));
    match method {
        "CatalogueService/DeleteCatalogueModel" => {
            let name = "providers/custom/models/nothing".to_owned();
            let request = DeleteCatalogueModelRequest { name };
            or_not_found(catalogue.delete_catalogue_model(request).await)?;
        }
        "CatalogueService/GetCatalogueModel" => {
            let name = "providers/custom/models/nothing".to_owned();
            let request = GetCatalogueModelRequest { name };
            or_not_found(catalogue.get_catalogue_model(request).await)?;
        }
        "CatalogueService/ListCatalogueModels" => {
            let request = ListCatalogueModelsRequest::default();
            catalogue.list_catalogue_models(request).await?;
        }
        "CatalogueService/UpsertCatalogueModel" => {
            let model = CatalogueModel {
                name: "providers/custom/models/something".to_owned(),
                ..CatalogueModel::default()
            };
            let request = UpsertCatalogueModelRequest { model: Some(model) };
            catalogue.upsert_catalogue_model(request).await?;
        }
        method if method.starts_with("SessionService/") => {
            call_session(router, caller, method).await?;
        }
        "UsageService/GetAttempt" => {
            let name = format!("{ACME}/attempts/019aa5b1-0000-7000-8000-000000000000");
            let got = router
                .usage(caller)
                .get_attempt(GetAttemptRequest { name })
                .await;
            or_not_found(got)?;
        }
        "UsageService/ListAttempts" => {
            let request = ListAttemptsRequest {
                parent,
                ..ListAttemptsRequest::default()
            };
            router.usage(caller).list_attempts(request).await?;
        }
        "UsageService/SummarizeUsage" => {
            let request = SummarizeUsageRequest {
                parent,
                ..SummarizeUsageRequest::default()
            };
            router.usage(caller).summarize_usage(request).await?;
        }
        method if method.starts_with("InferenceService/") => infer(router, caller, method).await?,
        method => panic!("{method} has no case"),
    }
    Ok(())
}

/// Calls a method of `InferenceService`.
async fn infer(router: &Router, caller: Caller, method: &str) -> Result<(), Status> {
    let parent = ACME.to_owned();
    let mut client = router.inference(caller);
    match method {
        "InferenceService/Compare" => {
            let mut request = gpt();
            let alternative = Alternative {
                provider: std::mem::take(&mut request.provider),
                model: std::mem::take(&mut request.model),
                key: String::new(),
            };
            let request = CompareRequest {
                request: Some(request),
                alternatives: vec![alternative],
            };
            let mut answers = client.compare(request).await?.into_inner();
            while answers.message().await?.is_some() {}
        }
        "InferenceService/Explain" => {
            let request = ExplainRequest {
                request: Some(explain_request::Request::Generate(gpt())),
            };
            client.explain(request).await?;
        }
        "InferenceService/CountTokens" => {
            let request = CountTokensRequest {
                request: Some(gpt()),
            };
            client.count_tokens(request).await?;
        }
        "InferenceService/Embed" => {
            let request = EmbedRequest {
                parent,
                provider: "openai".to_owned(),
                model: "text-embedding-3-small".to_owned(),
                inputs: vec!["Hello".to_owned()],
                ..EmbedRequest::default()
            };
            client.embed(request).await?;
        }
        "InferenceService/Generate" => {
            client.generate(gpt()).await?;
        }
        "InferenceService/GenerateImages" => {
            let request = GenerateImagesRequest {
                parent,
                provider: "openai".to_owned(),
                model: "gpt-image-1".to_owned(),
                prompt: "a cat".to_owned(),
                ..GenerateImagesRequest::default()
            };
            client.generate_images(request).await?;
        }
        "InferenceService/ListModels" => {
            let request = ListModelsRequest {
                parent,
                ..ListModelsRequest::default()
            };
            client.list_models(request).await?;
        }
        "InferenceService/StreamGenerate" => {
            router
                .inference(caller)
                .stream_generate(streamed(gpt()))
                .await?;
        }
        method => panic!("{method} has no case"),
    }
    Ok(())
}

/// Calls a method of `SessionService`.
async fn call_session(router: &Router, caller: Caller, method: &str) -> Result<(), Status> {
    let parent = ACME.to_owned();
    let name = format!("{ACME}/sessions/nothing");
    let mut sessions = router.sessions(caller);
    match method {
        "SessionService/CreateSession" => {
            let request = CreateSessionRequest {
                parent,
                ..CreateSessionRequest::default()
            };
            sessions.create_session(request).await.map(drop)
        }
        "SessionService/DeleteSession" => {
            let request = DeleteSessionRequest {
                name,
                etag: String::new(),
            };
            or_not_found(sessions.delete_session(request).await)
        }
        "SessionService/GetSession" => {
            or_not_found(sessions.get_session(GetSessionRequest { name }).await)
        }
        "SessionService/ListSessions" => {
            let request = ListSessionsRequest {
                parent,
                ..ListSessionsRequest::default()
            };
            sessions.list_sessions(request).await.map(drop)
        }
        "SessionService/ListTurns" => {
            let request = ListTurnsRequest {
                parent: name,
                ..ListTurnsRequest::default()
            };
            or_not_found(sessions.list_turns(request).await)
        }
        "SessionService/UpdateSession" => {
            let session = Session {
                name,
                ..Session::default()
            };
            let request = UpdateSessionRequest {
                session: Some(session),
                update_mask: None,
            };
            or_not_found(sessions.update_session(request).await)
        }
        method => panic!("{method} has no case"),
    }
}

/// Turns "not found" into success, as the caller was authorized.
fn or_not_found<T>(outcome: Result<T, Status>) -> Result<(), Status> {
    match outcome {
        Err(status) if status.code() != Code::NotFound => Err(status),
        _ => Ok(()),
    }
}

/// The methods of the router's package.
fn contract() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let files = set
        .file
        .into_iter()
        .filter(|file| file.package() == "latchkey.router.v1");
    let services = files.flat_map(|file| file.service);
    let methods = services.flat_map(|service| {
        let name = service.name().to_owned();
        let methods = service.method.into_iter();
        methods.map(move |method| format!("{name}/{}", method.name()))
    });
    methods.collect()
}

#[test]
fn every_method_of_the_contract_has_a_case() {
    let cases = CASES.iter().map(|(method, _)| (*method).to_owned());
    assert_eq!(cases.collect::<BTreeSet<_>>(), contract());
}

#[tokio::test]
async fn only_callers_with_a_role_for_a_method_may_call_it() {
    let router = answering().await;
    for method in contract() {
        let (_, allowed) = CASES.iter().find(|(case, _)| **case == method).unwrap();
        for caller in [
            APP,
            OPERATOR,
            OWNER,
            OTHER_CALLER,
            WITHOUT_ROLE,
            STRANGER,
            ANONYMOUS,
        ] {
            let before = router.provider.calls().len();
            let outcome = call(&router, caller, &method).await;
            if allowed.contains(&caller) {
                assert!(outcome.is_ok(), "{caller:?} {method}: {outcome:?}");
                continue;
            }
            match caller {
                STRANGER => refused(outcome, Code::Unauthenticated, "CREDENTIALS_INVALID"),
                ANONYMOUS => refused(outcome, Code::Unauthenticated, "CREDENTIALS_REQUIRED"),
                _ => refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED"),
            };
            assert_eq!(router.provider.calls().len(), before, "{caller:?} {method}");
        }
    }
    for query in router.vault.queries() {
        assert_eq!(query.parent, ACME);
    }
    let attempts = router.attempts().await;
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.requester == APP.requester())
    );
}

/// A router whose provider answers every call.
async fn answering() -> Router {
    let router = Router::start(Backend::Sqlite).await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    for (path, answer) in [
        ("/v1/responses/input_tokens", json!({"input_tokens": 14})),
        ("/v1/embeddings", json!({"data": [{"embedding": [0.5]}]})),
        (
            "/v1/images/generations",
            json!({"data": [{"b64_json": "iVBORw0KGgo="}]}),
        ),
    ] {
        router.provider.returns_at(path, Answer::json(200, &answer));
    }
    router
}

#[tokio::test]
async fn members_may_call_what_their_role_allows() {
    let router = answering().await;
    router.vault.has_members(
        1,
        &[
            (ADA, member::Role::Owner),
            (BOB, member::Role::Member),
            (BOT, member::Role::Caller),
        ],
    );
    for (method, allowed) in CASES {
        // Resources of the deployment need a role by configuration.
        let of_acme = *allowed != EVERYBODY;
        let uses = of_acme && allowed.contains(&APP);
        let owns = of_acme && allowed.contains(&OWNER);
        for (caller, may) in [
            (ADA, uses || owns),
            (BOB, uses),
            (BOT, uses),
            (WITHOUT_ROLE, false),
        ] {
            let outcome = call(&router, caller, method).await;
            if may {
                assert!(outcome.is_ok(), "{caller:?} {method}: {outcome:?}");
            } else {
                refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_does_not_reveal_whether_the_workspace_exists() {
    let router = Router::start(Backend::Sqlite).await;
    let mut messages = BTreeSet::new();
    for parent in [ACME, "workspaces/nowhere"] {
        let request = crate::harness::on(parent, gpt());
        let outcome = router.generate_as(OTHER_CALLER, request).await;
        let refusal = refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
        messages.insert(format!("{refusal:?}"));
    }
    assert_eq!(messages.len(), 1);
    assert!(router.vault.queries().is_empty());
}
