//! From domain to message, field by field.

use latchkey_clock::Timestamp;
use latchkey_contract::names::{KeyName, KeyVersionName, MemberName, ProjectName, WorkspaceName};
use latchkey_contract::vault::v1;

use super::{funding, usage_rules};
use crate::change::etag;
use crate::domain::audit::{AuditEvent, Decision};
use crate::domain::fallback::Fallback;
use crate::domain::key::{Key, KeyState};
use crate::domain::material::Material;
use crate::domain::member::{Member, MemberRole};
use crate::domain::resolution::Payer;
use crate::domain::settings::Retention;
use crate::domain::verification::{Grade, Verification};
use crate::domain::version::KeyVersion;
use crate::domain::workspace::{Project, Workspace};
use crate::leasing::Propagation;

/// A time.
pub(crate) fn time(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.to_unix();
    let nanos = i32::try_from(nanos).expect("a second has fewer than 2^31 nanoseconds");
    prost_types::Timestamp { seconds, nanos }
}

/// A workspace.
pub(crate) fn workspace(name: &WorkspaceName, workspace: &Workspace) -> v1::Workspace {
    v1::Workspace {
        name: name.to_string(),
        uid: workspace.uid.to_string(),
        display_name: workspace.display_name.clone(),
        create_time: Some(time(workspace.create_time)),
        update_time: Some(time(workspace.update_time)),
        etag: etag(workspace.row_revision),
        fallbacks: fallbacks(&workspace.fallbacks),
        funding: Some(funding::encode(workspace.funding)),
        allowed_capabilities: usage_rules::encode_capabilities(&workspace.rules),
        allowed_models: workspace.rules.allowed_models.clone(),
        denied_models: workspace.rules.denied_models.clone(),
        zero_retention: workspace.rules.zero_retention,
    }
}

/// The fallback models of a workspace.
pub(crate) fn fallbacks(fallbacks: &[Fallback]) -> Vec<v1::WorkspaceFallback> {
    let encode = |fallback: &Fallback| v1::WorkspaceFallback {
        provider: fallback.provider.to_string(),
        model: fallback.model.clone(),
    };
    fallbacks.iter().map(encode).collect()
}

/// A project.
pub(crate) fn project(name: &ProjectName, project: &Project) -> v1::Project {
    v1::Project {
        name: name.to_string(),
        uid: project.uid.to_string(),
        display_name: project.display_name.clone(),
        create_time: Some(time(project.create_time)),
        update_time: Some(time(project.update_time)),
        etag: etag(project.row_revision),
        funding: funding::encode_narrowing(project.funding),
        allowed_capabilities: usage_rules::encode_capabilities(&project.rules),
        allowed_models: project.rules.allowed_models.clone(),
        denied_models: project.rules.denied_models.clone(),
        zero_retention: project.rules.zero_retention,
    }
}

/// A member.
pub(crate) fn member(name: &MemberName, member: &Member) -> v1::Member {
    v1::Member {
        name: name.to_string(),
        identity: member.identity.to_string(),
        role: member_role(member.role).into(),
        display_name: member.display_name.clone(),
        create_time: Some(time(member.create_time)),
        update_time: Some(time(member.update_time)),
        etag: etag(member.row_revision),
    }
}

/// The role of a member.
pub(crate) fn member_role(role: MemberRole) -> v1::member::Role {
    match role {
        MemberRole::Caller => v1::member::Role::Caller,
        MemberRole::Member => v1::member::Role::Member,
        MemberRole::Owner => v1::member::Role::Owner,
    }
}

/// A key with its current version.
pub(crate) fn key(name: &KeyName, key: &Key, version: &KeyVersion, now: Timestamp) -> v1::Key {
    let current = KeyVersionName {
        key: name.clone(),
        version: key.current_version,
    };
    v1::Key {
        name: name.to_string(),
        uid: key.uid.to_string(),
        provider: key.provider.to_string(),
        display_name: key.settings.display_name.clone(),
        base_url: version.destination.base_url().to_owned(),
        default_model: key.settings.default_model.clone(),
        allowed_models: key.settings.allowed_models.clone(),
        denied_models: key.settings.denied_models.clone(),
        priority: small(key.settings.priority),
        weight: small(key.settings.weight),
        expire_time: key.settings.expire_time.map(time),
        labels: key.settings.labels.clone(),
        material_tail: version.material_tail.clone(),
        state: state(key, now).into(),
        state_detail: key.state_detail.clone(),
        current_version: current.to_string(),
        verification: Some(verification(&version.verification)),
        create_time: Some(time(key.create_time)),
        update_time: Some(time(key.update_time)),
        last_used_time: key.last_used_time.map(time),
        etag: etag(key.row_revision),
        location: version.destination.location().to_owned(),
        cloud_project: version.destination.cloud_project().to_owned(),
        api_version: version.destination.api_version().to_owned(),
        deployments: key.settings.deployments.clone(),
        funding: funding::encode_narrowing(key.settings.funding),
        allowed_callers: key.settings.allowed_callers.clone(),
        retention: retention(key.settings.retention).into(),
    }
}

