//! Answers and streams of OpenAI's Chat Completions.
#![no_main]

use latchkey_contract::ProviderId;
use latchkey_providers_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| decoder(ProviderId::OpenAi, "gpt-4.1", input));
