//! `SetMember`.

use latchkey_contract::vault::v1::member::Role;
use latchkey_contract::vault::v1::{ListMembersRequest, Member, SetMemberRequest};
use tonic::{Code, Status};

use crate::harness::{
    ACME_OWNER, ADA, BOB, BOT, OPERATOR, OWNER, Router, Vault, Who, create_key, member, refused,
    role_of, set,
};
use crate::on_both_databases;

on_both_databases!(
    a_member_is_set_and_shown,
    all_of_a_member_is_set,
    setting_a_member_again_changes_nothing_of_it,
    an_identity_is_a_member_once_in_a_workspace,
    an_etag_guards_against_another_change,
    a_malformed_field_is_named,
    a_missing_workspace_is_not_found,
    a_change_is_recorded_with_what_was_before,
    an_owner_by_membership_manages_the_workspace,
    a_role_counts_at_once,
    routers_hear_of_another_role,
);

const ACME: &str = "workspaces/acme";

async fn set_by(vault: &Vault, who: Who, member: Member) -> Result<Member, Status> {
    let request = SetMemberRequest {
        member: Some(member),
    };
    let answer = vault.workspaces(who).set_member(request).await;
    answer.map(tonic::Response::into_inner)
}

async fn members(vault: &Vault, parent: &str) -> Vec<Member> {
    let request = ListMembersRequest {
        parent: parent.to_owned(),
        ..ListMembersRequest::default()
    };
    let listed = vault.workspaces(OWNER).list_members(request).await;
    listed.unwrap().into_inner().members
}

async fn a_member_is_set_and_shown(vault: Vault) {
    vault.create_workspace("acme").await;
    let mut expected = Vec::new();
    for (who, id, identity, role) in [
        (OPERATOR, "a", "token:ada", Role::Owner),
        (
            OWNER,
            "b",
            "spiffe://example.org/ns/web/sa/App",
            Role::Caller,
        ),
        (ACME_OWNER, "c", "token:someone.else", Role::Member),
    ] {
        let wanted = Member {
            display_name: "Ada Lovelace".to_owned(),
            ..member(ACME, id, identity, role)
        };
        let set = set_by(&vault, who, wanted.clone()).await.unwrap();
        let shown = Member {
            create_time: set.create_time,
            update_time: set.create_time,
            etag: "r1".to_owned(),
            ..wanted
        };
        assert_eq!(set, shown);
        assert_eq!(set.create_time.unwrap().seconds, 1_795_262_400);
        expected.push(shown);
    }
    assert_eq!(members(&vault, ACME).await, expected);
}

async fn all_of_a_member_is_set(vault: Vault) {
    vault.create_workspace("acme").await;
    let first = Member {
        display_name: "Ada".to_owned(),
        ..member(ACME, "ada", "token:ada", Role::Member)
    };
    let first = set_by(&vault, OWNER, first).await.unwrap();
    vault.clock.advance(std::time::Duration::from_mins(1));
    let second = member(ACME, "ada", "token:lovelace", Role::Caller);
    let second = set_by(&vault, OWNER, second).await.unwrap();
    assert_eq!(second.create_time, first.create_time);
    assert_ne!(second.update_time, first.update_time);
    assert_eq!(second.display_name, "");
    assert_eq!(
        (second.role(), &*second.identity),
        (Role::Caller, "token:lovelace")
    );
    assert_eq!(members(&vault, ACME).await, [second]);
}

async fn setting_a_member_again_changes_nothing_of_it(vault: Vault) {
    vault.create_workspace("acme").await;
    let first = vault.set_member(ACME, BOB, Role::Member).await;
    let again = vault.set_member(ACME, BOB, Role::Member).await;
    let etag = again.etag.clone();
    assert_eq!(again, Member { etag, ..first });
    assert_eq!(members(&vault, ACME).await, [again]);
}

async fn an_identity_is_a_member_once_in_a_workspace(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    vault.set_member(ACME, BOB, Role::Member).await;
    let another = member(ACME, "robert", &BOB.actor(), Role::Owner);
    let outcome = set_by(&vault, OWNER, another.clone()).await;
    let refusal = refused(outcome, Code::AlreadyExists, "MEMBER_EXISTS");
    assert_eq!(refusal.fields, ["member.identity"]);
    assert_eq!(refusal.metadata["member"], "workspaces/acme/members/bob");

    // Nor does one become another by a change.
    vault.set_member(ACME, ADA, Role::Caller).await;
    let changed = member(ACME, "ada", &BOB.actor(), Role::Owner);
    let outcome = set_by(&vault, OWNER, changed).await;
    refused(outcome, Code::AlreadyExists, "MEMBER_EXISTS");
    vault
        .set_member("workspaces/other", BOB, Role::Caller)
        .await;

    // What another one does not have any more is free.
    let renamed = member(ACME, "bob", "token:bobby", Role::Member);
    set_by(&vault, OWNER, renamed).await.unwrap();
    set_by(&vault, OWNER, another).await.unwrap();
}

