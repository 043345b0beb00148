use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum TestRole {
    Admin,
    Owner,
    Reader,
}

impl Role for TestRole {
    fn is_of_the_deployment(self) -> bool {
        self == Self::Admin
    }
}

/// Every actor holds the roles `0`, or each lookup fails; `1` counts the lookups.
#[derive(Clone, Debug)]
struct Members(Result<&'static [TestRole], Failed>, Arc<AtomicUsize>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Failed {
    Denied,
    Unknown,
}

impl From<Denied> for Failed {
    fn from(_: Denied) -> Self {
        Self::Denied
    }
}

impl Memberships<TestRole> for Members {
    type Scope = str;
    type Error = Failed;

    fn roles(
        &self,
        actor: &Arc<str>,
        _: &str,
    ) -> impl Future<Output = Result<&'static [TestRole], Failed>> + Send {
        assert_eq!(&**actor, "token:t");
        self.1.fetch_add(1, Ordering::Relaxed);
        ready(self.0)
    }
}

const RULE: Rule<TestRole> = Rule {
    deployment: &[TestRole::Admin],
    scoped: &[TestRole::Owner],
    members: &[],
};
const FOR_MEMBERS: Rule<TestRole> = Rule {
    members: &[TestRole::Owner],
    ..RULE
};

fn caller(
    grants: &[(TestRole, Option<&str>)],
    rule: Rule<TestRole>,
    members: Result<&'static [TestRole], Failed>,
) -> Caller<TestRole, Members> {
    let grant = |(role, scope): &(TestRole, Option<&str>)| Grant {
        identity: "token:t".to_owned(),
        role: *role,
        scope: scope.map(str::to_owned),
    };
    Caller {
        actor: "token:t".into(),
        method: "/p.S/M",
        grants: grants.iter().map(grant).collect(),
        rule,
        memberships: Members(members, Arc::default()),
    }
}

fn granted(role: TestRole, scope: Option<&str>) -> Caller<TestRole, Members> {
    caller(&[(role, scope)], RULE, Ok(&[]))
}

