use super::*;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum TestRole {
    Admin,
    Owner,
}

impl Role for TestRole {}

const RULE: Rule<TestRole> = Rule {
    deployment: &[TestRole::Admin],
    scoped: &[TestRole::Owner],
};

fn caller(role: TestRole, scope: Option<&str>) -> Caller<TestRole> {
    let grant = Grant {
        identity: "token:t".to_owned(),
        role,
        scope: scope.map(str::to_owned),
    };
    Caller {
        actor: "token:t".into(),
        method: "/p.S/M",
        grants: [grant].into(),
        rule: RULE,
    }
}

#[test]
fn a_scoped_role_reaches_its_scope_only() {
    let one = caller(TestRole::Owner, Some("workspaces/a"));
    assert_eq!(one.authorize("workspaces/a"), Ok(()));
    assert_eq!(one.authorize("workspaces/ab"), Err(Denied));
    assert_eq!(one.authorize_deployment(), Err(Denied));
    let all = caller(TestRole::Owner, Some("workspaces/*"));
    assert_eq!(all.authorize("workspaces/ab"), Ok(()));
}

#[test]
fn the_deployments_role_does_not_reach_into_scopes_unless_the_rule_says_so() {
    let admin = caller(TestRole::Admin, None);
    assert_eq!(admin.authorize_deployment(), Ok(()));
    assert_eq!(admin.authorize("workspaces/a"), Err(Denied));
}

#[test]
fn a_role_in_any_scope_reaches_what_belongs_to_everybody() {
    let one = caller(TestRole::Owner, Some("workspaces/a"));
    assert_eq!(one.authorize_anywhere(), Ok(()));
    assert_eq!(caller(TestRole::Admin, None).authorize_anywhere(), Ok(()));
    let scoped_admin = caller(TestRole::Admin, Some("workspaces/a"));
    assert_eq!(scoped_admin.authorize_anywhere(), Err(Denied));
}

#[test]
fn a_deployment_role_that_is_granted_in_a_scope_is_worth_nothing() {
    let admin = caller(TestRole::Admin, Some("workspaces/a"));
    assert_eq!(admin.authorize_deployment(), Err(Denied));
    assert!(!admin.may_call());
}

#[test]
fn a_rule_without_a_method_and_a_method_without_a_rule_are_errors() {
    let rules = [("/p.S/M", RULE)];
    let error = AccessTable::new(&rules, &[], "p").unwrap_err();
    assert_eq!(error.methods, ["/p.S/M"]);
    assert!(AccessTable::<TestRole>::new(&[], &[], "p").is_ok());
}
