//! Answers and streams of Azure's deployments.
#![no_main]

use latchkey_providers::Provider;
use latchkey_providers_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| decoder(Provider::Azure, "a-deployment", input));
