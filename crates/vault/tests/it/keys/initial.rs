//! Keys that come with `CreateWorkspace` and `CreateProject`: all of them or none, and not without it.

use latchkey_contract::vault::v1::verification::Grade;
use latchkey_contract::vault::v1::{
    CreateProjectRequest, CreateWorkspaceRequest, GetProjectRequest, InitialKey, Key,
    ListKeysRequest, ListProjectsRequest, Project, Workspace,
};
use tonic::{Code, Status};

use crate::harness::{
    OPERATOR, OWNER, Router, SECRET_TAIL, Vault, alive, api_key, key_of, material, refused,
    rejected, resolve, secret, unreachable,
};
use crate::on_both_databases;

on_both_databases!(
    a_workspace_is_created_with_its_keys,
    a_project_is_created_with_its_keys,
    one_refused_key_stores_nothing,
    without_a_router_nothing_is_stored,
    a_check_may_be_skipped_by_entry,
    a_repeated_request_stores_its_keys_once,
    ids_and_materials_are_distinct,
    a_malformed_field_is_named_by_its_entry,
    a_material_that_the_workspace_has_is_refused,
    a_taken_name_is_refused_without_a_check,
    sixteen_keys_may_come_at_once,
    keys_are_verified_concurrently_within_a_bound,
);

const ACME: &str = "workspaces/acme";
const WEB: &str = "workspaces/acme/projects/web";
const REQUEST_ID: &str = "9d1c8c52-6f1e-4c0c-8e39-2a5d6b8a4f10";

fn initial(id: &str) -> InitialKey {
    InitialKey {
        key_id: id.to_owned(),
        key: Some(key_of("openai")),
        material: material(&secret(ACME, id)),
        skip_verification: false,
    }
}

fn unchecked(id: &str) -> InitialKey {
    InitialKey {
        skip_verification: true,
        ..initial(id)
    }
}

fn workspace(initial_keys: Vec<InitialKey>) -> CreateWorkspaceRequest {
    CreateWorkspaceRequest {
        workspace_id: "acme".to_owned(),
        initial_keys,
        ..CreateWorkspaceRequest::default()
    }
}

fn project(initial_keys: Vec<InitialKey>) -> CreateProjectRequest {
    CreateProjectRequest {
        parent: ACME.to_owned(),
        project_id: "web".to_owned(),
        initial_keys,
        ..CreateProjectRequest::default()
    }
}

async fn create(vault: &Vault, request: CreateWorkspaceRequest) -> Result<Workspace, Status> {
    let created = vault.workspaces(OPERATOR).create_workspace(request).await;
    created.map(tonic::Response::into_inner)
}

async fn create_in_acme(vault: &Vault, request: CreateProjectRequest) -> Result<Project, Status> {
    let created = vault.workspaces(OWNER).create_project(request).await;
    created.map(tonic::Response::into_inner)
}

async fn keys(vault: &Vault, parent: &str) -> Vec<Key> {
    let request = ListKeysRequest {
        parent: parent.to_owned(),
        ..ListKeysRequest::default()
    };
    let listed = vault.keys(OWNER).list_keys(request).await;
    listed.unwrap().into_inner().keys
}

fn names(keys: &[Key]) -> Vec<&str> {
    keys.iter().map(|key| &*key.name).collect()
}

/// There is no such workspace, its name is free, and what is created by it has nothing of before.
async fn nothing_of_the_workspace_is_left(vault: &Vault) {
    let outcome = vault.reads(OPERATOR, ACME).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
    assert!(
        vault
            .recorded("platform", "CreateWorkspace")
            .await
            .is_empty()
    );
    vault.create_workspace("acme").await;
    assert!(keys(vault, ACME).await.is_empty());
    let events = vault.recorded(ACME, "").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].resource, ACME);
}

