//! The paths that an update accepts are the paths that its comment in the contract allows.

use std::collections::BTreeSet;

use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_contract::router::v1::{Session, UpdateSessionRequest};
use latchkey_contract::vault::v1::{
    Key, Project, Provider, ProviderOverride, UpdateKeyRequest, UpdateProjectRequest,
    UpdateProviderOverrideRequest, UpdateProviderRequest, UpdateWorkspaceRequest, Workspace,
};
use latchkey_e2e::Deployment;
use latchkey_migrations::testing::Backend;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::FieldMask;
use tonic::Status;
use tonic_types::StatusExt as _;

/// Backticked names in a text.
fn quoted(text: &str) -> BTreeSet<String> {
    let names = text.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

/// The messages with an update mask, and the paths that the comment of each allows.
fn documented() -> Vec<(String, BTreeSet<String>)> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let requests: Vec<_> = pool
        .all_messages()
        .filter(|message| message.get_field_by_name("update_mask").is_some())
        .collect();
    requests
        .iter()
        .map(|request| (request.name().to_owned(), allowed(request)))
        .collect()
}

fn allowed(request: &MessageDescriptor) -> BTreeSet<String> {
    let field = request.get_field_by_name("update_mask").unwrap();
    let file = request.parent_file();
    let locations = &file.file_descriptor_proto().source_code_info;
    let locations = &locations.as_ref().unwrap().location;
    let location = locations
        .iter()
        .find(|location| location.path == field.path());
    let comment = location.unwrap().leading_comments();
    let (_, list) = comment.split_once("Allowed: ").unwrap();
    quoted(list)
}

/// The paths that a refusal of an unknown path offers.
fn offered(refused: Result<impl Sized, Status>) -> BTreeSet<String> {
    let status = refused.err().unwrap();
    let details = status.get_error_details();
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "update_mask");
    let (_, list) = violation.description.split_once("name one of ").unwrap();
    quoted(list)
}

#[tokio::test]
async fn an_update_offers_the_paths_that_its_comment_allows() {
    let (deployment, mut admin) = Deployment::start_with_workspace(Backend::Sqlite).await;
    let mask = || {
        Some(FieldMask {
            paths: vec!["nonsense".to_owned()],
        })
    };
    let workspace = UpdateWorkspaceRequest {
        workspace: Some(Workspace {
            name: "workspaces/acme".to_owned(),
            ..Workspace::default()
        }),
        update_mask: mask(),
    };
    let project = UpdateProjectRequest {
        project: Some(Project {
            name: "workspaces/acme/projects/web".to_owned(),
            ..Project::default()
        }),
        update_mask: mask(),
    };
    let key = UpdateKeyRequest {
        key: Some(Key {
            name: "workspaces/acme/keys/main".to_owned(),
            ..Key::default()
        }),
        update_mask: mask(),
    };
    let provider = UpdateProviderRequest {
        provider: Some(Provider {
            name: "providers/openai".to_owned(),
            ..Provider::default()
        }),
        update_mask: mask(),
    };
    let provider_override = UpdateProviderOverrideRequest {
        provider_override: Some(ProviderOverride {
            name: "workspaces/acme/providers/openai".to_owned(),
            ..ProviderOverride::default()
        }),
        update_mask: mask(),
    };
    let session = UpdateSessionRequest {
        session: Some(Session {
            name: "workspaces/acme/sessions/s1".to_owned(),
            ..Session::default()
        }),
        update_mask: mask(),
    };
    let mut accepted = vec![
        (
            "UpdateWorkspaceRequest",
            offered(admin.workspaces.update_workspace(workspace).await),
        ),
        (
            "UpdateProjectRequest",
            offered(admin.workspaces.update_project(project).await),
        ),
        (
            "UpdateKeyRequest",
            offered(admin.keys.update_key(key).await),
        ),
        (
            "UpdateProviderRequest",
            offered(admin.providers.update_provider(provider).await),
        ),
        (
            "UpdateProviderOverrideRequest",
            offered(
                admin
                    .providers
                    .update_provider_override(provider_override)
                    .await,
            ),
        ),
        (
            "UpdateSessionRequest",
            offered(admin.sessions.update_session(session).await),
        ),
    ];
    accepted.sort();
    let accepted: Vec<_> = accepted
        .into_iter()
        .map(|(request, paths)| (request.to_owned(), paths))
        .collect();
    let mut documented = documented();
    documented.sort();
    assert_eq!(accepted, documented);
    drop(deployment);
}
