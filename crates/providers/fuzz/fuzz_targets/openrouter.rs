//! Answers and streams of OpenRouter.
#![no_main]

use latchkey_contract::ProviderId;
use latchkey_providers_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| decoder(ProviderId::OpenRouter, "anthropic/claude-sonnet-5", input));
