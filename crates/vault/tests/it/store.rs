//! The store by itself, on both databases.

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_vault::domain::audit::{Act, AuditEvent};
use latchkey_vault::domain::capability::Capability;
use latchkey_vault::domain::destination::Destination;
use latchkey_vault::domain::funding::{Funding, FundingFallback, Narrowing, Selection};
use latchkey_vault::domain::key::{Key, KeyState};
use latchkey_vault::domain::material::SecretKind;
use latchkey_vault::domain::settings::{KeySettings, Retention};
use latchkey_vault::domain::stamped::Stamped;
use latchkey_vault::domain::uid::{BranchKeyUid, DeploymentUid, KeyUid, ProjectUid, WorkspaceUid};
use latchkey_vault::domain::usage_rules::UsageRules;
use latchkey_vault::domain::verification::{Grade, Verification};
use latchkey_vault::domain::version::{KeyVersion, VersionState, WrappedBy};
use latchkey_vault::domain::workspace::{Project, Workspace, WorkspaceSlug};
use latchkey_vault::store::answers::{self, Answered};
use latchkey_vault::store::branch_keys::{self, BranchPurpose, WrappedBranchKey};
use latchkey_vault::store::keys::Parent;
use latchkey_vault::store::{
    Rows as _, Store, StoreError, audit_events, keys, projects, versions, workspaces,
};
use sea_orm::{ConnectionTrait as _, Statement};
use uuid::Uuid;

/// Makes a test of each function for each kind of database.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use latchkey_migrations::testing::Backend;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$test(super::Migrated::fresh(Backend::Postgres).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$test(super::Migrated::fresh(Backend::Sqlite).await).await;
            }
        }
    )+};
}

mod data_keys;
mod members;
mod overdue;
mod provider_access;
mod rules;

on_both_databases!(
    workspaces_come_back_as_they_were_stored,
    projects_come_back_as_they_were_stored,
    keys_come_back_as_they_were_stored,
    versions_come_back_as_they_were_stored,
    branch_keys_come_back_oldest_first,
    events_come_back_newest_first,
    answers_come_back_until_they_are_forgotten,
    the_deployment_has_one_identity,
);

/// A database with the current schema.
struct Migrated {
    store: Store,
    _database: TestDatabase,
}

impl Migrated {
    async fn fresh(backend: Backend) -> Self {
        let database = TestDatabase::fresh(backend).await;
        let store = Store::connect(&database.url, 8).await.unwrap();
        assert!(!store.is_current().await.unwrap());
        store.migrate().await.unwrap();
        assert!(store.is_current().await.unwrap());
        Self {
            store,
            _database: database,
        }
    }

    async fn execute(&self, sql: &str) {
        self.store
            .connection()
            .execute_unprepared(sql)
            .await
            .unwrap();
    }

    async fn insert_workspace(&self, uid: u128, slug: &str) -> Workspace {
        let workspace = workspace(uid, slug);
        let unit = self.store.begin().await.unwrap();
        workspaces::insert(&unit, stamped(workspace.clone()))
            .await
            .unwrap();
        unit.commit().await.unwrap();
        workspace
    }

    async fn insert_key(&self, key: Key, version: KeyVersion) {
        let unit = self.store.begin().await.unwrap();
        keys::insert(&unit, stamped(key)).await.unwrap();
        versions::insert(&unit, stamped(version)).await.unwrap();
        unit.commit().await.unwrap();
    }
}

const MAC: [u8; 32] = [7; 32];

fn stamped<T>(value: T) -> Stamped<T> {
    Stamped::new(value, MAC.to_vec())
}

