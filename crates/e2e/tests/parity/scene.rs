//! A deployment with one workspace that behaves like one of the five products.

use std::io;
use std::path::Path;

use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{
    Attempt, ExplainRequest, ExplainedKey, GenerateRequest, GenerateResponse, Payer,
    SummarizeUsageRequest, UsageSummary, explain_request,
};
use latchkey_contract::vault::v1::{
    CreateKeyRequest, CreateProjectRequest, DeleteKeyRequest, Key, Member, SetMemberRequest,
    UpdateProviderRequest, UpdateProviderResponse, member,
};
use latchkey_contract::vault::v1::{Provider, ProviderAccess};
use latchkey_e2e::{Clients, Deployment, Refused, custom_key, prompt, refused, world_key};
use latchkey_migrations::testing::Backend;

use crate::preset::preset;

/// A key of the workspace; its tail is `wxyz`.
pub(crate) const OWN: &str = "sk-not-a-real-own-key-0001wxyz";
/// A second key of the workspace; its tail is `abcd`.
pub(crate) const SECOND: &str = "sk-not-a-real-own-key-0002abcd";
/// A key of the platform; its tail is `7777`.
pub(crate) const PLATFORM: &str = "sk-not-a-real-platform-key-7777";
/// A key that every provider refuses.
pub(crate) const REVOKED: &str = "sk-not-a-real-revoked-key-0003";
/// A model that OpenAI serves in Chat Completions: 2 and 8 dollars per million tokens.
pub(crate) const MODEL: &str = "gpt-4.1";

/// How often a folder is searched again when a file disappears during the search.
const MAX_LOOKS: usize = 100;

/// The deployment, and its administrator's clients.
pub(crate) struct Scene {
    /// Both services and the providers.
    pub(crate) deployment: Deployment,
    /// Operator, owner and caller everywhere.
    pub(crate) admin: Clients,
    /// `workspaces/{system}`, as its preset makes it.
    pub(crate) workspace: String,
}

impl Scene {
    /// A workspace made from the preset of a system.
    pub(crate) async fn of(system: &str, backend: Backend) -> Self {
        let deployment = Deployment::start(backend).await;
        let mut admin = deployment.clients("admin");
        let created = admin.workspaces.create_workspace(preset(system)).await;
        let workspace = created.unwrap().into_inner().name;
        assert_eq!(workspace, format!("workspaces/{system}"));
        Self {
            deployment,
            admin,
            workspace,
        }
    }

    /// Stores a key of the workspace's, which its provider must accept.
    pub(crate) async fn own_key(&mut self, id: &str, provider: &str, api_key: &str) -> Key {
        let parent = self.workspace.clone();
        self.key(&parent, id, provider, api_key).await
    }

    /// Stores a key of the platform's.
    pub(crate) async fn platform_key(&mut self, id: &str, provider: &str, api_key: &str) -> Key {
        self.key("platform", id, provider, api_key).await
    }

    /// Stores a key with that parent.
    pub(crate) async fn key(
        &mut self,
        parent: &str,
        id: &str,
        provider: &str,
        api_key: &str,
    ) -> Key {
        let stored = self.admin.key(parent, id, provider, api_key).await;
        stored.unwrap_or_else(|status| panic!("{parent}, {id}: {status}"))
    }

    /// Stores a key with these settings; OpenAI's where they name no provider.
    pub(crate) async fn key_with(
        &mut self,
        parent: &str,
        id: &str,
        key: Key,
        api_key: &str,
    ) -> Key {
        let provider = match &*key.provider {
            "" => "openai",
            named => named,
        };
        let key = Key {
            provider: provider.to_owned(),
            ..key
        };
        let request = custom_key(parent, id, key, api_key);
        let stored = self.admin.keys.create_key(request).await;
        stored.unwrap().into_inner()
    }

    /// Stores a key of the workspace's for a provider of the world of all eight.
    pub(crate) async fn world_key(&mut self, provider: &str, api_key: &str) -> Key {
        let world = &self.deployment.world;
        let request: CreateKeyRequest =
            world_key(world, &self.workspace, provider, provider, api_key);
        let stored = self.admin.keys.create_key(request).await;
        let stored = stored.unwrap_or_else(|status| panic!("{provider}: {status}"));
        stored.into_inner()
    }

    /// Makes a project of the workspace, and returns its name.
    pub(crate) async fn project(&mut self, id: &str) -> String {
        let request = CreateProjectRequest {
            parent: self.workspace.clone(),
            project_id: id.to_owned(),
            ..Default::default()
        };
        let created = self.admin.workspaces.create_project(request).await;
        created.unwrap().into_inner().name
    }

    /// Deletes a key.
    pub(crate) async fn delete_key(&mut self, key: &str) {
        let request = DeleteKeyRequest {
            name: key.to_owned(),
            ..Default::default()
        };
        self.admin.keys.delete_key(request).await.unwrap();
    }

