//! Answers and streams of Google AI Studio.
#![no_main]

use latchkey_contract::ProviderId;
use latchkey_providers_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| decoder(ProviderId::Google, "gemini-3-flash-preview", input));