/// The same of the project, in a workspace that stays.
async fn nothing_of_the_project_is_left(vault: &Vault, events: usize) {
    let request = ListProjectsRequest {
        parent: ACME.to_owned(),
        ..ListProjectsRequest::default()
    };
    let listed = vault.workspaces(OWNER).list_projects(request).await;
    assert!(listed.unwrap().into_inner().projects.is_empty());
    assert_eq!(vault.recorded(ACME, "").await.len(), events);
    vault.create_project("acme", "web").await;
    assert!(keys(vault, WEB).await.is_empty());
}

async fn a_workspace_is_created_with_its_keys(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    router.answers_tasks(alive());
    let anthropic = InitialKey {
        key: Some(key_of("anthropic")),
        material: material("sk-ant-api03-not-a-real-key-wxyz"),
        ..initial("claude")
    };
    let request = workspace(vec![initial("main"), anthropic]);
    let created = create(&vault, request).await.unwrap();
    assert_eq!((&*created.name, &*created.etag), (ACME, "r1"));
    let stored = keys(&vault, ACME).await;
    let expected = ["workspaces/acme/keys/claude", "workspaces/acme/keys/main"];
    assert_eq!(names(&stored), expected);
    for key in &stored {
        assert_eq!(key.verification.as_ref().unwrap().grade(), Grade::Alive);
        assert_eq!(key.material_tail, SECRET_TAIL);
        assert_eq!(key.create_time, created.create_time);
    }
    assert_eq!(router.tasks().len(), 2);
    let events = vault
        .recorded(ACME, "WorkspaceService/CreateWorkspace")
        .await;
    let resources: Vec<_> = events.iter().map(|event| &*event.resource).collect();
    assert_eq!(resources, [ACME, expected[1], expected[0]]);
    assert_eq!(events[2].details["provider"], "anthropic");
    assert_eq!(events[2].details["uid"], stored[0].uid);
    let lease = router.obtains(resolve(ACME)).await;
    assert_eq!(api_key(lease.material.as_ref()), secret(ACME, "main"));
}

async fn a_project_is_created_with_its_keys(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    // The router depends on the workspace, and is sent the new keys.
    vault.create_key(ACME, "main").await;
    router.obtains(resolve(ACME)).await;
    let seen = router.invalidations().len();
    let request = project(vec![initial("a"), initial("b")]);
    let created = create_in_acme(&vault, request).await.unwrap();
    assert_eq!(created.name, WEB);
    assert_eq!(router.invalidations().len(), seen + 1);
    let stored = keys(&vault, WEB).await;
    let expected = [format!("{WEB}/keys/a"), format!("{WEB}/keys/b")];
    assert_eq!(names(&stored), expected);
    let events = vault.recorded(ACME, "WorkspaceService/CreateProject").await;
    let resources: Vec<_> = events.iter().map(|event| &*event.resource).collect();
    assert_eq!(resources, [WEB, &*expected[0], &*expected[1]]);
    let get = GetProjectRequest {
        name: WEB.to_owned(),
    };
    let found = vault.workspaces(OWNER).get_project(get).await.unwrap();
    assert_eq!(found.into_inner(), created);
}

async fn one_refused_key_stores_nothing(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    for (outcome, code, reason) in [
        (
            rejected(),
            Code::FailedPrecondition,
            "PROVIDER_REJECTED_KEY",
        ),
        (unreachable(), Code::Unavailable, "PROVIDER_UNAVAILABLE"),
    ] {
        let seen = router.tasks().len();
        router.answers_tasks(None);
        let request = workspace(vec![initial("good"), initial("bad"), unchecked("other")]);
        let mut client = vault.workspaces(OPERATOR);
        let creating = tokio::spawn(async move { client.create_workspace(request).await });
        router.task_after(seen + 1).await;
        for task in &router.tasks()[seen..] {
            let good = api_key(task.material.as_ref()) == secret(ACME, "good");
            let outcome = if good { alive() } else { outcome.clone() };
            router.brings_back(task, outcome);
        }
        let refusal = refused(creating.await.unwrap(), code, reason);
        assert_eq!(refusal.metadata["field"], "initial_keys[1]");
        assert!(!refusal.metadata["provider_message"].is_empty());
        assert!(
            refusal.message.starts_with("initial_keys[1]: "),
            "{refusal:?}"
        );
    }
    nothing_of_the_workspace_is_left(&vault).await;

    router.answers_tasks(rejected());
    let outcome = create_in_acme(&vault, project(vec![unchecked("a"), initial("b")])).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "PROVIDER_REJECTED_KEY");
    assert_eq!(refusal.metadata["field"], "initial_keys[1]");
    nothing_of_the_project_is_left(&vault, 1).await;
}