/// A material, for the routers alone.
pub(crate) fn material(material: &Material) -> v1::KeyMaterial {
    use v1::key_material::Kind;
    let kind = match material {
        Material::ApiKey(key) => Kind::ApiKey(key.expose().to_owned()),
        Material::EntraClient(client) => Kind::EntraClient(v1::EntraClient {
            tenant_id: client.tenant_id().to_owned(),
            client_id: client.client_id().to_owned(),
            client_secret: client.client_secret().to_owned(),
        }),
        Material::ServiceAccount(account) => {
            let json = account.to_json();
            let json = std::str::from_utf8(json.expose()).expect("JSON is UTF-8");
            Kind::ServiceAccountJson(json.to_owned())
        }
    };
    v1::KeyMaterial { kind: Some(kind) }
}

/// The payer.
pub(crate) fn payer(payer: Payer) -> v1::Payer {
    match payer {
        Payer::OwnKey => v1::Payer::OwnKey,
        Payer::Platform => v1::Payer::Platform,
    }
}

/// A key whose row failed its integrity check, as a list shows it.
pub(crate) fn damaged_key(name: String) -> v1::Key {
    v1::Key {
        name,
        state: v1::key::State::Quarantined.into(),
        state_detail: "integrity check failed".to_owned(),
        ..v1::Key::default()
    }
}

/// The outcome of a verification.
pub(crate) fn verification(verification: &Verification) -> v1::Verification {
    v1::Verification {
        grade: match verification.grade {
            Grade::Format => v1::verification::Grade::Format,
            Grade::Reachable => v1::verification::Grade::Reachable,
            Grade::Limited => v1::verification::Grade::Limited,
            Grade::Alive => v1::verification::Grade::Alive,
        }
        .into(),
        detail: verification.detail.clone(),
        verify_time: Some(time(verification.time)),
    }
}

/// How far a change was propagated.
pub(crate) fn propagation(propagation: Propagation) -> v1::Propagation {
    v1::Propagation {
        revision: signed(propagation.revision),
        acknowledged_router_count: signed(propagation.acknowledged),
        fenced_router_count: signed(propagation.fenced),
        in_flight_count: signed(propagation.in_flight),
        elapsed: prost_types::Duration::try_from(propagation.elapsed).ok(),
    }
}

/// The revision of a workspace.
pub(crate) fn scope_revision(workspace: &Workspace) -> v1::ScopeRevision {
    v1::ScopeRevision {
        workspace_uid: workspace.uid.to_string(),
        revision: signed(workspace.revision),
    }
}

/// An audit event.
pub(crate) fn audit_event(event: AuditEvent) -> v1::AuditEvent {
    v1::AuditEvent {
        sequence: signed(event.sequence),
        event_time: Some(time(event.time)),
        actor: event.act.actor.to_string(),
        method: event.act.method,
        resource: event.resource,
        decision: match event.decision {
            Decision::Done => v1::audit_event::Decision::Done,
            Decision::IntegrityFailure => v1::audit_event::Decision::IntegrityFailure,
            Decision::Refused => v1::audit_event::Decision::Refused,
        }
        .into(),
        reason: event.reason,
        details: event.details,
    }
}

/// Counters are unsigned inside and signed on the wire (AIP-141); they stay far below 2^63.
pub(crate) fn signed(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

fn retention(retention: Retention) -> v1::key::Retention {
    match retention {
        Retention::Default => v1::key::Retention::Unspecified,
        Retention::Zero => v1::key::Retention::Zero,
    }
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn state(key: &Key, now: Timestamp) -> v1::key::State {
    match key.state {
        KeyState::Active if key.expired(now) => v1::key::State::Expired,
        KeyState::Active => v1::key::State::Active,
        KeyState::Deleted => v1::key::State::Deleted,
        KeyState::Disabled => v1::key::State::Disabled,
        KeyState::Quarantined => v1::key::State::Quarantined,
    }
}
