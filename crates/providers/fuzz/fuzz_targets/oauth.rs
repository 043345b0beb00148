//! Files of service accounts and answers of token endpoints. No secret may appear in an error.
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, StatusCode};
use latchkey_providers::decode::Reply;
use latchkey_providers::oauth::{ENTRA_AUTHORITY, GOOGLE_TOKEN_URL, TokenSource, read, request};
use latchkey_providers_fuzz::KEY;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, u64, &str, &str, &[u8])| {
    let (status, now, json, tenant_id, body) = input;
    let url = GOOGLE_TOKEN_URL.parse().expect("a URL");
    let authority = ENTRA_AUTHORITY.parse().expect("a URL");
    let account = TokenSource::ServiceAccount { json, url: &url };
    let application = TokenSource::EntraClient {
        tenant_id,
        client_id: "application",
        client_secret: KEY,
        authority: &authority,
    };
    let now = UNIX_EPOCH + Duration::from_secs(now >> 24);
    let status = StatusCode::from_u16(100 + status % 500).expect("three digits");
    let headers = HeaderMap::new();
    let quoted = [body, KEY.as_bytes(), body].concat();
    for source in [account, application] {
        if let Ok(request) = request(&source, now) {
            assert!(!request.uri.to_string().contains(KEY));
        }
        for body in [body, &quoted] {
            let reply = Reply::undated(status, &headers, body, "");
            match read(&source, &reply) {
                Ok(token) => assert!(!token.token.is_empty()),
                Err(error) => {
                    let secret_known = matches!(source, TokenSource::EntraClient { .. });
                    assert!(!secret_known || !format!("{error:?}").contains(KEY));
                }
            }
        }
    }
});