    /// Gives a token's holder a role in the workspace, and returns their clients.
    pub(crate) async fn member(&mut self, token: &str, role: member::Role) -> Clients {
        let member = Member {
            name: format!("{}/members/{token}", self.workspace),
            identity: format!("token:{token}"),
            role: role.into(),
            ..Default::default()
        };
        let request = SetMemberRequest {
            member: Some(member),
        };
        self.admin.workspaces.set_member(request).await.unwrap();
        self.deployment.clients(token)
    }

    /// Changes what the operator allows of a provider: every field that is set.
    pub(crate) async fn allow(
        &mut self,
        provider: &str,
        access: ProviderAccess,
    ) -> UpdateProviderResponse {
        let request = UpdateProviderRequest {
            provider: Some(Provider {
                name: format!("providers/{provider}"),
                access: Some(access),
                ..Default::default()
            }),
            update_mask: None,
        };
        let updated = self.admin.providers.update_provider(request).await;
        updated.unwrap().into_inner()
    }

    /// A prompt to OpenAI's model for the workspace.
    pub(crate) fn prompt(&self) -> GenerateRequest {
        prompt(&self.workspace, MODEL, "hello")
    }

    /// The same, with one of its keys.
    pub(crate) fn prompt_with(&self, key: &str) -> GenerateRequest {
        GenerateRequest {
            key: key.to_owned(),
            ..self.prompt()
        }
    }

    /// Sends a request, and returns its response.
    pub(crate) async fn generate(&mut self, request: GenerateRequest) -> GenerateResponse {
        let answer = self.admin.inference.generate(request).await;
        answer
            .unwrap_or_else(|status| panic!("{status}"))
            .into_inner()
    }

    /// Sends a request, and returns its last attempt, which succeeded.
    pub(crate) async fn attempt(&mut self, request: GenerateRequest) -> Attempt {
        self.generate(request).await.attempts.pop().unwrap()
    }

    /// Sends a request, and returns the payer of its last attempt.
    pub(crate) async fn payer(&mut self, request: GenerateRequest) -> Payer {
        self.attempt(request).await.payer()
    }

    /// Sends a request that must be refused, and returns the refusal.
    pub(crate) async fn refusal(&mut self, request: GenerateRequest) -> Refused {
        refused(&self.admin.ask(request).await.unwrap_err())
    }

    /// The API key in the latest request to OpenAI or Anthropic.
    pub(crate) fn last_key(&self) -> String {
        self.deployment.provider.prompts().pop().unwrap().api_key()
    }

    /// The attempts of a scope, summed up.
    pub(crate) async fn usage(
        &mut self,
        parent: &str,
        by: impl IntoIterator<Item = Dimension>,
    ) -> Vec<UsageSummary> {
        let request = SummarizeUsageRequest {
            parent: parent.to_owned(),
            group_by: by.into_iter().map(i32::from).collect(),
            ..Default::default()
        };
        let summed = self.admin.usage.summarize_usage(request).await;
        summed.unwrap().into_inner().summaries
    }

    /// The keys in `Explain`'s report on a request.
    pub(crate) async fn explained(&mut self, request: GenerateRequest) -> Vec<ExplainedKey> {
        let request = ExplainRequest {
            request: Some(explain_request::Request::Generate(request)),
        };
        let explained = self.admin.inference.explain(request).await;
        let mut models = explained.unwrap().into_inner().models;
        models.swap_remove(0).keys
    }

    /// Ends the deployment, and returns whether any of its files holds the secret in clear.
    pub(crate) async fn keeps_in_clear(self, secret: &str) -> bool {
        let (vault, router, folder) = self.deployment.stop().await;
        let folders = [vault.folder, router.folder, Some(folder)];
        let folders: Vec<_> = folders.into_iter().flatten().collect();
        let anywhere = |text: &str| {
            let mut folders = folders.iter();
            folders.any(|folder| {
                let mut looks = (0..MAX_LOOKS).map(|_| is_in(folder.path(), text.as_bytes()));
                looks.find_map(Result::ok).unwrap()
            })
        };
        let name = self.workspace.trim_start_matches("workspaces/");
        assert!(anywhere(name), "what is no secret is found");
        anywhere(secret)
    }

    /// Ends the deployment.
    pub(crate) async fn end(self) {
        self.deployment.stop().await;
    }
}

/// Whether a file below the folder holds the bytes. Fails where a file disappears during the search,
/// as SQLite's log does when its last connection is closed.
fn is_in(folder: &Path, bytes: &[u8]) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let found = if path.is_dir() {
            is_in(&path, bytes)?
        } else {
            let held = std::fs::read(path)?;
            held.windows(bytes.len()).any(|window| window == bytes)
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
