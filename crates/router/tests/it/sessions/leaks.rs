//! Messages are stored nowhere in clear text.

use std::fmt::Write as _;

use latchkey_contract::router::v1::{CreateSessionRequest, GenerateRequest};

use super::{TALK, create, create_request, sealed, start_session, turns};
use crate::harness::{Answer, Router, chat};
use crate::on_both_databases;

on_both_databases!(messages_are_in_no_table_and_no_journal);

/// The texts of the user and of the model.
const TEXTS: [&str; 2] = ["plover-among-reeds", "heron-over-water"];

async fn messages_are_in_no_table_and_no_journal(router: Router) {
    start_session(&router, sealed()).await;
    let repeatable = CreateSessionRequest {
        request_id: "6b9f6a0e-58a7-4f0c-9d4b-7c1f0b1c2d3e".to_owned(),
        ..create_request("other", sealed())
    };
    create(&router, repeatable).await.unwrap();
    let mut whole = chat::whole();
    whole["choices"][0]["message"]["content"] = TEXTS[1].into();
    router.provider.returns(Answer::json(200, &whole));
    router.generate(super::with_text(TEXTS[0])).await.unwrap();
    let chunks = [chat::delta(TEXTS[1]), chat::stop(), chat::used()];
    let mut pieces: Vec<_> = chunks.iter().map(ToString::to_string).collect();
    pieces.push("[DONE]".to_owned());
    router.provider.returns(Answer::events(&pieces));
    let mut stream = router.stream(super::with_text(TEXTS[0])).await.unwrap();
    while stream.message().await.unwrap().is_some() {}
    let failing = GenerateRequest {
        max_output_tokens: Some(0),
        ..super::with_text(TEXTS[0])
    };
    router.generate(failing).await.unwrap_err();
    let kept = turns(&router, TALK).await.unwrap();
    assert!(TEXTS.iter().all(|text| format!("{kept:?}").contains(text)));
    // The attempt has been shipped from the journal to its table.
    assert_eq!(router.attempts().await.len(), 2);

    for (place, bytes) in [
        ("table", router.dump().await),
        ("journal", router.journal()),
    ] {
        // The model's name is stored in clear text, so the search works.
        assert!(contains(&bytes, b"gpt-4.1-2025-04-14"), "{place}");
        for text in TEXTS {
            assert!(!contains(&bytes, text.as_bytes()), "{place}");
            assert!(
                !contains(&bytes, hex(text.as_bytes()).as_bytes()),
                "{place}"
            );
        }
        for material in router.vault.data_keys().materials() {
            assert!(!contains(&bytes, &material), "{place}");
            assert!(!contains(&bytes, hex(&material).as_bytes()), "{place}");
        }
    }
    let lengths = TEXTS[0].len() + TEXTS[1].len();
    let long = format!("length(sealed) > {lengths}");
    assert_eq!(router.count("turns", &long).await, 2);
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Hex digits, in which PostgreSQL writes bytes.
fn hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in bytes {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}
