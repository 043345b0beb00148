//! The switch of own keys for all workspaces, as the logs of the affected workspaces record it.

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{
    DeleteKeyRequest, DisableKeyRequest, ProviderAccess, UpdateProviderRequest,
};

use super::{ACME, OPENAI, OVERRIDE, details, own_keys, update, update_override};
use crate::harness::{OPERATOR, OWNER, Router, Vault, create_key_of, mask, resolve};
use crate::on_both_databases;

on_both_databases!(
    a_switch_is_recorded_in_the_log_of_each_workspace_with_own_keys,
    a_switch_to_the_current_value_affects_no_workspace,
    a_workspace_with_a_switch_of_its_own_is_not_affected,
    a_workspace_without_a_live_key_is_not_affected,
    a_projects_key_counts_as_the_workspaces_own,
    an_affected_workspace_can_be_changed_afterwards,
    a_refused_switch_affects_no_workspace,
);

const METHOD: &str = "/latchkey.vault.v1.ProviderService/UpdateProvider";

impl Vault {
    /// Workspaces that have one OpenAI key each.
    async fn tenants(&self, ids: &[&str]) {
        for id in ids {
            self.create_workspace(id).await;
            self.create_key(&format!("workspaces/{id}"), "main").await;
        }
    }

    async fn switch(&self, switch: Switch) -> i64 {
        let request = UpdateProviderRequest {
            update_mask: mask(&["access.own_keys"]),
            ..update(OPENAI, own_keys(switch))
        };
        let answer = self.update_provider(request).await.unwrap();
        answer.moved_workspace_count
    }

    /// The switches in the log of a workspace, newest first.
    async fn switched(&self, workspace: &str) -> Vec<String> {
        let events = self.events(&format!("workspaces/{workspace}")).await;
        let events = events.iter().filter(|event| event.method == METHOD);
        let describe = |event| {
            let details: Vec<_> = details(event).into_iter().collect();
            let details = details
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            details.collect::<Vec<_>>().join(" ")
        };
        events.map(describe).collect()
    }
}

const OFF: &str = "fallback=platform own_keys=off";
const ON: &str = "own_keys=on";

async fn a_switch_is_recorded_in_the_log_of_each_workspace_with_own_keys(vault: Vault) {
    vault.tenants(&["acme", "other"]).await;
    // The platform's keys are not a customer's own keys.
    vault.create_key("platform", "main").await;
    assert_eq!(vault.switch(Switch::Off).await, 2);
    for workspace in ["acme", "other"] {
        let events = vault.events(&format!("workspaces/{workspace}")).await;
        let event = &events[0];
        assert_eq!(
            event.resource,
            format!("workspaces/{workspace}/providers/openai")
        );
        assert_eq!(event.actor, OPERATOR.actor());
        assert_eq!(event.method, METHOD);
        assert_eq!(vault.switched(workspace).await, [OFF]);
    }
    let platform = vault.events("platform").await;
    assert_eq!(platform[0].resource, OPENAI);
    assert_eq!(platform[0].details["moved_workspace_count"], "2");
    assert!(
        platform
            .iter()
            .all(|event| !event.details.contains_key("own_keys"))
    );
    assert_eq!(vault.switch(Switch::On).await, 2);
    for workspace in ["acme", "other"] {
        assert_eq!(vault.switched(workspace).await, [ON, OFF]);
    }
}

async fn a_switch_to_the_current_value_affects_no_workspace(vault: Vault) {
    vault.tenants(&["acme"]).await;
    // Not set means on.
    assert_eq!(vault.switch(Switch::On).await, 0);
    assert_eq!(vault.switch(Switch::Unspecified).await, 0);
    assert_eq!(vault.switch(Switch::Off).await, 1);
    assert_eq!(vault.switch(Switch::Off).await, 0);
    assert_eq!(vault.switch(Switch::Unspecified).await, 1);
    let chat = ProviderAccess {
        chat: Switch::Off.into(),
        ..ProviderAccess::default()
    };
    let answer = vault.update_provider(update(OPENAI, chat)).await.unwrap();
    assert_eq!(answer.moved_workspace_count, 0);
    assert_eq!(vault.switched("acme").await, [ON, OFF]);
}

async fn a_workspace_with_a_switch_of_its_own_is_not_affected(vault: Vault) {
    vault.tenants(&["acme", "other", "third"]).await;
    let request = update_override(OVERRIDE, own_keys(Switch::On));
    vault.update_override(request).await.unwrap();
    // An override without a switch of own keys.
    let models = ProviderAccess {
        denied_models: super::models(&["o3"]),
        ..ProviderAccess::default()
    };
    let request = update_override("workspaces/other/providers/openai", models);
    vault.update_override(request).await.unwrap();
    // One of another provider.
    let request = update_override("workspaces/third/providers/azure", own_keys(Switch::On));
    vault.update_override(request).await.unwrap();
    assert_eq!(vault.switch(Switch::Off).await, 2);
    assert!(vault.switched("acme").await.is_empty());
    assert_eq!(vault.switched("other").await, [OFF]);
    assert_eq!(vault.switched("third").await, [OFF]);
}

async fn a_workspace_without_a_live_key_is_not_affected(vault: Vault) {
    vault.tenants(&["acme"]).await;
    vault.create_workspace("other").await;
    let azure = create_key_of(ProviderId::Azure, "workspaces/other", "azure");
    vault.store_key(azure).await;
    let delete = DeleteKeyRequest {
        name: "workspaces/acme/keys/main".to_owned(),
        etag: String::new(),
    };
    vault.keys(OWNER).delete_key(delete).await.unwrap();
    assert_eq!(vault.switch(Switch::Off).await, 0);
    assert!(vault.switched("acme").await.is_empty());
    assert!(vault.switched("other").await.is_empty());
}

async fn a_projects_key_counts_as_the_workspaces_own(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    let key = vault
        .create_key("workspaces/acme/projects/web", "main")
        .await;
    // Switched off by its owner, it is a live key all the same.
    let disable = DisableKeyRequest {
        name: key.name,
        etag: String::new(),
    };
    vault.keys(OWNER).disable_key(disable).await.unwrap();
    assert_eq!(vault.switch(Switch::Off).await, 1);
    assert_eq!(vault.switched("acme").await, [OFF]);
}

async fn an_affected_workspace_can_be_changed_afterwards(vault: Vault) {
    vault.tenants(&["acme"]).await;
    let router = Router::open_router_session(&vault).await;
    let acme = vault.workspace_uid(ACME).await;
    let revision = async || {
        let answer = router.resolve(resolve(ACME)).await.unwrap();
        let revisions = answer.revisions.into_iter();
        let mut of_acme = revisions.filter(|each| each.workspace_uid == acme);
        of_acme.next().unwrap().revision
    };
    let before = revision().await;
    vault.switch(Switch::Off).await;
    vault.switch(Switch::On).await;
    // The leases of the workspace stay valid: routers were sent the change of the platform.
    assert_eq!(revision().await, before);
    let vault = vault.restart().await;
    vault.create_key(ACME, "spare").await;
    let events = vault.events(ACME).await;
    let numbers: Vec<_> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(events[0].resource, "workspaces/acme/keys/spare");
}

async fn a_refused_switch_affects_no_workspace(vault: Vault) {
    vault.tenants(&["acme"]).await;
    let mut request = update(OPENAI, own_keys(Switch::Off));
    request.provider.as_mut().unwrap().etag = "r9".to_owned();
    vault.update_provider(request).await.unwrap_err();
    assert!(vault.switched("acme").await.is_empty());
}