async fn without_a_router_nothing_is_stored(vault: Vault) {
    let outcome = create(&vault, workspace(vec![unchecked("a"), initial("b")])).await;
    let refusal = refused(outcome, Code::Unavailable, "NO_ROUTER_CONNECTED");
    assert_eq!(refusal.metadata["field"], "initial_keys[1]");
    assert!(refusal.retry_after.is_some());
    nothing_of_the_workspace_is_left(&vault).await;
    let outcome = create_in_acme(&vault, project(vec![initial("a")])).await;
    refused(outcome, Code::Unavailable, "NO_ROUTER_CONNECTED");
    nothing_of_the_project_is_left(&vault, 1).await;
}

async fn a_check_may_be_skipped_by_entry(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    let request = workspace(vec![initial("checked"), unchecked("unasked")]);
    create(&vault, request).await.unwrap();
    let grade = |key: &Key| key.verification.as_ref().unwrap().grade();
    let stored = keys(&vault, ACME).await;
    assert_eq!(
        stored.iter().map(grade).collect::<Vec<_>>(),
        [Grade::Alive, Grade::Format]
    );
    assert_eq!(router.tasks().len(), 1);
}

async fn a_repeated_request_stores_its_keys_once(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    let request = |keys| CreateWorkspaceRequest {
        request_id: REQUEST_ID.to_owned(),
        ..workspace(keys)
    };
    let first = create(&vault, request(vec![initial("a"), initial("b")])).await;
    let asked = router.tasks().len();
    router.answers_tasks(rejected());
    let second = create(&vault, request(vec![initial("a"), initial("b")])).await;
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(keys(&vault, ACME).await.len(), 2);
    assert_eq!(router.tasks().len(), asked);
    for other in [vec![initial("a")], vec![initial("b"), initial("a")], vec![]] {
        let outcome = create(&vault, request(other)).await;
        refused(outcome, Code::AlreadyExists, "REQUEST_ID_REUSED");
    }

    let request = || CreateProjectRequest {
        request_id: "1a6f1f0c-5d3f-4a38-9a32-0f0a6e0f2b11".to_owned(),
        ..project(vec![unchecked("c")])
    };
    let first = create_in_acme(&vault, request()).await.unwrap();
    assert_eq!(create_in_acme(&vault, request()).await.unwrap(), first);
    assert_eq!(keys(&vault, WEB).await.len(), 1);
}

