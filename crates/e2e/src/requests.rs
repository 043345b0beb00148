//! Clients of both services, and requests that tests make often.

use std::time::Duration;

use latchkey_contract::router::v1::inference_service_client::InferenceServiceClient;
use latchkey_contract::router::v1::session_service_client::SessionServiceClient;
use latchkey_contract::router::v1::usage_service_client::UsageServiceClient;
use latchkey_contract::router::v1::{
    Attempt, GenerateRequest, ListAttemptsRequest, Part, Role, part,
};
use latchkey_contract::vault::v1::audit_service_client::AuditServiceClient;
use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_contract::vault::v1::lease_service_client::LeaseServiceClient;
use latchkey_contract::vault::v1::provider_service_client::ProviderServiceClient;
use latchkey_contract::vault::v1::workspace_service_client::WorkspaceServiceClient;
use latchkey_contract::vault::v1::{
    AuditEvent, CreateKeyRequest, CreateWorkspaceRequest, Key, KeyMaterial, ListAuditEventsRequest,
    key_material,
};
use latchkey_rpc::client::AuthorizedChannel;
use tonic::{Code, Status};

use crate::history;

/// The clients of one caller.
#[derive(Clone)]
pub struct Clients {
    /// Workspaces and projects.
    pub workspaces: WorkspaceServiceClient<AuthorizedChannel>,
    /// Keys.
    pub keys: KeyServiceClient<AuthorizedChannel>,
    /// Provider availability, set by the operator.
    pub providers: ProviderServiceClient<AuthorizedChannel>,
    /// Leases.
    pub leases: LeaseServiceClient<AuthorizedChannel>,
    /// The audit log.
    pub audit: AuditServiceClient<AuthorizedChannel>,
    /// Prompts.
    pub inference: InferenceServiceClient<AuthorizedChannel>,
    /// Conversations.
    pub sessions: SessionServiceClient<AuthorizedChannel>,
    /// Attempts and usage.
    pub usage: UsageServiceClient<AuthorizedChannel>,
}

impl Clients {
    /// Clients over channels to the vault and to the router.
    pub fn new(vault: AuthorizedChannel, router: AuthorizedChannel) -> Self {
        Self {
            workspaces: WorkspaceServiceClient::new(vault.clone()),
            keys: KeyServiceClient::new(vault.clone()),
            providers: ProviderServiceClient::new(vault.clone()),
            leases: LeaseServiceClient::new(vault.clone()),
            audit: AuditServiceClient::new(vault),
            inference: InferenceServiceClient::new(router.clone()),
            sessions: SessionServiceClient::new(router.clone()),
            usage: UsageServiceClient::new(router),
        }
    }

    /// Creates a workspace.
    pub async fn workspace(&mut self, id: &str) {
        let request = CreateWorkspaceRequest {
            workspace_id: id.to_owned(),
            ..Default::default()
        };
        self.workspaces
            .create_workspace(request)
            .await
            .expect("the workspace is new");
    }

    /// Stores a key, verified by its provider.
    pub async fn key(
        &mut self,
        parent: &str,
        id: &str,
        provider: &str,
        api_key: &str,
    ) -> Result<Key, Status> {
        let key = Key {
            provider: provider.to_owned(),
            ..Default::default()
        };
        let created = self
            .keys
            .create_key(custom_key(parent, id, key, api_key))
            .await?;
        Ok(created.into_inner())
    }

    /// Sends a prompt, and returns the text of the answer.
    pub async fn ask(&mut self, request: GenerateRequest) -> Result<String, Status> {
        let answer = self.inference.generate(request).await?.into_inner();
        let parts = answer.message.unwrap_or_default().parts;
        Ok(parts.into_iter().filter_map(text).collect())
    }

    /// The attempts of a workspace, newest first.
    pub async fn attempts(&mut self, parent: &str) -> Vec<Attempt> {
        let request = ListAttemptsRequest {
            parent: parent.to_owned(),
            ..Default::default()
        };
        self.usage
            .list_attempts(request)
            .await
            .expect("the caller may list them")
            .into_inner()
            .attempts
    }

    /// The audit log of a scope, newest first.
    pub async fn audit_events(&mut self, parent: &str) -> Vec<AuditEvent> {
        let request = ListAuditEventsRequest {
            parent: parent.to_owned(),
            ..Default::default()
        };
        let listed = self
            .audit
            .list_audit_events(request)
            .await
            .expect("the caller may list them");
        listed.into_inner().audit_events
    }

    /// Waits until a router has opened its session with the vault, so that keys can be checked.
    pub(crate) async fn router_is_connected(mut self) {
        let key = Key {
            provider: "openai".to_owned(),
            ..Default::default()
        };
        let mut request = custom_key("platform", "probe", key, "sk-not-a-real-probe");
        request.validate_only = true;
        let mut tries = tokio::time::interval(Duration::from_millis(10));
        loop {
            tries.tick().await;
            match self.keys.create_key(request.clone()).await {
                Err(status) if status.code() == Code::Unavailable => {}
                Err(status) => panic!("the probe failed: {status}"),
                Ok(_) => return,
            }
        }
    }
}

/// A request to store a key with these settings.
pub fn custom_key(parent: &str, id: &str, key: Key, api_key: &str) -> CreateKeyRequest {
    CreateKeyRequest {
        parent: parent.to_owned(),
        key_id: id.to_owned(),
        key: Some(key),
        material: Some(KeyMaterial {
            kind: Some(key_material::Kind::ApiKey(api_key.to_owned())),
        }),
        ..Default::default()
    }
}

/// A prompt to a model.
pub fn prompt(parent: &str, model: &str, text: &str) -> GenerateRequest {
    GenerateRequest {
        parent: parent.to_owned(),
        provider: "openai".to_owned(),
        model: model.to_owned(),
        messages: vec![history::message(Role::User, [history::text(text)])],
        ..Default::default()
    }
}

fn text(part: Part) -> Option<String> {
    match part.content {
        Some(part::Content::Text(text)) => Some(text),
        _ => None,
    }
}
