use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;

/// The published test key of RFC 7515, A.2.
const PEM: &str = include_str!("tests/rfc7515_a2.pem");
const SECRET: &str = "not-a-real-secret~0123456789";

fn account() -> Value {
    json!({
        "type": "service_account",
        "project_id": "example-project",
        "private_key_id": "0f1e2d",
        "private_key": PEM,
        "client_email": "router@example-project.iam.gserviceaccount.com",
        "token_uri": "https://evil.example/token",
    })
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn request_for(account: &Value, now: u64) -> Result<WireRequest, EncodeError> {
    let (json, url) = (account.to_string(), url(GOOGLE_TOKEN_URL));
    let source = TokenSource::ServiceAccount {
        json: &json,
        url: &url,
    };
    request(&source, UNIX_EPOCH + Duration::from_secs(now))
}

fn fields(request: &WireRequest) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect()
}

fn entra(tenant_id: &str) -> Result<WireRequest, EncodeError> {
    let authority = url(ENTRA_AUTHORITY);
    let source = TokenSource::EntraClient {
        tenant_id,
        client_id: "00000000-aaaa-bbbb-cccc-111111111111",
        client_secret: SECRET,
        authority: &authority,
    };
    request(&source, UNIX_EPOCH)
}

fn answered(status: u16, body: &str) -> Result<AccessToken, ProviderError> {
    let authority = url(ENTRA_AUTHORITY);
    let source = TokenSource::EntraClient {
        tenant_id: "example.com",
        client_id: "a",
        client_secret: SECRET,
        authority: &authority,
    };
    let headers = HeaderMap::new();
    let status = StatusCode::from_u16(status).unwrap();
    read(
        &source,
        &Reply::undated(status, &headers, body.as_bytes(), ""),
    )
}

fn refused(status: u16, body: &str) -> ProviderError {
    match answered(status, body) {
        Ok(_) => panic!("{body} is a token"),
        Err(error) => error,
    }
}

#[test]
fn a_service_account_sends_an_assertion_valid_for_an_hour() {
    let request = request_for(&account(), 1_790_000_000).unwrap();
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri, GOOGLE_TOKEN_URL);
    assert_eq!(
        request.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert!(!request.headers.contains_key("authorization"));
    let fields = fields(&request);
    assert_eq!(
        fields[0],
        (
            "grant_type".to_owned(),
            "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()
        )
    );
    let (name, assertion) = &fields[1];
    assert_eq!((name.as_str(), fields.len()), ("assertion", 2));

    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(
        json(header),
        json!({"alg": "RS256", "typ": "JWT", "kid": "0f1e2d"})
    );
    assert_eq!(
        json(claims),
        json!({
            "iss": "router@example-project.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_790_000_000,
            "exp": 1_790_003_600,
        })
    );
    let der = PEM.lines().filter(|line| !line.starts_with('-'));
    let der = base64::engine::general_purpose::STANDARD
        .decode(der.collect::<String>())
        .unwrap();
    let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key())
        .verify(
            signed.as_bytes(),
            &URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
        .unwrap();
}

#[test]
fn the_address_in_the_file_is_never_used() {
    let request = request_for(&account(), 0).unwrap();
    assert_eq!(request.uri.host(), Some("oauth2.googleapis.com"));
    let json = account().to_string();
    let proxy = url("http://127.0.0.1:8080/token");
    let source = TokenSource::ServiceAccount {
        json: &json,
        url: &proxy,
    };
    let request = super::request(&source, UNIX_EPOCH).unwrap();
    assert_eq!(request.uri, "http://127.0.0.1:8080/token");
}

#[test]
fn an_invalid_file_is_refused_by_field_without_quoting_its_key() {
    for (field, name, value) in [
        (
            "service_account_json.type",
            "type",
            json!("external_account"),
        ),
        (
            "service_account_json.client_email",
            "client_email",
            json!("no token"),
        ),
        (
            "service_account_json.private_key_id",
            "private_key_id",
            json!(""),
        ),
        (
            "service_account_json.private_key",
            "private_key",
            json!(PEM.replacen("MII", "MIJ", 1)),
        ),
        ("service_account_json.private_key", "private_key", json!(7)),
    ] {
        let mut account = account();
        account[name] = value;
        let Err(error) = request_for(&account, 0) else {
            panic!("{field} is taken");
        };
        assert_eq!(error.field, field);
        assert!(!error.to_string().contains("MIJ"));
    }
    for json in ["", "{}", "[]", "null"] {
        let url = url(GOOGLE_TOKEN_URL);
        let source = TokenSource::ServiceAccount { json, url: &url };
        let Err(error) = request(&source, UNIX_EPOCH) else {
            panic!("{json} is taken");
        };
        assert_eq!(error.field, "service_account_json");
    }
}

#[test]
fn an_application_sends_its_secret_in_the_body_only() {
    let request = entra("example.com").unwrap();
    assert_eq!(
        request.uri,
        "https://login.microsoftonline.com/example.com/oauth2/v2.0/token"
    );
    let fields = fields(&request);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("client_id", "00000000-aaaa-bbbb-cccc-111111111111"),
            ("client_secret", SECRET),
            ("scope", "https://cognitiveservices.azure.com/.default"),
            ("grant_type", "client_credentials"),
        ]
    );
}

