//! `GetProvider`.

use latchkey_contract::vault::v1::GetProviderRequest;
use latchkey_contract::vault::v1::provider_access::Switch;
use tonic::Code;

use super::{OPENAI, everything, own_keys, update};
use crate::harness::{OPERATOR, OWNER, ROUTER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    a_provider_without_terms_is_wholly_available,
    the_operators_terms_are_shown,
    an_unknown_provider_is_refused_by_name,
    only_operators_see_providers,
);

fn request(name: &str) -> GetProviderRequest {
    GetProviderRequest {
        name: name.to_owned(),
    }
}

async fn a_provider_without_terms_is_wholly_available(vault: Vault) {
    let provider = vault.get_provider(OPENAI).await;
    assert_eq!(provider.name, OPENAI);
    assert_eq!(provider.access, Some(everything()));
    assert_eq!((provider.etag.as_str(), provider.update_time), ("r0", None));
}

async fn the_operators_terms_are_shown(vault: Vault) {
    let request = update(OPENAI, own_keys(Switch::Off));
    let answer = vault.update_provider(request).await.unwrap();
    let vault = vault.restart().await;
    let shown = vault.get_provider(OPENAI).await;
    assert_eq!(Some(&shown), answer.provider.as_ref());
    assert_eq!(shown.etag, "r1");
    assert!(shown.update_time.is_some());
    assert_eq!(shown.access.unwrap().own_keys(), Switch::Off);
    // And of no other provider.
    let other = vault.get_provider("providers/azure").await;
    assert_eq!(other.access, Some(everything()));
}

async fn an_unknown_provider_is_refused_by_name(vault: Vault) {
    for name in [
        "",
        "openai",
        "providers/acme",
        "providers/OpenAI",
        "providers/openai/models/m",
    ] {
        let outcome = vault.providers(OPERATOR).get_provider(request(name)).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, ["name"], "{name}");
    }
}

async fn only_operators_see_providers(vault: Vault) {
    for who in [OWNER, ROUTER] {
        let outcome = vault.providers(who).get_provider(request(OPENAI)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
