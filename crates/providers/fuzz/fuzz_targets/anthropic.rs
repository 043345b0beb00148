//! Answers and streams of Anthropic's Messages.
#![no_main]

use latchkey_providers::Provider;
use latchkey_providers_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| decoder(Provider::Anthropic, "claude-opus-4-7", input));
