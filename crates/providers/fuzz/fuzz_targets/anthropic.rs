//! Answers and streams of Anthropic's Messages.
#![no_main]

use latchkey_contract::ProviderId;
use latchkey_providers_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| decoder(ProviderId::Anthropic, "claude-opus-4-7", input));
