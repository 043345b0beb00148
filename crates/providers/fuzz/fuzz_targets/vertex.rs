//! Answers and streams of Vertex AI, of Google's and of Anthropic's models.
#![no_main]

use latchkey_contract::ProviderId;
use latchkey_providers_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    decoder(ProviderId::Vertex, "gemini-2.5-flash", input);
    decoder(ProviderId::Vertex, "claude-opus-4-7", input);
});
