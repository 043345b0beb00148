//! A key or a workspace is deleted, and another one gets its name: nothing of the former is the new one's.

use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{
    CreateSessionRequest, GenerateRequest, ListAttemptsRequest, ListSessionsRequest, Session,
    SummarizeUsageRequest, session,
};
use latchkey_contract::vault::v1::{
    DeleteKeyRequest, DeleteWorkspaceRequest, Key, KeyMaterial, key_material,
};
use latchkey_e2e::{
    Clients, Deployment, HELD, entra_client, prompt, refused, service_account_of, world_key,
};
use latchkey_migrations::testing::Backend;
use tokio::task::JoinHandle;
use tonic::Status;

use crate::on_both_databases;

on_both_databases!(
    a_key_with_a_deleted_keys_name_is_called_with_its_own_token,
    a_tenant_with_a_deleted_tenants_name_is_called_with_its_own_token,
    keys_that_had_the_same_name_are_told_apart_in_the_account,
    a_tenant_with_a_deleted_tenants_name_sees_nothing_of_the_former,
    a_key_with_a_deleted_keys_name_has_none_of_its_cool_downs,
);

const ACME: &str = "workspaces/acme";
const KEY: &str = "workspaces/acme/keys/main";
/// Each provider whose keys are exchanged for tokens, and a model of it.
const PROVIDERS: [(&str, &str); 2] = [("azure", "gpt-5.4"), ("vertex", "gemini-3.8-flash")];
const REJECTED: &str = "PROVIDER_REJECTED_KEY";
/// The accounts of the former key and of the new one.
const FORMER: &str = "11111111-1111-4111-8111-111111111111";
const NEW: &str = "22222222-2222-4222-8222-222222222222";

/// The material of an account at azure or vertex.
fn account(provider: &str, client: &str) -> KeyMaterial {
    match provider {
        "azure" => entra_client(client),
        _ => KeyMaterial {
            kind: Some(key_material::Kind::ServiceAccountJson(service_account_of(
                &format!("{client}@acme-models.example"),
            ))),
        },
    }
}

struct Scene {
    deployment: Deployment,
    admin: Clients,
    provider: &'static str,
    model: &'static str,
}

impl Scene {
    /// A workspace with a key of the former account.
    async fn start(backend: Backend, (provider, model): (&'static str, &'static str)) -> Self {
        let (deployment, admin) = Deployment::start_with_workspace(backend).await;
        let mut scene = Self {
            deployment,
            admin,
            provider,
            model,
        };
        scene.create_key(FORMER).await;
        scene
    }

    async fn create_key(&mut self, client: &str) -> Key {
        let world = &self.deployment.world;
        let mut request = world_key(world, ACME, "main", self.provider, "");
        request.material = Some(account(self.provider, client));
        let created = self.admin.keys.create_key(request).await;
        created.unwrap().into_inner()
    }

    fn prompt(&self, text: &str) -> GenerateRequest {
        GenerateRequest {
            provider: self.provider.to_owned(),
            ..prompt(ACME, self.model, text)
        }
    }

    /// Begins a call that the provider answers later.
    async fn begin(&self) -> JoinHandle<Result<String, Status>> {
        let before = self.deployment.world.prompts().len();
        let (mut admin, request) = (self.admin.clone(), self.prompt(HELD));
        let running = tokio::spawn(async move { admin.ask(request).await });
        self.deployment.world.prompted(before + 1).await;
        running
    }

    /// The clients whose tokens the prompts carried.
    fn clients(&self) -> Vec<String> {
        let prompts = self.deployment.world.prompts().into_iter();
        let clients = prompts.map(|prompt| {
            prompt
                .api_key
                .replace("token-of-", "")
                .replace("@acme-models.example", "")
        });
        clients.collect()
    }

    /// Checks that the new key is called with its own token, while a call of the former runs and after
    /// it.
    async fn expect_own_token(mut self, running: JoinHandle<Result<String, Status>>) {
        let request = self.prompt("hello");
        self.admin.ask(request.clone()).await.unwrap();
        self.deployment.world.release();
        running.await.unwrap().unwrap();
        self.admin.ask(request).await.unwrap();
        assert_eq!(self.clients(), [FORMER, FORMER, NEW, NEW]);
    }
}

async fn delete_workspace(admin: &mut Clients) {
    let request = DeleteWorkspaceRequest {
        name: ACME.to_owned(),
        force: true,
        ..DeleteWorkspaceRequest::default()
    };
    admin.workspaces.delete_workspace(request).await.unwrap();
}

async fn delete_key(admin: &mut Clients) {
    let request = DeleteKeyRequest {
        name: KEY.to_owned(),
        ..DeleteKeyRequest::default()
    };
    admin.keys.delete_key(request).await.unwrap();
}

async fn a_key_with_a_deleted_keys_name_is_called_with_its_own_token(backend: Backend) {
    for provider in PROVIDERS {
        let mut scene = Scene::start(backend, provider).await;
        let first = scene.prompt("hello");
        scene.admin.ask(first).await.unwrap();
        let running = scene.begin().await;
        delete_key(&mut scene.admin).await;
        scene.create_key(NEW).await;
        scene.expect_own_token(running).await;
    }
}