#[test]
fn a_tenant_that_would_change_the_path_is_refused() {
    for tenant in ["", "..", "a/b", "a?b", "a%2fb", "ä.example"] {
        let Err(error) = entra(tenant) else {
            panic!("{tenant} is taken");
        };
        assert_eq!(error.field, "entra_client.tenant_id");
    }
}

#[test]
fn a_token_has_the_lifetime_of_the_response() {
    for (body, seconds) in [
        (
            r#"{"access_token":"ya29.not-a-real-token","expires_in":3599,"token_type":"Bearer"}"#,
            3_599,
        ),
        (
            r#"{"token_type":"bearer","expires_in":"3599","ext_expires_in":3599,"access_token":"ya29.not-a-real-token"}"#,
            3_599,
        ),
        (
            r#"{"access_token":"ya29.not-a-real-token","expires_in":99999999999}"#,
            86_400,
        ),
    ] {
        let token = answered(200, body).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(*token.token, "ya29.not-a-real-token");
        assert_eq!(token.expires_in, Duration::from_secs(seconds));
    }
}

#[test]
fn a_response_without_a_token_is_malformed_and_not_quoted() {
    for body in [
        "",
        "{}",
        "access_token=ya29.not-a-real-token",
        r#"{"access_token":"","expires_in":1}"#,
        r#"{"access_token":"ya29.not-a-real-token"}"#,
        r#"{"access_token":"ya29.not-a-real-token","expires_in":-1}"#,
        r#"{"access_token":"ya29.not-a-real-token","expires_in":1,"token_type":"mac"}"#,
        r#"{"id_token":"eyJub3QiOiJyZWFsIn0.e30.eA","expires_in":1}"#,
    ] {
        let error = refused(200, body);
        assert_eq!(error.class, ErrorClass::Malformed, "{body}");
        assert!(!error.to_string().contains("not-a-real"), "{body}");
    }
}

#[test]
fn refusals_are_classified_by_code() {
    use ErrorClass as E;
    for (status, code, message, class) in [
        (400, "invalid_grant", "Invalid JWT Signature.", E::Revoked),
        (
            400,
            "invalid_grant",
            "Invalid grant: account not found",
            E::Revoked,
        ),
        (
            400,
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
            E::Unknown,
        ),
        (
            401,
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method.",
            E::Revoked,
        ),
        (400, "invalid_scope", "Invalid scope.", E::RejectedRequest),
        (400, "access_denied", "Account restricted", E::NoPermission),
        (
            401,
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided.",
            E::Revoked,
        ),
        (
            401,
            "invalid_client",
            "AADSTS7000222: The provided client secret keys are expired.",
            E::Revoked,
        ),
        (
            400,
            "unauthorized_client",
            "AADSTS700016: Application was not found in the directory.",
            E::Revoked,
        ),
        (
            400,
            "invalid_request",
            "AADSTS90002: Tenant 'example.com' not found.",
            E::Revoked,
        ),
        (
            400,
            "invalid_request",
            "AADSTS900144: The request body must contain the following parameter: 'scope'.",
            E::RejectedRequest,
        ),
        (
            400,
            "invalid_resource",
            "AADSTS500011: The resource principal was not found in the tenant.",
            E::NoPermission,
        ),
        (
            503,
            "temporarily_unavailable",
            "AADSTS90033: A transient error has occurred.",
            E::Overloaded,
        ),
        (429, "rate_limit_exceeded", "Slow", E::Throttled),
        (500, "internal_failure", "Backend error.", E::Overloaded),
    ] {
        let body = json!({"error": code, "error_description": message}).to_string();
        let error = refused(status, &body);
        assert_eq!(error.class, class, "{message}");
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(error.message, message);
        assert_eq!(error.http_status, Some(status));
    }
    // A refusal may have a successful status, and a proxy is not a token endpoint.
    let body = r#"{"error":"invalid_grant","error_description":"x"}"#;
    assert_eq!(refused(200, body).class, E::Revoked);
    for status in [302, 401, 403, 404] {
        let error = refused(status, "<html><title>Proxy</title></html>");
        assert_eq!(error.class, E::Unknown, "{status}");
    }
    assert_eq!(refused(502, "").class, E::Overloaded);
}

#[test]
fn secrets_are_redacted_from_refusals() {
    let body = json!({
        "error": "invalid_client",
        "error_description": format!("the secret {SECRET} is wrong"),
    });
    let error = refused(401, &body.to_string());
    assert_eq!(error.message, "the secret [redacted] is wrong");

    let (json, url) = (account().to_string(), url(GOOGLE_TOKEN_URL));
    let source = TokenSource::ServiceAccount {
        json: &json,
        url: &url,
    };
    let line = PEM.lines().nth(3).unwrap();
    let body = json!({"error": "invalid_grant", "error_description": line}).to_string();
    let headers = HeaderMap::new();
    let status = StatusCode::BAD_REQUEST;
    let reply = Reply::undated(status, &headers, body.as_bytes(), "");
    let Err(error) = read(&source, &reply) else {
        panic!("a token");
    };
    assert_eq!(error.message, "[redacted]");
}
