//! Things in a vault, made the usual way.

use latchkey_contract::vault::v1::{
    CreateKeyRequest, CreateProjectRequest, CreateWorkspaceRequest, DeleteKeyRequest,
    FundingPolicy, GetKeyRequest, GetWorkspaceRequest, Key, KeyMaterial, Project, ResolveRequest,
    UpdateWorkspaceRequest, Workspace, key_material,
};
use prost_types::FieldMask;

use super::{OPERATOR, OWNER, Vault};

/// How every material of [`secret`] ends.
pub(crate) const SECRET_TAIL: &str = "wxyz";

/// The material of a key: another one for each name.
pub(crate) fn secret(parent: &str, key_id: &str) -> String {
    format!(
        "sk-not-a-real-key-{}-{key_id}-{SECRET_TAIL}",
        parent.replace('/', "-")
    )
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is what the field of a message takes"
)]
pub(crate) fn material(text: &str) -> Option<KeyMaterial> {
    Some(KeyMaterial {
        kind: Some(key_material::Kind::ApiKey(text.to_owned())),
    })
}

/// The API key that a lease or a task carries.
#[track_caller]
pub(crate) fn api_key(material: Option<&KeyMaterial>) -> &str {
    match material.and_then(|material| material.kind.as_ref()) {
        Some(key_material::Kind::ApiKey(text)) => text,
        other => panic!("it carries {other:?}"),
    }
}

/// A request that stores an OpenAI key without asking a router.
pub(crate) fn create_key(parent: &str, key_id: &str) -> CreateKeyRequest {
    CreateKeyRequest {
        parent: parent.to_owned(),
        key_id: key_id.to_owned(),
        key: Some(key_of("openai")),
        material: material(&secret(parent, key_id)),
        skip_verification: true,
        validate_only: false,
        request_id: String::new(),
    }
}

/// A key of a provider, with a default model.
pub(crate) fn key_of(provider: &str) -> Key {
    Key {
        provider: provider.to_owned(),
        default_model: "gpt-5.4".to_owned(),
        ..Key::default()
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is what the field of a message takes"
)]
pub(crate) fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask {
        paths: paths.iter().map(ToString::to_string).collect(),
    })
}

impl Vault {
    /// Sets who may pay for a workspace's calls, as the operator.
    pub(crate) async fn fund_workspace(&self, name: &str, funding: FundingPolicy) {
        let request = UpdateWorkspaceRequest {
            workspace: Some(Workspace {
                name: name.to_owned(),
                funding: Some(funding),
                ..Workspace::default()
            }),
            ..UpdateWorkspaceRequest::default()
        };
        let updated = self.workspaces(OPERATOR).update_workspace(request).await;
        updated.unwrap();
    }
}

/// A request for an OpenAI key. The session is filled in by the router.
pub(crate) fn resolve(parent: &str) -> ResolveRequest {
    ResolveRequest {
        parent: parent.to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-5.4".to_owned(),
        ..ResolveRequest::default()
    }
}

impl Vault {
    pub(crate) async fn create_workspace(&self, id: &str) -> Workspace {
        let request = CreateWorkspaceRequest {
            workspace_id: id.to_owned(),
            ..Default::default()
        };
        self.workspaces(OPERATOR)
            .create_workspace(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn workspace_uid(&self, name: &str) -> String {
        let name = name.to_owned();
        let mut client = self.workspaces(OPERATOR);
        let got = client.get_workspace(GetWorkspaceRequest { name }).await;
        got.unwrap().into_inner().uid
    }

    pub(crate) async fn create_project(&self, workspace: &str, id: &str) -> Project {
        let request = CreateProjectRequest {
            parent: format!("workspaces/{workspace}"),
            project_id: id.to_owned(),
            ..Default::default()
        };
        self.workspaces(OWNER)
            .create_project(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn create_key(&self, parent: &str, id: &str) -> Key {
        self.store_key(create_key(parent, id)).await
    }

    pub(crate) async fn store_key(&self, request: CreateKeyRequest) -> Key {
        let who = if request.parent == "platform" {
            OPERATOR
        } else {
            OWNER
        };
        self.keys(who)
            .create_key(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn get_key(&self, name: &str) -> Key {
        let who = if name.starts_with("platform/") {
            OPERATOR
        } else {
            OWNER
        };
        let request = GetKeyRequest {
            name: name.to_owned(),
        };
        self.keys(who).get_key(request).await.unwrap().into_inner()
    }

    /// The identity of the first version of a key.
    pub(crate) async fn first_version_uid(&self, name: &str) -> String {
        format!("{}/versions/1", self.get_key(name).await.uid)
    }

    pub(crate) async fn delete_key(&self, name: &str) {
        let request = DeleteKeyRequest {
            name: name.to_owned(),
            ..DeleteKeyRequest::default()
        };
        self.keys(OWNER).delete_key(request).await.unwrap();
    }
}