async fn a_tenant_with_a_deleted_tenants_name_is_called_with_its_own_token(backend: Backend) {
    for provider in PROVIDERS {
        let mut scene = Scene::start(backend, provider).await;
        let first = scene.prompt("hello");
        scene.admin.ask(first).await.unwrap();
        let running = scene.begin().await;
        delete_workspace(&mut scene.admin).await;
        scene.admin.workspace("acme").await;
        scene.create_key(NEW).await;
        scene.expect_own_token(running).await;
    }
}

async fn keys_that_had_the_same_name_are_told_apart_in_the_account(backend: Backend) {
    let (_deployment, mut admin) = Deployment::start_with_key(backend).await;
    admin.ask(prompt(ACME, "gpt-4.1", "hello")).await.unwrap();
    delete_key(&mut admin).await;
    let again = admin
        .key(ACME, "main", "openai", "sk-not-a-real-key-0002wxyz")
        .await
        .unwrap();
    admin.ask(prompt(ACME, "gpt-4.1", "hello")).await.unwrap();
    let attempts = admin.attempts(ACME).await;
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0].key_version, attempts[1].key_version);
    assert_eq!(attempts[0].key_uid, again.uid);
    assert_ne!(attempts[1].key_uid, again.uid);
    let request = SummarizeUsageRequest {
        parent: ACME.to_owned(),
        group_by: vec![Dimension::Key.into()],
        ..SummarizeUsageRequest::default()
    };
    let sums = admin.usage.summarize_usage(request).await.unwrap();
    let sums = sums.into_inner().summaries;
    assert_eq!(sums.len(), 2);
    for sum in &sums {
        assert_eq!((&*sum.key, sum.attempt_count), (KEY, 1));
    }
    assert_ne!(sums[0].key_uid, sums[1].key_uid);
}

async fn a_tenant_with_a_deleted_tenants_name_sees_nothing_of_the_former(backend: Backend) {
    let (_deployment, mut admin) = Deployment::start_with_key(backend).await;
    admin.ask(prompt(ACME, "gpt-4.1", "hello")).await.unwrap();
    let deal = CreateSessionRequest {
        parent: ACME.to_owned(),
        session_id: "deal".to_owned(),
        session: Some(Session {
            display_name: "Merger talks".to_owned(),
            transcript: session::Transcript::Sealed.into(),
            ..Session::default()
        }),
        request_id: "5d0c1e9a-7a0b-4c6d-8e1f-2a3b4c5d6e7f".to_owned(),
    };
    admin.sessions.create_session(deal.clone()).await.unwrap();
    let former = admin.attempts(ACME).await.remove(0).workspace_uid;
    delete_workspace(&mut admin).await;

    // The name belongs to no workspace now.
    let of_acme = ListAttemptsRequest {
        parent: ACME.to_owned(),
        ..ListAttemptsRequest::default()
    };
    let status = admin.usage.list_attempts(of_acme).await.unwrap_err();
    assert_eq!(refused(&status).reason, "WORKSPACE_NOT_FOUND");
    admin.workspace("acme").await;
    assert!(admin.attempts(ACME).await.is_empty());
    let request = SummarizeUsageRequest {
        parent: ACME.to_owned(),
        ..SummarizeUsageRequest::default()
    };
    let sums = admin.usage.summarize_usage(request).await.unwrap();
    assert_eq!(sums.into_inner().summaries[0].attempt_count, 0);
    let request = ListSessionsRequest {
        parent: ACME.to_owned(),
        ..ListSessionsRequest::default()
    };
    let sessions = admin.sessions.list_sessions(request).await.unwrap();
    assert!(sessions.into_inner().sessions.is_empty());
    // The very same request, its id included, creates a session of the new workspace.
    let created = admin.sessions.create_session(deal).await.unwrap();
    assert_eq!(created.into_inner().turn_count, 0);
    let events = admin.audit_events(ACME).await;
    assert!(
        events
            .iter()
            .all(|event| !event.method.ends_with("CreateKey"))
    );

    // Operators still read the former's account.
    let by_uid = ListAttemptsRequest {
        workspace_uid: former.clone(),
        ..ListAttemptsRequest::default()
    };
    let attempts = admin.usage.list_attempts(by_uid).await.unwrap();
    let attempts = attempts.into_inner().attempts;
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].workspace_uid, former);
}

async fn a_key_with_a_deleted_keys_name_has_none_of_its_cool_downs(backend: Backend) {
    let (_deployment, mut admin) = Deployment::start_with_key(backend).await;
    let request = GenerateRequest {
        no_fallback: true,
        ..prompt(ACME, "status-403", "hello")
    };
    for _ in 0..2 {
        let status = admin.ask(request.clone()).await.unwrap_err();
        assert_eq!(refused(&status).reason, REJECTED);
    }
    // The second one was refused without a call.
    assert_eq!(admin.attempts(ACME).await.len(), 1);
    delete_key(&mut admin).await;
    admin
        .key(ACME, "main", "openai", "sk-not-a-real-key-0002wxyz")
        .await
        .unwrap();
    let status = admin.ask(request).await.unwrap_err();
    assert_eq!(refused(&status).reason, REJECTED);
    assert_eq!(admin.attempts(ACME).await.len(), 2);
}
