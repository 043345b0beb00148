use serde_json::{Value, json};

use super::*;
use crate::domain::material::pem::tests::private_key;

/// A file as Google Cloud makes it.
fn file() -> Value {
    json!({
        "type": "service_account",
        "project_id": "acme-models",
        "private_key_id": "0123456789abcdef0123456789abcdef0123wxyz",
        "private_key": private_key(),
        "client_email": "caller@acme-models.iam.gserviceaccount.example",
        "client_id": "100000000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": TOKEN_URI,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": "https://evil.example/certs",
        "universe_domain": UNIVERSE,
    })
}

fn with(field: &str, value: impl Into<Value>) -> String {
    let mut file = file();
    file[field] = value.into();
    file.to_string()
}

fn without(field: &str) -> String {
    let mut file = file();
    file.as_object_mut().unwrap().remove(field).unwrap();
    file.to_string()
}

#[track_caller]
fn parsed(json: String) -> ServiceAccount {
    ServiceAccount::parse(json)
        .map_err(|error| error.to_string())
        .ok()
        .unwrap()
}

fn refusal(json: impl Into<String>) -> Option<(FormatError, &'static str)> {
    let error = ServiceAccount::parse(json.into()).err()?;
    Some((error, error.field()))
}

#[test]
fn only_the_fields_for_signing_in_are_sealed() {
    let account = parsed(file().to_string());
    let sealed = account.to_json();
    let json: Value = serde_json::from_slice(sealed.expose()).unwrap();
    let expected = json!({
        "type": "service_account",
        "project_id": "acme-models",
        "private_key_id": "0123456789abcdef0123456789abcdef0123wxyz",
        "private_key": private_key(),
        "client_email": "caller@acme-models.iam.gserviceaccount.example",
    });
    assert_eq!(json, expected);
    let opened = ServiceAccount::from_payload(sealed.expose()).unwrap();
    assert_eq!(opened.identity(), account.identity());
    assert_eq!(opened.to_json().expose(), sealed.expose());
    assert_eq!(opened.project_id(), "acme-models");
    assert!(ServiceAccount::from_payload(b"{}").is_none());
}

#[test]
fn a_mangled_file_is_mended() {
    let whole = parsed(file().to_string());
    let pretty = serde_json::to_string_pretty(&file()).unwrap();
    for mangled in [
        with("private_key", private_key().replace('\n', "\\n")),
        with("private_key", private_key().replace('\n', "\r\n")),
        format!("\u{feff}{pretty}"),
        pretty.replace('\n', "\r\n"),
        format!("\n{pretty}\n"),
    ] {
        assert_eq!(parsed(mangled).to_json().expose(), whole.to_json().expose());
    }
}

#[test]
fn a_file_without_addresses_will_do() {
    for field in ["token_uri", "universe_domain", "auth_uri", "client_id"] {
        assert_eq!(refusal(without(field)), None, "{field}");
    }
}

#[test]
fn addresses_of_another_universe_domain_are_refused() {
    for uri in [
        "https://evil.example/token",
        "https://oauth2.googleapis.com/token/",
        "http://oauth2.googleapis.com/token",
        "https://accounts.google.com/o/oauth2/token",
        "",
    ] {
        let (error, field) = refusal(with("token_uri", uri)).unwrap();
        assert_eq!(error, ServiceAccountError::TokenUri.into(), "{uri}");
        assert_eq!(field, "material.service_account_json.token_uri");
    }
    let (error, field) = refusal(with("universe_domain", "evil.example")).unwrap();
    assert_eq!(error, ServiceAccountError::UniverseDomain.into());
    assert_eq!(field, "material.service_account_json.universe_domain");
}

#[test]
fn a_file_of_another_type_is_refused_by_its_name() {
    for (name, wrong) in [
        ("authorized_user", WrongType::AuthorizedUser),
        ("external_account", WrongType::ExternalAccount),
        (
            "impersonated_service_account",
            WrongType::ImpersonatedServiceAccount,
        ),
    ] {
        let (error, field) = refusal(with("type", name)).unwrap();
        assert_eq!(error, ServiceAccountError::Type(wrong).into());
        assert_eq!(field, "material.service_account_json.type");
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.to_string().contains("create a key"), "{error}");
    }
    for (json, wrong) in [
        (with("type", "gdch_service_account"), WrongType::Unknown),
        (without("type"), WrongType::Unknown),
        (
            json!({"installed": {"client_id": "x"}}).to_string(),
            WrongType::OauthClient,
        ),
        (
            json!({"web": {"client_id": "x"}}).to_string(),
            WrongType::OauthClient,
        ),
    ] {
        let (error, _) = refusal(json).unwrap();
        assert_eq!(error, ServiceAccountError::Type(wrong).into());
    }
}

#[test]
fn each_field_that_is_missing_or_malformed_is_named() {
    for (field, malformed, error) in [
        ("project_id", "Acme", ServiceAccountError::ProjectId),
        ("project_id", "a/b/c", ServiceAccountError::ProjectId),
        ("project_id", "abc", ServiceAccountError::ProjectId),
        ("private_key_id", "", ServiceAccountError::PrivateKeyId),
        ("private_key_id", "a b", ServiceAccountError::PrivateKeyId),
        (
            "client_email",
            "no-address",
            ServiceAccountError::ClientEmail,
        ),
        ("client_email", "a b@c", ServiceAccountError::ClientEmail),
        ("private_key", "not a key", ServiceAccountError::PrivateKey),
    ] {
        let path = format!("material.service_account_json.{field}");
        for json in [with(field, malformed), without(field)] {
            let (found, named) = refusal(json).unwrap();
            assert_eq!((found, named), (error.into(), path.as_str()), "{malformed}");
        }
    }
}

#[test]
fn a_file_that_is_not_a_service_accounts_is_refused() {
    let twice = file().to_string().replacen('{', "{\"type\":\"x\",", 1);
    for text in [
        "",
        "not json",
        "[]",
        "\"text\"",
        twice.as_str(),
        &with("private_key", 7),
        &file().to_string()[..100],
        private_key().as_str(),
    ] {
        let (error, field) = refusal(text).unwrap();
        assert_eq!(error, ServiceAccountError::Json.into(), "{text}");
        assert_eq!(field, "material.service_account_json");
    }
    let (error, _) = refusal(with("padding", "x".repeat(LONGEST))).unwrap();
    assert_eq!(error, ServiceAccountError::Long.into());
}

#[test]
fn the_same_key_of_another_account_is_another_secret() {
    let one = parsed(file().to_string());
    let other = parsed(with("client_email", "other@acme.example"));
    assert_ne!(one.identity(), other.identity());
}
