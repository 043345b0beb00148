use data_encoding::HEXLOWER;
use latchkey_contract::ProviderId;
use uuid::Uuid;

use super::*;
use crate::domain::availability::ProviderTerms;
use crate::domain::destination::Destination;
use crate::domain::funding::Funding;
use crate::domain::key::KeyState;
use crate::domain::material::SecretKind;
use crate::domain::member::{self, MemberRole};
use crate::domain::settings::KeySettings;
use crate::domain::uid::{BranchKeyUid, DataKeyUid, KeyUid, ProjectUid, WorkspaceUid};
use crate::domain::verification::{Grade, Verification};
use crate::domain::version::{VersionState, WrappedBy};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn workspace() -> Workspace {
    Workspace {
        uid: WorkspaceUid(Uuid::from_u128(1)),
        slug: WorkspaceSlug::Customer("acme".parse().unwrap()),
        display_name: "Acme".to_owned(),
        fallbacks: Vec::new(),
        funding: Funding::default(),
        rules: UsageRules::default(),
        revision: 41,
        audit_sequence: 42,
        row_revision: 43,
        create_time: at(1),
        update_time: at(2),
        delete_time: None,
    }
}

fn key() -> Key {
    Key {
        uid: KeyUid(Uuid::from_u128(0x10)),
        workspace: WorkspaceUid(Uuid::from_u128(1)),
        project: Some(ProjectUid(Uuid::from_u128(2))),
        slug: Some("main".parse().unwrap()),
        provider: ProviderId::OpenAi,
        settings: KeySettings {
            display_name: "Main".to_owned(),
            default_model: "gpt-5.4".to_owned(),
            allowed_models: vec!["gpt-5*".to_owned()],
            denied_models: vec!["gpt-5.5".to_owned()],
            priority: 3,
            weight: 5,
            expire_time: Some(at(9)),
            labels: [("team".to_owned(), "search".to_owned())].into(),
            ..KeySettings::default()
        },
        state: KeyState::Active,
        state_detail: String::new(),
        current_version: 1,
        row_revision: 2,
        create_time: at(1),
        update_time: at(2),
        delete_time: None,
        last_used_time: Some(at(3)),
    }
}

fn destination(location: &str, cloud_project: &str, api_version: &str) -> Destination {
    Destination::from_row(
        "https://llm.example/v1".to_owned(),
        location.to_owned(),
        cloud_project.to_owned(),
        api_version.to_owned(),
    )
}

fn version() -> KeyVersion {
    KeyVersion {
        key: KeyUid(Uuid::from_u128(0x10)),
        version: 1,
        workspace: WorkspaceUid(Uuid::from_u128(1)),
        state: VersionState::Current,
        destination: destination("", "", ""),
        secret_kind: SecretKind::ApiKey,
        material_tail: "wxyz".to_owned(),
        fingerprint: *b"sixteen bytes ..",
        wrapped_by: WrappedBy {
            branch_key: BranchKeyUid(Uuid::from_u128(0x30)),
            branch_version: 2,
            wrap_revision: 3,
        },
        wrapped_data_key: vec![0, 1, 255],
        payload: vec![4, 5, 6],
        verification: Verification {
            grade: Grade::Limited,
            detail: "no credit".to_owned(),
            time: at(4),
        },
        create_time: at(1),
        destroy_time: None,
    }
}

/// The digests were made by the last release that did not have the columns that came later.
#[test]
fn rows_from_before_a_column_keep_their_macs() {
    for (canonical, before) in [
        (
            workspace().canonical().unwrap(),
            "103e5bc34c82ddf00e2558f82fcb43b87b97b8f1af0e5f2f5fd04c8a91d2c360",
        ),
        (
            key().canonical().unwrap(),
            "f0dda1370a17219a5f2dbf9a80aba748951464cd63c3c90edb4381d68b90c597",
        ),
        (
            version().canonical().unwrap(),
            "263e7aba9497550ce7f886070cd50bdb9d922290d8036b886475673304bbdd5a",
        ),
    ] {
        let digest = digest(&SHA256, &canonical);
        assert_eq!(HEXLOWER.encode(digest.as_ref()), before);
    }
}

/// Each differs from every other: what is moved from one column to the next one is noticed.
fn all_differ(rows: &[Vec<u8>]) {
    for (index, row) in rows.iter().enumerate() {
        assert!(!rows[..index].contains(row), "{index}");
    }
}

#[test]
fn every_column_of_a_destination_is_covered() {
    let at = |location, cloud_project, api_version| {
        let destination = destination(location, cloud_project, api_version);
        KeyVersion {
            destination,
            ..version()
        }
        .canonical()
        .unwrap()
    };
    all_differ(&[
        at("", "", ""),
        at("global", "", ""),
        at("", "global", ""),
        at("", "", "global"),
        at("global", "global", ""),
        at("global", "", "global"),
        at("globalglobal", "", ""),
    ]);
    let kind = KeyVersion {
        secret_kind: SecretKind::EntraClient,
        ..version()
    };
    all_differ(&[kind.canonical().unwrap(), version().canonical().unwrap()]);
}

