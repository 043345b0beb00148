//! Catalogues that an operator brings.
#![no_main]

use latchkey_providers::Provider;
use latchkey_providers::catalogue::Catalogue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(catalogue) = Catalogue::parse(text) {
        for model in catalogue.models() {
            assert!(catalogue.find(model.provider, &model.id).is_some());
        }
        for provider in Provider::ALL {
            let _ = catalogue.traits(provider, text);
        }
    }
});