async fn an_etag_guards_against_another_change(vault: Vault) {
    vault.create_workspace("acme").await;
    let with = |id: &str, etag: &str| Member {
        etag: etag.to_owned(),
        ..member(ACME, id, &format!("token:{id}"), Role::Member)
    };
    // A missing member has no etag that a caller could have read.
    let outcome = set_by(&vault, OWNER, with("bob", "r1")).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    let first = set_by(&vault, OWNER, with("bob", "")).await.unwrap();
    let second = set_by(&vault, OWNER, with("bob", &first.etag)).await;
    let outcome = set_by(&vault, OWNER, with("bob", &first.etag)).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(members(&vault, ACME).await, [second.unwrap()]);
}

async fn a_malformed_field_is_named(vault: Vault) {
    vault.create_workspace("acme").await;
    let good = || member(ACME, "bob", "token:bob", Role::Member);
    let named = |name: &str| Member {
        name: name.to_owned(),
        ..good()
    };
    let is = |identity: &str| Member {
        identity: identity.to_owned(),
        ..good()
    };
    let with_role = |role: i32| Member { role, ..good() };
    let called = |text: String| Member {
        display_name: text,
        ..good()
    };
    for (member, field) in [
        (named(""), "member.name"),
        (named("workspaces/acme"), "member.name"),
        (named("workspaces/acme/members/Bob"), "member.name"),
        (named("platform/members/bob"), "member.name"),
        (is(""), "member.identity"),
        (is("bob"), "member.identity"),
        (is("token:Bob"), "member.identity"),
        (is("spiffe://example.org"), "member.identity"),
        (is("https://example.org/bob"), "member.identity"),
        (with_role(0), "member.role"),
        (with_role(4), "member.role"),
        (called("x".repeat(64)), "member.display_name"),
    ] {
        let outcome = set_by(&vault, OWNER, member).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    assert!(members(&vault, ACME).await.is_empty());
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let request = set("workspaces/nowhere", BOB, Role::Member);
    let outcome = vault.workspaces(OWNER).set_member(request).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn a_change_is_recorded_with_what_was_before(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, BOB, Role::Owner).await;
    let other = member(ACME, "bob", "token:robert", Role::Caller);
    set_by(&vault, ACME_OWNER, other).await.unwrap();
    let events = vault.recorded(ACME, "WorkspaceService/SetMember").await;
    let facts = |facts: &[(&str, &str)]| {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        facts.iter().map(owned).collect()
    };
    let told: Vec<_> = events
        .iter()
        .map(|event| (&*event.actor, &*event.resource, event.details.clone()))
        .collect();
    let bob = "workspaces/acme/members/bob";
    let (owner, acme_owner) = (OWNER.actor(), ACME_OWNER.actor());
    let expected = [
        (
            &*owner,
            bob,
            facts(&[("identity", "token:bob"), ("role", "owner")]),
        ),
        (
            &*acme_owner,
            bob,
            facts(&[
                ("former_identity", "token:bob"),
                ("former_role", "owner"),
                ("identity", "token:robert"),
                ("role", "caller"),
            ]),
        ),
    ];
    assert_eq!(told, expected);
}

async fn an_owner_by_membership_manages_the_workspace(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    vault.set_member(ACME, ADA, Role::Owner).await;
    let mut client = vault.workspaces(ADA);
    client
        .set_member(set(ACME, BOB, Role::Member))
        .await
        .unwrap();
    let created = vault.keys(ADA).create_key(create_key(ACME, "main")).await;
    assert_eq!(
        created.unwrap().into_inner().name,
        "workspaces/acme/keys/main"
    );
    assert!(!vault.recorded(ACME, "CreateKey").await.is_empty());
    // There, and nowhere else.
    let elsewhere = set("workspaces/other", ADA, Role::Owner);
    let outcome = client.set_member(elsewhere).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    let outcome = vault
        .keys(ADA)
        .create_key(create_key("platform", "main"))
        .await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}

async fn a_role_counts_at_once(vault: Vault) {
    vault.create_workspace("acme").await;
    let may_set = async || {
        let request = set(ACME, BOT, Role::Caller);
        vault.workspaces(ADA).set_member(request).await.is_ok()
    };
    assert!(!may_set().await);
    for (role, sets, reads) in [
        (Role::Owner, true, true),
        (Role::Member, false, true),
        (Role::Caller, false, false),
        (Role::Owner, true, true),
    ] {
        vault.set_member(ACME, ADA, role).await;
        assert_eq!(may_set().await, sets, "{role:?}");
        assert_eq!(vault.reads(ADA, ACME).await.is_ok(), reads, "{role:?}");
    }
}

async fn routers_hear_of_another_role(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, BOB, Role::Member).await;
    let router = Router::open_router_session(&vault).await;
    let answer = router.looks_up(&vault, ACME, &BOB.actor()).await.unwrap();
    assert_eq!(role_of(&answer), Some(Role::Member));
    vault.set_member(ACME, BOB, Role::Caller).await;
    // Told before the change was answered.
    let told = router.invalidations();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].scope, ACME);
    assert!(told[0].revision > answer.revision.unwrap().revision);
    let answer = router.looks_up(&vault, ACME, &BOB.actor()).await.unwrap();
    assert_eq!(role_of(&answer), Some(Role::Caller));
}
