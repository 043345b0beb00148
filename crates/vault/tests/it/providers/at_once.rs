//! Many changes at the same time: each goes through, and none is lost.

use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{
    DeleteProviderOverrideRequest, DisableKeyRequest, EnableKeyRequest,
};
use tonic::Status;

use super::{own_keys, update, update_override};
use crate::harness::{OPERATOR, OWNER, Vault};
use crate::on_both_databases;

on_both_databases!(
    changes_that_lock_several_workspaces_do_not_wait_in_a_circle,
    a_switch_and_an_override_at_once_agree_on_the_affected_workspaces,
);

const WORKSPACES: [&str; 3] = ["workspaces/acme", "workspaces/other", "workspaces/third"];
const ROUNDS: usize = 6;

async fn tenants(vault: &Vault) {
    for scope in WORKSPACES {
        let id = scope.strip_prefix("workspaces/").unwrap();
        vault.create_workspace(id).await;
        vault.create_key(scope, "main").await;
    }
}

fn switch(round: usize) -> Switch {
    if round.is_multiple_of(2) {
        Switch::Off
    } else {
        Switch::On
    }
}

async fn changes_that_lock_several_workspaces_do_not_wait_in_a_circle(vault: Vault) {
    tenants(&vault).await;
    let mut changes = Vec::new();
    for offset in [0, 1] {
        // Both switch the same provider, and so lock all the workspaces.
        let mut client = vault.providers(OPERATOR);
        changes.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                let request = update("providers/openai", own_keys(switch(round + offset)));
                client.update_provider(request).await?;
            }
            Ok::<_, Status>(())
        }));
    }
    for scope in WORKSPACES {
        let mut client = vault.providers(OPERATOR);
        changes.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                let name = format!("{scope}/providers/azure");
                let request = update_override(&name, own_keys(switch(round)));
                client.update_provider_override(request).await?;
            }
            Ok(())
        }));
        let mut client = vault.keys(OWNER);
        changes.push(tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let (name, etag) = (format!("{scope}/keys/main"), String::new());
                client.disable_key(DisableKeyRequest { name, etag }).await?;
                let (name, etag) = (format!("{scope}/keys/main"), String::new());
                client.enable_key(EnableKeyRequest { name, etag }).await?;
            }
            Ok(())
        }));
    }
    for change in changes {
        change.await.unwrap().unwrap();
    }
    assert_eq!(vault.get_provider("providers/openai").await.etag, "r12");
    for scope in WORKSPACES {
        let events = vault.events(scope).await;
        let numbers: Vec<_> = events.iter().map(|event| event.sequence).rev().collect();
        let expected: Vec<_> = (1..).take(events.len()).collect();
        assert_eq!(numbers, expected, "{scope}");
        // The log records switches in turns: off, on, off, on.
        let openai = format!("{scope}/providers/openai");
        let states: Vec<_> = events
            .iter()
            .rev()
            .filter(|event| event.resource == openai)
            .map(|event| event.details["own_keys"].as_str())
            .collect();
        let turns = ["off", "on"].into_iter().cycle();
        assert_eq!(
            states,
            turns.take(states.len()).collect::<Vec<_>>(),
            "{scope}"
        );
    }
}

async fn a_switch_and_an_override_at_once_agree_on_the_affected_workspaces(vault: Vault) {
    tenants(&vault).await;
    let name = "workspaces/acme/providers/openai";
    let mut everybody = vault.providers(OPERATOR);
    let switching = tokio::spawn(async move {
        for round in 0..ROUNDS {
            let request = update("providers/openai", own_keys(switch(round)));
            everybody.update_provider(request).await?;
        }
        Ok::<_, Status>(())
    });
    let mut own = vault.providers(OPERATOR);
    let overriding = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            let request = update_override(name, own_keys(Switch::On));
            own.update_provider_override(request).await?;
            let request = DeleteProviderOverrideRequest {
                name: name.to_owned(),
                etag: String::new(),
            };
            own.delete_provider_override(request).await?;
        }
        Ok::<_, Status>(())
    });
    switching.await.unwrap().unwrap();
    overriding.await.unwrap().unwrap();
    // Whatever the order of the two changes, the log shows at each point whether own keys are
    // used, and in the end they are.
    let events = vault.events("workspaces/acme").await;
    let states: Vec<_> = events
        .iter()
        .rev()
        .filter_map(|event| event.details.get("own_keys"))
        .collect();
    let turns = ["off", "on"].into_iter().cycle();
    assert_eq!(states, turns.take(states.len()).collect::<Vec<_>>());
    assert!(states.len().is_multiple_of(2));
}
