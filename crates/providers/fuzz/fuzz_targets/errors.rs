//! Error bodies of every provider that contain the key, which must be redacted.
#![no_main]

use latchkey_contract::ProviderId;
use http::{HeaderMap, HeaderValue, StatusCode};
use latchkey_providers::decode::Reply;
use latchkey_providers::error::{classify, redact};
use latchkey_providers::check;
use latchkey_providers_fuzz::KEY;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8], &[u8], &str)| {
    let (status, hint, body, text) = input;
    let status = StatusCode::from_u16(100 + status % 500).expect("three digits");
    let mut headers = HeaderMap::new();
    if let Ok(hint) = HeaderValue::from_bytes(hint) {
        headers.insert("retry-after", hint);
    }
    let quoted = [text.as_bytes(), KEY.as_bytes(), body].concat();
    for provider in ProviderId::ALL {
        for body in [body, &quoted] {
            let reply = Reply::undated(status, &headers, body, KEY);
            let error = classify(provider, &reply);
            assert!(!format!("{error:?}").contains(KEY));
            let outcome = check::outcome(provider, &reply);
            assert!(!format!("{outcome:?}").contains(KEY));
        }
    }
    assert!(!redact(&format!("{text}{KEY}{text}"), KEY).contains(KEY));
});
