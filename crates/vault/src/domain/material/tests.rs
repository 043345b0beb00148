use proptest::prelude::*;

use super::*;

fn api_key(text: &str) -> MaterialInput {
    MaterialInput::ApiKey(text.to_owned())
}

fn entra_client(secret: &str) -> MaterialInput {
    MaterialInput::EntraClient {
        tenant_id: "contoso.example".to_owned(),
        client_id: "0a1b2c3d-4e5f-4a6b-9c8d-7e6f5a4b3c2d".to_owned(),
        client_secret: secret.to_owned(),
    }
}

fn service_account(private_key_id: &str) -> MaterialInput {
    let file = serde_json::json!({
        "type": "service_account",
        "project_id": "acme-models",
        "private_key_id": private_key_id,
        "private_key": pem::tests::private_key(),
        "client_email": "caller@acme-models.iam.gserviceaccount.example",
    });
    MaterialInput::ServiceAccountJson(file.to_string())
}

#[track_caller]
fn parsed(given: MaterialInput, provider: ProviderId) -> Material {
    Material::parse(given, provider).ok().unwrap()
}

#[test]
fn each_provider_takes_its_own_kinds() {
    for provider in ProviderId::ALL {
        let takes = |given| {
            let refusal = Material::parse(given, provider).err();
            !matches!(refusal, Some(MaterialError::Kind { .. }))
        };
        let outcomes = [
            takes(api_key("not-a-real-key")),
            takes(entra_client("not-a-real-secret")),
            takes(service_account("not-a-real-id")),
        ];
        let expected = match provider {
            ProviderId::Azure => [true, true, false],
            ProviderId::Vertex => [false, false, true],
            _ => [true, false, false],
        };
        assert_eq!(outcomes, expected, "{provider}");
    }
    let refusal = Material::parse(api_key("not-a-real-key"), ProviderId::Vertex).err();
    let expected = MaterialError::Kind {
        field: "material.api_key",
        takes: "service_account_json",
    };
    assert_eq!(refusal, Some(expected));
}

#[test]
fn only_the_last_four_characters_of_a_long_secret_show() {
    let tail = |given, provider| parsed(given, provider).tail();
    assert_eq!(
        tail(api_key("not-a-key-0123456789wxyz"), ProviderId::Custom),
        "wxyz"
    );
    assert_eq!(
        tail(api_key("not-a-key-012345678wxyz"), ProviderId::Custom),
        ""
    );
    let secret = entra_client("not-a-secret-0123456wxyz");
    assert_eq!(tail(secret, ProviderId::Azure), "wxyz");
    assert_eq!(tail(entra_client("short-secret"), ProviderId::Azure), "");
    // Of the key's id, and of nothing of the key itself.
    let account = service_account("0123456789abcdef01234567wxyz");
    assert_eq!(tail(account, ProviderId::Vertex), "wxyz");
}

#[test]
fn each_kind_of_material_opens_as_its_own_kind() {
    for (given, provider) in [
        (api_key("not-a-real-key"), ProviderId::Custom),
        (entra_client("not-a-real-secret"), ProviderId::Azure),
        (service_account("not-a-real-id"), ProviderId::Vertex),
    ] {
        let material = parsed(given, provider);
        let kind = material.kind();
        assert_eq!(SecretKind::from_row(kind.as_str()), Some(kind));
        let opened = Material::from_payload(kind, material.to_payload()).unwrap();
        assert_eq!(opened.kind(), kind);
        assert_eq!(opened.identity(), material.identity());
        assert_eq!(opened.tail(), material.tail());
    }
    assert_eq!(SecretKind::from_row("password"), None);
}

#[test]
fn a_payload_of_another_kind_is_not_read() {
    let key = || parsed(api_key("not-a-real-key"), ProviderId::Custom).to_payload();
    for kind in [SecretKind::EntraClient, SecretKind::ServiceAccount] {
        assert!(Material::from_payload(kind, key()).is_none());
    }
    let bytes = Secret::new(vec![0xff; 16]);
    assert!(Material::from_payload(SecretKind::ApiKey, bytes).is_none());
}

#[test]
fn the_same_text_is_another_secret_as_another_kind() {
    let key = parsed(api_key("not-a-real-secret"), ProviderId::Azure);
    let client = parsed(entra_client("not-a-real-secret"), ProviderId::Azure);
    assert_ne!(key.identity(), client.identity());
}

proptest! {
    #[test]
    fn parsers_never_panic_and_never_quote_the_text(text in "\\PC{8,200}") {
        for provider in ProviderId::ALL {
            for given in [
                api_key(&text),
                entra_client(&text),
                MaterialInput::ServiceAccountJson(text.clone()),
            ] {
                if let Err(error) = Material::parse(given, provider) {
                    prop_assert!(!error.to_string().contains(&text));
                }
            }
        }
    }
}