async fn ids_and_materials_are_distinct(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    let same_material = InitialKey {
        material: initial("a").material,
        ..initial("b")
    };
    let same_id = InitialKey {
        material: initial("b").material,
        ..initial("a")
    };
    for (second, field) in [
        (same_material, "initial_keys[1].material"),
        (same_id, "initial_keys[1].key_id"),
    ] {
        let outcome = create(&vault, workspace(vec![initial("a"), second])).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    assert!(router.tasks().is_empty());
    nothing_of_the_workspace_is_left(&vault).await;

    // The same text is another provider's key of its own.
    let custom = Key {
        base_url: "https://llm.example/v1".to_owned(),
        ..key_of("custom")
    };
    let elsewhere = InitialKey {
        key: Some(custom),
        material: initial("a").material,
        ..initial("b")
    };
    let request = project(vec![initial("a"), elsewhere]);
    create_in_acme(&vault, request).await.unwrap();
}

async fn a_malformed_field_is_named_by_its_entry(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let with = |change: &dyn Fn(&mut InitialKey)| {
        let mut key = initial("b");
        change(&mut key);
        key
    };
    let of = |change: fn(&mut Key)| with(&|key| change(key.key.as_mut().unwrap()));
    for (second, reason, field) in [
        (
            with(&|key| key.key_id = "B".to_owned()),
            "FIELD_INVALID",
            "key_id",
        ),
        (with(&|key| key.key = None), "FIELD_INVALID", "key.provider"),
        (
            with(&|key| key.material = None),
            "FIELD_INVALID",
            "material",
        ),
        (
            with(&|key| key.material = material("short")),
            "KEY_FORMAT",
            "material.api_key",
        ),
        (
            of(|key| key.provider = "nova".to_owned()),
            "FIELD_INVALID",
            "key.provider",
        ),
        (of(|key| key.priority = -1), "FIELD_INVALID", "key.priority"),
        (
            of(|key| key.base_url = "https://10.0.0.1".to_owned()),
            "DESTINATION_FORBIDDEN",
            "key.base_url",
        ),
    ] {
        let field = format!("initial_keys[1].{field}");
        let request = CreateWorkspaceRequest {
            workspace_id: "other".to_owned(),
            ..workspace(vec![initial("a"), second.clone()])
        };
        let refusal = refused(create(&vault, request).await, Code::InvalidArgument, reason);
        assert_eq!(refusal.fields, [&*field]);
        let outcome = create_in_acme(&vault, project(vec![initial("a"), second])).await;
        let refusal = refused(outcome, Code::InvalidArgument, reason);
        assert_eq!(refusal.fields, [field]);
    }
    assert!(router.tasks().is_empty());
}

async fn a_material_that_the_workspace_has_is_refused(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
    let router = Router::open_router_session(&vault).await;
    let again = InitialKey {
        material: material(&secret(ACME, "main")),
        ..initial("b")
    };
    let outcome = create_in_acme(&vault, project(vec![initial("a"), again])).await;
    let refusal = refused(outcome, Code::AlreadyExists, "DUPLICATE_MATERIAL");
    assert_eq!(refusal.metadata["key"], "workspaces/acme/keys/main");
    assert_eq!(refusal.metadata["field"], "initial_keys[1]");
    assert_eq!(router.tasks().len(), 2);
    nothing_of_the_project_is_left(&vault, 2).await;
}

async fn a_taken_name_is_refused_without_a_check(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    let router = Router::open_router_session(&vault).await;
    let outcome = create(&vault, workspace(vec![initial("a")])).await;
    refused(outcome, Code::AlreadyExists, "WORKSPACE_EXISTS");
    let outcome = create_in_acme(&vault, project(vec![initial("a")])).await;
    refused(outcome, Code::AlreadyExists, "PROJECT_EXISTS");
    assert!(router.tasks().is_empty());
}

async fn sixteen_keys_may_come_at_once(vault: Vault) {
    // Each as large as a key of `CreateKey` may well be.
    let large = |number: usize| {
        let mut key = unchecked(&format!("k{number}"));
        let models = (0..256).map(|model| format!("{model:0>200}")).collect();
        key.key.as_mut().unwrap().allowed_models = models;
        key
    };
    let outcome = create(&vault, workspace((0..17).map(large).collect())).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["initial_keys"]);
    let request = workspace((0..16).map(large).collect());
    create(&vault, request).await.unwrap();
    assert_eq!(keys(&vault, ACME).await.len(), 16);
}

async fn keys_are_verified_concurrently_within_a_bound(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    router.answers_tasks(None);
    let request = workspace((0..16).map(|n| initial(&format!("k{n}"))).collect());
    let mut client = vault.workspaces(OPERATOR);
    let creating = tokio::spawn(async move { client.create_workspace(request).await });
    for answered in 0..16 {
        // Eight are under way as long as there are so many left.
        let under_way = (answered + 8).min(16);
        router.task_after(under_way - 1).await;
        assert_eq!(router.tasks().len(), under_way);
        let task = router.tasks()[answered].clone();
        router.brings_back(&task, alive());
    }
    creating.await.unwrap().unwrap();
    assert_eq!(keys(&vault, ACME).await.len(), 16);
}
