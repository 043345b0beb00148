//! `SetMember`.

use latchkey_contract::names::{KeyParent, MemberName, Scope};
use latchkey_contract::vault::v1::{Member as Message, SetMemberRequest, member};

use crate::change::{Change, check_etag};
use crate::domain::audit::AuditEvent;
use crate::domain::member::{Member, MemberFields, MemberRole};
use crate::domain::settings::check_display_name;
use crate::error::{Conflict, VaultError};
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(in crate::services) async fn handle(
    vault: &Vault,
    call: &Call,
    request: SetMemberRequest,
) -> Result<Message, VaultError> {
    let wanted = request.member.unwrap_or_default();
    let name: MemberName = wanted
        .name
        .parse()
        .map_err(VaultError::name("member.name"))?;
    call.authorize(&name.workspace).await?;
    let (etag, fields) = decode(wanted)?;

    let parent = KeyParent::Scope(Scope::Workspace(name.workspace.clone()));
    let mut change = Change::begin(vault, &parent, call.act()).await?;
    refuse_second_name(&change, &name, &fields).await?;
    let before = change.rows().find_member(&name.member).await?;
    let mut event = change.event(&name);
    let member = match before {
        Some(before) => {
            check_etag(&etag, before.row_revision)?;
            event = describe_change(event, &before, &fields);
            let member = before.change(fields, change.now);
            change.put_member(member.clone()).await?;
            member
        }
        // An etag implies that the member exists.
        None if !etag.is_empty() => return Err(Conflict::Etag.into()),
        None => {
            let slug = name.member.clone();
            let member = Member::new(change.head.uid, slug, fields, change.now);
            change.add_member(member.clone()).await?;
            member
        }
    };
    event = event
        .with("identity", &member.identity)
        .with("role", member.role.as_str());
    change.record(event).await?;
    let committed = change.commit().await?;
    // Routers cache roles, and the new role may allow less.
    vault.leasing.propagate(committed).await;
    Ok(encode::member(&name, &member))
}

fn decode(wanted: Message) -> Result<(String, MemberFields), VaultError> {
    let identity = wanted
        .identity
        .parse()
        .map_err(|error| VaultError::field("member.identity", error))?;
    let role = match member::Role::try_from(wanted.role) {
        Ok(member::Role::Owner) => MemberRole::Owner,
        Ok(member::Role::Member) => MemberRole::Member,
        Ok(member::Role::Caller) => MemberRole::Caller,
        Ok(member::Role::Unspecified) => {
            return Err(VaultError::field("member.role", "is required"));
        }
        Err(_) => {
            let problem = "is not a known value";
            return Err(VaultError::field("member.role", problem));
        }
    };
    check_display_name("member.display_name", &wanted.display_name)?;
    let display_name = wanted.display_name;
    let fields = MemberFields {
        identity,
        role,
        display_name,
    };
    Ok((wanted.etag, fields))
}

/// Refuses an identity that is a member by another name: its role would be ambiguous.
async fn refuse_second_name(
    change: &Change,
    name: &MemberName,
    fields: &MemberFields,
) -> Result<(), VaultError> {
    let identity = fields.identity.as_str();
    let Some(holder) = change.rows().find_member_by_identity(identity).await? else {
        return Ok(());
    };
    if holder.slug == name.member {
        return Ok(());
    }
    Err(Conflict::MemberExists(holder.name(&name.workspace)).into())
}

/// Adds the former values that a change replaces.
fn describe_change(event: AuditEvent, before: &Member, fields: &MemberFields) -> AuditEvent {
    let mut event = event;
    if before.identity != fields.identity {
        event = event.with("former_identity", &before.identity);
    }
    if before.role != fields.role {
        event = event.with("former_role", before.role.as_str());
    }
    event
}
