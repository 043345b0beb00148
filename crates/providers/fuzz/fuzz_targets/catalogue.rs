//! Catalogues, layers and price lists of operators.
#![no_main]

use std::sync::LazyLock;
use std::time::SystemTime;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;
use latchkey_providers::catalogue::{Catalogue, CostContext, Layer, litellm};
use libfuzzer_sys::fuzz_target;

static BUILTIN: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);

fuzz_target!(|text: &str| {
    if let Ok(catalogue) = Catalogue::parse(text) {
        check(&catalogue, text);
    }
    if let Ok(layer) = Layer::parse(text)
        && let Ok(catalogue) = BUILTIN.extend(layer)
    {
        check(&catalogue, text);
    }
    if let Ok(import) = litellm::read(text) {
        // Whatever was written, the models that were read form a valid catalogue.
        let layer = Layer::of_models("fuzz", import.models).expect("the rows were checked");
        let catalogue = BUILTIN.extend(layer).expect("models change no traits");
        check(&catalogue, text);
    }
});

fn check(catalogue: &Catalogue, text: &str) {
    let usage = Usage {
        input_tokens: 300_000,
        output_tokens: 1,
        image_count: 1,
        ..Usage::default()
    };
    for model in catalogue.models() {
        let found = catalogue.find(model.provider, &model.id);
        assert_eq!(found.map(|found| &found.id), Some(&model.id));
        for service_tier in ["", "flex", text] {
            let context = CostContext {
                service_tier,
                start: SystemTime::UNIX_EPOCH,
            };
            assert!(
                model
                    .cost_nanos(&usage, &context)
                    .is_none_or(|cost| cost >= 0)
            );
        }
    }
    for provider in ProviderId::ALL {
        let _ = catalogue.traits(provider, text);
    }
}