#[track_caller]
fn came_back<T: std::fmt::Debug + PartialEq>(found: Option<Stamped<T>>, expected: &T) {
    let (value, mac) = found.expect("it is there").into_unchecked();
    assert_eq!((&value, &mac[..]), (expected, &MAC[..]));
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn workspace(uid: u128, slug: &str) -> Workspace {
    Workspace {
        uid: WorkspaceUid(Uuid::from_u128(uid)),
        slug: WorkspaceSlug::Customer(slug.parse().unwrap()),
        display_name: "Ümläut & Söhne".to_owned(),
        fallbacks: vec!["openrouter/a/ü".parse().unwrap()],
        funding: Funding {
            when_failed: FundingFallback::Platform,
            ..Funding::default()
        },
        rules: UsageRules {
            capabilities: vec![Capability::Embed, Capability::GenerateImages],
            allowed_models: vec!["ü*".to_owned()],
            ..UsageRules::default()
        },
        revision: 41,
        audit_sequence: 42,
        row_revision: 43,
        create_time: at(1_795_262_400_123_456),
        update_time: at(-1),
        delete_time: None,
    }
}

fn project(workspace: &Workspace) -> Project {
    let uid = ProjectUid(Uuid::from_u128(0x20));
    let slug = "web".parse().unwrap();
    Project {
        funding: Narrowing {
            selection: Some(Selection::WhenNamed),
            ..Narrowing::default()
        },
        rules: UsageRules {
            zero_retention: true,
            ..UsageRules::default()
        },
        ..Project::new(uid, workspace.uid, slug, "Web".to_owned(), at(5))
    }
}

fn key(workspace: &Workspace, uid: u128, slug: &str) -> Key {
    Key {
        uid: KeyUid(Uuid::from_u128(uid)),
        workspace: workspace.uid,
        project: None,
        slug: Some(slug.parse().unwrap()),
        provider: ProviderId::OpenAi,
        settings: KeySettings {
            display_name: "Main".to_owned(),
            default_model: "gpt-5.4".to_owned(),
            allowed_models: vec!["gpt-5*".to_owned(), "o\"1".to_owned()],
            denied_models: vec!["gpt-5.5".to_owned()],
            priority: 3,
            weight: 1_000_000,
            expire_time: Some(at(i64::MAX)),
            labels: [("team".to_owned(), "søk".to_owned())].into(),
            deployments: [("gpt-5.4".to_owned(), "prod".to_owned())].into(),
            funding: Narrowing {
                when_missing: Some(FundingFallback::Refuse),
                ..Narrowing::default()
            },
            allowed_callers: vec!["spiffe://example.org/*".to_owned()],
            retention: Retention::Zero,
        },
        state: KeyState::Quarantined,
        state_detail: "HTTP 401".to_owned(),
        current_version: 1,
        row_revision: 2,
        create_time: at(1),
        update_time: at(2),
        delete_time: None,
        last_used_time: None,
    }
}

fn version(key: &Key, number: u64) -> KeyVersion {
    KeyVersion {
        key: key.uid,
        version: number,
        workspace: key.workspace,
        state: VersionState::Current,
        destination: Destination::from_row(
            "https://llm.example/v1".to_owned(),
            "europe-west4".to_owned(),
            "acme-models".to_owned(),
            "2024-10-21".to_owned(),
        ),
        secret_kind: SecretKind::ServiceAccount,
        material_tail: "wxyz".to_owned(),
        fingerprint: *b"sixteen bytes ..",
        wrapped_by: WrappedBy {
            branch_key: BranchKeyUid(Uuid::from_u128(0x30)),
            branch_version: 2,
            wrap_revision: 3,
        },
        wrapped_data_key: vec![0, 1, 255],
        payload: (0..=255).collect(),
        verification: Verification {
            grade: Grade::Limited,
            detail: "no credit".to_owned(),
            time: at(4),
        },
        create_time: at(1),
        destroy_time: Some(at(9)),
    }
}

fn of(workspace: &Workspace) -> Parent {
    Parent {
        workspace: workspace.uid,
        project: None,
    }
}

async fn workspaces_come_back_as_they_were_stored(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let slug = "acme".parse().unwrap();
    came_back(
        workspaces::find(&db.store, Some(&slug)).await.unwrap(),
        &acme,
    );
    assert!(workspaces::find(&db.store, None).await.unwrap().is_none());
    let platform = Workspace {
        slug: WorkspaceSlug::Platform,
        ..workspace(2, "x")
    };
    let unit = db.store.begin().await.unwrap();
    workspaces::insert(&unit, stamped(platform.clone()))
        .await
        .unwrap();
    let renamed = Workspace {
        delete_time: Some(at(8)),
        ..acme.clone().rename("A".into(), at(7))
    };
    workspaces::update(&unit, stamped(renamed.clone()))
        .await
        .unwrap();
    came_back(
        workspaces::lock_by_uid(&unit, acme.uid).await.unwrap(),
        &renamed,
    );
    unit.commit().await.unwrap();
    came_back(workspaces::find(&db.store, None).await.unwrap(), &platform);
    let listed = workspaces::list(&db.store, None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    came_back(listed.into_iter().next(), &renamed);
    let revisions = workspaces::revisions(&db.store, &[acme.uid]).await.unwrap();
    assert_eq!(revisions, [(acme.uid, 41)]);
}

async fn projects_come_back_as_they_were_stored(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let web = project(&acme);
    let unit = db.store.begin().await.unwrap();
    projects::insert(&unit, stamped(web.clone())).await.unwrap();
    unit.commit().await.unwrap();
    let slug = "web".parse().unwrap();
    came_back(
        projects::find(&db.store, acme.uid, &slug).await.unwrap(),
        &web,
    );
    let deleted = web.clone().delete(at(9));
    let unit = db.store.begin().await.unwrap();
    projects::update(&unit, stamped(deleted.clone()))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert!(
        projects::find(&db.store, acme.uid, &slug)
            .await
            .unwrap()
            .is_none()
    );
    came_back(
        projects::find_by_uid(&db.store, web.uid).await.unwrap(),
        &deleted,
    );
    assert!(
        projects::list(&db.store, acme.uid, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn keys_come_back_as_they_were_stored(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let web = project(&acme);
    let unit = db.store.begin().await.unwrap();
    projects::insert(&unit, stamped(web.clone())).await.unwrap();
    unit.commit().await.unwrap();
    let main = key(&acme, 0x10, "main");
    let in_project = Key {
        project: Some(web.uid),
        ..key(&acme, 0x11, "main")
    };
    let bare = Key {
        settings: KeySettings::default(),
        ..key(&acme, 0x12, "bare")
    };
    for key in [&main, &in_project, &bare] {
        db.insert_key(key.clone(), version(key, 1)).await;
    }
    let slug = "main".parse().unwrap();
    came_back(
        keys::find(&db.store, of(&acme), &slug).await.unwrap(),
        &main,
    );
    let within = Parent {
        workspace: acme.uid,
        project: Some(web.uid),
    };
    came_back(
        keys::find(&db.store, within, &slug).await.unwrap(),
        &in_project,
    );
    came_back(keys::find_by_uid(&db.store, bare.uid).await.unwrap(), &bare);

    let slugs = |listed: Vec<keys::Listed>| listed.into_iter().map(|row| row.slug);
    let listed = keys::list(&db.store, of(&acme), Some("bare"), 10)
        .await
        .unwrap();
    assert_eq!(slugs(listed).collect::<Vec<_>>(), ["main"]);
    let platform = WorkspaceUid(Uuid::from_u128(99));
    let candidates = keys::candidates(&db.store, within, platform, Some(ProviderId::OpenAi))
        .await
        .unwrap();
    assert_eq!(
        slugs(candidates).collect::<Vec<_>>(),
        ["bare", "main", "main"]
    );
    let none = keys::candidates(&db.store, within, platform, Some(ProviderId::Custom))
        .await
        .unwrap();
    assert!(none.is_empty());
    let all = keys::candidates(&db.store, within, platform, None)
        .await
        .unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(
        keys::all_within(&db.store, of(&acme)).await.unwrap().len(),
        3
    );
    assert_eq!(keys::all_within(&db.store, within).await.unwrap().len(), 1);
}

async fn versions_come_back_as_they_were_stored(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let main = key(&acme, 0x10, "main");
    let first = version(&main, 1);
    db.insert_key(main.clone(), first.clone()).await;
    came_back(
        versions::find(&db.store, main.uid, 1).await.unwrap(),
        &first,
    );
    assert!(
        versions::find(&db.store, main.uid, 2)
            .await
            .unwrap()
            .is_none()
    );
    let current = versions::current_of(&db.store, &[&main]).await.unwrap();
    came_back(current.into_iter().next(), &first);
    assert!(
        versions::current_of(&db.store, &[])
            .await
            .unwrap()
            .is_empty()
    );
    let destroyed = first.destroy(at(10));
    let unit = db.store.begin().await.unwrap();
    versions::update(&unit, stamped(destroyed.clone()))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    came_back(
        versions::find(&db.store, main.uid, 1).await.unwrap(),
        &destroyed,
    );
}

async fn branch_keys_come_back_oldest_first(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let wrapped = |version, purpose| WrappedBranchKey {
        uid: BranchKeyUid(Uuid::from_u128(100 + u128::from(version))),
        workspace: acme.uid,
        purpose,
        version,
        root_key: "rk-1".to_owned(),
        root_version: 3,
        wrapped: vec![1, 2, 3],
        create_time: at(5),
    };
    let unit = db.store.begin().await.unwrap();
    for version in [2, 1] {
        branch_keys::insert(&unit, wrapped(version, BranchPurpose::Branch))
            .await
            .unwrap();
    }
    let taken = WrappedBranchKey {
        uid: BranchKeyUid(Uuid::nil()),
        ..wrapped(1, BranchPurpose::Branch)
    };
    unit.commit().await.unwrap();
    let found = branch_keys::of_workspace(&db.store, acme.uid)
        .await
        .unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|key| (key.version, key.purpose, key.root_version))
        .collect();
    assert_eq!(
        shown,
        [(1, BranchPurpose::Branch, 3), (2, BranchPurpose::Branch, 3)]
    );
    assert_eq!(
        (found[0].root_key.as_str(), &found[0].wrapped[..]),
        ("rk-1", &[1, 2, 3][..])
    );
    let unit = db.store.begin().await.unwrap();
    let again = branch_keys::insert(&unit, taken).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));
}

async fn events_come_back_newest_first(db: Migrated) {
    let acme = db.insert_workspace(1, "acme").await;
    let act = Act {
        actor: "token:a".into(),
        method: "/x/Y".to_owned(),
    };
    let event = |sequence| {
        let event = AuditEvent::done(&act, "workspaces/acme", at(5)).with("fact", "välue \"1\"");
        AuditEvent { sequence, ..event }
    };
    let unit = db.store.begin().await.unwrap();
    for sequence in 1..=3 {
        audit_events::insert(&unit, acme.uid, event(sequence))
            .await
            .unwrap();
    }
    unit.commit().await.unwrap();
    let newest = audit_events::list(&db.store, acme.uid, None, 2)
        .await
        .unwrap();
    assert_eq!(
        newest
            .iter()
            .map(|event| event.sequence)
            .collect::<Vec<_>>(),
        [3, 2]
    );
    let rest = audit_events::list(&db.store, acme.uid, Some(2), 2)
        .await
        .unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].details["fact"], "välue \"1\"");
    assert_eq!(
        (&*rest[0].act.actor, rest[0].act.method.as_str()),
        ("token:a", "/x/Y")
    );
    let unit = db.store.begin().await.unwrap();
    let again = audit_events::insert(&unit, acme.uid, event(3)).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));
}