#[test]
fn deployments_and_fallbacks_are_covered() {
    let with = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        let mut key = key();
        key.settings.deployments = pairs.collect();
        key.canonical().unwrap()
    };
    all_differ(&[
        with(&[]),
        with(&[("m", "d")]),
        with(&[("d", "m")]),
        with(&[("m", "d"), ("n", "d")]),
    ]);
    let with = |fallbacks: &[&str]| {
        let fallbacks = fallbacks.iter().map(|text| text.parse().unwrap()).collect();
        Workspace {
            fallbacks,
            ..workspace()
        }
        .canonical()
        .unwrap()
    };
    all_differ(&[
        with(&[]),
        with(&["openai/a"]),
        with(&["openai/a", "openai/b"]),
        with(&["openai/b", "openai/a"]),
        with(&["azure/a"]),
    ]);
}

#[test]
fn every_column_of_provider_access_is_covered() {
    let of = |terms: ProviderTerms| ProviderAccess {
        workspace: WorkspaceUid(Uuid::from_u128(1)),
        provider: ProviderId::OpenAi,
        terms,
        row_revision: 1,
        update_time: at(1),
    };
    let models = || vec!["m".to_owned()];
    let mut rows = vec![of(ProviderTerms::default())];
    for on in [false, true] {
        let on = Some(on);
        let default = ProviderTerms::default;
        rows.extend([
            of(ProviderTerms {
                own_keys: on,
                ..default()
            }),
            of(ProviderTerms {
                chat: on,
                ..default()
            }),
            of(ProviderTerms {
                embeddings: on,
                ..default()
            }),
            of(ProviderTerms {
                images: on,
                ..default()
            }),
        ]);
    }
    let row = || of(ProviderTerms::default());
    rows.extend([
        of(ProviderTerms {
            allowed_models: models(),
            ..ProviderTerms::default()
        }),
        of(ProviderTerms {
            denied_models: models(),
            ..ProviderTerms::default()
        }),
        of(ProviderTerms {
            default_model: "m".to_owned(),
            ..ProviderTerms::default()
        }),
        ProviderAccess {
            workspace: WorkspaceUid(Uuid::from_u128(2)),
            ..row()
        },
        ProviderAccess {
            provider: ProviderId::Azure,
            ..row()
        },
        ProviderAccess {
            row_revision: 2,
            ..row()
        },
        ProviderAccess {
            update_time: at(2),
            ..row()
        },
    ]);
    let rows: Vec<_> = rows.iter().filter_map(MacRow::canonical).collect();
    all_differ(&rows);
}

#[test]
fn every_column_of_a_data_key_is_covered() {
    let row = || DataKey {
        uid: DataKeyUid(Uuid::from_u128(1)),
        workspace: WorkspaceUid(Uuid::from_u128(2)),
        wrapped_by: version().wrapped_by,
        wrapped_data_key: vec![1],
        payload: vec![2],
        create_time: at(1),
    };
    let wrapped = |change: fn(&mut WrappedBy)| {
        let mut row = row();
        change(&mut row.wrapped_by);
        row
    };
    let rows = [
        row(),
        DataKey {
            uid: DataKeyUid(Uuid::from_u128(2)),
            ..row()
        },
        DataKey {
            workspace: WorkspaceUid(Uuid::from_u128(1)),
            ..row()
        },
        wrapped(|by| by.branch_key = BranchKeyUid(Uuid::from_u128(1))),
        wrapped(|by| by.branch_version += 1),
        wrapped(|by| by.wrap_revision += 1),
        DataKey {
            wrapped_data_key: vec![2],
            ..row()
        },
        DataKey {
            payload: vec![1],
            ..row()
        },
        DataKey {
            create_time: at(2),
            ..row()
        },
    ];
    all_differ(&rows.map(|row| row.canonical().unwrap()));
}

#[test]
fn every_column_of_a_member_is_covered() {
    let terms = member::MemberFields {
        identity: "token:ada".parse().unwrap(),
        role: MemberRole::Member,
        display_name: String::new(),
    };
    let uid = WorkspaceUid(Uuid::from_u128(1));
    let ada = Member::new(uid, "ada".parse().unwrap(), terms, at(1));
    let other = |change: &dyn Fn(&mut Member)| {
        let mut other = ada.clone();
        change(&mut other);
        other.canonical().unwrap()
    };
    all_differ(&[
        ada.canonical().unwrap(),
        other(&|ada| ada.workspace = WorkspaceUid(Uuid::from_u128(2))),
        other(&|ada| ada.slug = "adam".parse().unwrap()),
        other(&|ada| ada.identity = "token:adam".parse().unwrap()),
        other(&|ada| ada.role = MemberRole::Owner),
        other(&|ada| ada.role = MemberRole::Caller),
        other(&|ada| ada.display_name = "Ada".to_owned()),
        other(&|ada| ada.row_revision = 2),
        other(&|ada| ada.create_time = at(2)),
        other(&|ada| ada.update_time = at(2)),
    ]);
    let longest = format!("spiffe://example.org/{}", "a".repeat(2_027));
    other(&|ada| ada.identity = longest.parse().unwrap());
}

#[test]
fn the_largest_settings_fit() {
    let mut key = key();
    key.settings.deployments = (0..256)
        .map(|number| (format!("{number:0>256}"), "d".repeat(64)))
        .collect();
    assert!(key.columns().finish().is_ok());
}