impl Caller<TestRole, Members> {
    fn lookups(&self) -> usize {
        self.memberships.1.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_scoped_role_reaches_its_scope_only() {
    let one = granted(TestRole::Owner, Some("workspaces/a"));
    assert_eq!(one.authorize("workspaces/a").await, Ok(()));
    assert_eq!(one.authorize("workspaces/ab").await, Err(Failed::Denied));
    assert_eq!(one.authorize_deployment(), Err(Denied));
    let all = granted(TestRole::Owner, Some("workspaces/*"));
    assert_eq!(all.authorize("workspaces/ab").await, Ok(()));
}

#[tokio::test]
async fn a_role_of_the_deployment_reaches_into_scopes_only_where_the_rule_names_it() {
    let admin = granted(TestRole::Admin, None);
    assert_eq!(admin.authorize_deployment(), Ok(()));
    assert_eq!(admin.authorize("workspaces/a").await, Err(Failed::Denied));
}

#[test]
fn a_role_in_any_scope_is_enough_for_a_method_outside_all_scopes() {
    let one = granted(TestRole::Owner, Some("workspaces/a"));
    assert_eq!(one.authorize_anywhere(), Ok(()));
    assert_eq!(granted(TestRole::Admin, None).authorize_anywhere(), Ok(()));
    let scoped_admin = granted(TestRole::Admin, Some("workspaces/a"));
    assert_eq!(scoped_admin.authorize_anywhere(), Err(Denied));
}

#[test]
fn a_deployment_role_that_is_granted_in_a_scope_is_ineffective() {
    let admin = granted(TestRole::Admin, Some("workspaces/a"));
    assert_eq!(admin.authorize_deployment(), Err(Denied));
    assert!(!admin.may_be_admitted());
}

#[tokio::test]
async fn a_caller_with_a_grant_is_not_looked_up_as_a_member() {
    let grants = [(TestRole::Owner, Some("workspaces/a"))];
    let owner = caller(&grants, FOR_MEMBERS, Err(Failed::Unknown));
    assert_eq!(owner.authorize("workspaces/a").await, Ok(()));
    let held = owner.holds_any(&[TestRole::Owner], "workspaces/a").await;
    assert_eq!(held, Ok(true));
    assert_eq!(owner.lookups(), 0);
}

#[tokio::test]
async fn a_member_is_admitted_where_the_rule_takes_members() {
    let member = caller(&[], FOR_MEMBERS, Ok(&[TestRole::Reader, TestRole::Owner]));
    assert!(member.may_be_admitted());
    assert!(!member.is_granted_somewhere());
    assert_eq!(member.authorize("workspaces/a").await, Ok(()));
    let held = member.holds_any(&[TestRole::Reader], "workspaces/a").await;
    assert_eq!(held, Ok(true));
    // What concerns more than the scope is not for its members.
    assert_eq!(member.authorize_deployment(), Err(Denied));
    assert_eq!(member.authorize_anywhere(), Err(Denied));
}

#[tokio::test]
async fn a_rule_that_takes_no_members_looks_none_up() {
    let member = caller(&[], RULE, Ok(&[TestRole::Owner]));
    assert!(!member.may_be_admitted());
    assert_eq!(member.authorize("a").await, Err(Failed::Denied));
    assert_eq!(member.lookups(), 0);
}

#[tokio::test]
async fn a_member_with_another_role_and_one_without_any_are_denied() {
    for members in [&[TestRole::Reader][..], &[]] {
        let member = caller(&[], FOR_MEMBERS, Ok(members));
        assert_eq!(member.authorize("a").await, Err(Failed::Denied));
    }
}

#[tokio::test]
async fn a_failed_membership_lookup_admits_no_caller() {
    let member = caller(&[], FOR_MEMBERS, Err(Failed::Unknown));
    assert_eq!(member.authorize("a").await, Err(Failed::Unknown));
    let held = member.holds_any(&[TestRole::Owner], "a").await;
    assert_eq!(held, Err(Failed::Unknown));
}

#[test]
fn a_rule_without_a_method_and_a_method_without_a_rule_are_errors() {
    let rules = [("/p.S/M", RULE)];
    let error = AccessTable::new(&rules, &[], "p").unwrap_err();
    assert_eq!(error.methods, ["/p.S/M"]);
    assert!(AccessTable::<TestRole>::new(&[], &[], "p").is_ok());
}

fn parsed(identity: &str, role: &str, scope: Option<&str>) -> Result<Grant<TestRole>, String> {
    let mut grant = serde_json::json!({"identity": identity, "role": role});
    if let Some(scope) = scope {
        grant["scope"] = scope.into();
    }
    serde_json::from_value(grant).map_err(|error| error.to_string())
}

#[test]
fn a_grant_names_an_identity_and_a_scope_that_can_exist() {
    for (identity, role, scope) in [
        ("token:app", "owner", Some("workspaces/acme")),
        (
            "spiffe://example.org/ns/a/sa/b",
            "reader",
            Some("workspaces/*"),
        ),
        ("token:ops", "admin", None),
    ] {
        let grant = parsed(identity, role, scope).unwrap();
        assert_eq!(
            (&*grant.identity, grant.scope.as_deref()),
            (identity, scope)
        );
    }
}

#[test]
fn a_grant_that_could_never_hold_is_refused() {
    for identity in [
        "",
        "app",
        "token:",
        "spiffe:/example.org/a",
        "spiffe://example.org",
    ] {
        let error = parsed(identity, "owner", Some("workspaces/acme")).unwrap_err();
        assert!(error.contains("identity"), "{error}");
    }
    for scope in [
        "",
        "acme",
        "workspace/*",
        "workspaces/acme*",
        "workspaces/acme/projects/web",
        "*",
    ] {
        let error = parsed("token:app", "owner", Some(scope)).unwrap_err();
        assert!(error.contains("workspaces/{workspace}"), "{error}");
    }
    let error = parsed("token:app", "admin", Some("workspaces/acme")).unwrap_err();
    assert!(error.contains("must be left out"), "{error}");
}

#[test]
fn a_wildcard_is_a_whole_segment() {
    let grant = |scope: &str| Grant {
        identity: "token:t".to_owned(),
        role: TestRole::Owner,
        scope: Some(scope.to_owned()),
    };
    assert!(grant("workspaces/*").covers("workspaces/acme"));
    assert!(grant("workspaces/acme").covers("workspaces/acme"));
    assert!(!grant("workspaces/acme").covers("workspaces/acme-evil"));
    assert!(!grant("workspaces/acme*").covers("workspaces/acme-evil"));
}