async fn answers_come_back_until_they_are_forgotten(db: Migrated) {
    let id = Uuid::from_u128(5);
    let answered = Answered {
        digest: vec![1; 32],
        answer: vec![0, 255],
    };
    let unit = db.store.begin().await.unwrap();
    answers::insert(&unit, "token:a", id, answered.clone(), at(10))
        .await
        .unwrap();
    answers::insert(&unit, "token:b", id, answered.clone(), at(20))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let found = answers::find(&db.store, "token:a", id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.digest, found.answer),
        (answered.digest, answered.answer)
    );
    assert!(
        answers::find(&db.store, "token:c", id)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(answers::forget_before(&db.store, at(20)).await.unwrap(), 1);
    assert!(
        answers::find(&db.store, "token:a", id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        answers::find(&db.store, "token:b", id)
            .await
            .unwrap()
            .is_some()
    );
}

async fn the_deployment_has_one_identity(db: Migrated) {
    assert!(workspaces::deployment(&db.store).await.unwrap().is_none());
    let id = DeploymentUid(Uuid::from_u128(1));
    let unit = db.store.begin().await.unwrap();
    workspaces::insert_deployment(&unit, id, at(1))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(workspaces::deployment(&db.store).await.unwrap(), Some(id));
    let unit = db.store.begin().await.unwrap();
    let other = DeploymentUid(Uuid::from_u128(2));
    let again = workspaces::insert_deployment(&unit, other, at(1)).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));
}

#[tokio::test]
async fn sqlite_keeps_what_it_acknowledged_and_nothing_that_was_deleted() {
    let db = Migrated::fresh(Backend::Sqlite).await;
    let connection = db.store.connection();
    for (pragma, expected) in [
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("secure_delete", "1"),
        ("journal_mode", "wal"),
    ] {
        let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        let value: String = row.try_get_by_index(0).unwrap();
        assert_eq!(value, expected, "{pragma}");
    }
}
