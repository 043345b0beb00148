use std::time::{Duration, SystemTime};

use latchkey_contract::router::v1::Usage;
use latchkey_providers::catalogue::{
    CostContext, Layer, NanosEach, NanosPerMillion, Prices, litellm,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::cases::CATALOGUE;

fn usage(counts: &[i64]) -> Usage {
    Usage {
        input_tokens: counts[0],
        cache_read_tokens: counts[1],
        cache_write_tokens: counts[2],
        cache_write_1h_tokens: counts[3],
        output_tokens: counts[4],
        reasoning_tokens: counts[5],
        image_input_tokens: counts[6],
        image_output_tokens: counts[7],
        image_count: counts[8],
    }
}

fn prices(amounts: &[i64]) -> Prices {
    let price = |index: usize| Some(NanosPerMillion::new(amounts[index]));
    Prices {
        input: price(0),
        cache_read: price(1),
        cache_write: price(2),
        cache_write_1h: price(3),
        output: price(4),
        reasoning: price(5),
        image_input: price(6),
        image_output: price(7),
        image: Some(NanosEach::new(amounts[8])),
    }
}

fn counts() -> impl Strategy<Value = Vec<i64>> {
    vec(0_i64..2_000_000_000, CLASSES)
}

fn amounts() -> impl Strategy<Value = Vec<i64>> {
    vec(0_i64..100_000_000, CLASSES)
}

const CLASSES: usize = 9;

proptest! {
    #[test]
    fn cost_is_the_sum_of_the_classes_rounded_up_once(counts in counts(), amounts in amounts()) {
        let prices = prices(&amounts);
        let whole = prices.cost_nanos(&usage(&counts)).unwrap();
        let parts: Vec<i64> = (0..CLASSES)
            .map(|class| {
                let mut alone = [0; CLASSES];
                alone[class] = counts[class];
                prices.cost_nanos(&usage(&alone)).unwrap()
            })
            .collect();
        let sum: i64 = parts.iter().sum();
        // Each class of tokens is rounded up separately, so the sum exceeds the total by at most
        // seven.
        prop_assert!(whole <= sum && sum - whole <= 7);
    }

    #[test]
    fn cost_grows_with_usage_and_with_price(
        counts in counts(),
        more in counts(),
        amounts in amounts(),
        class in 0..CLASSES,
    ) {
        let cost = prices(&amounts).cost_nanos(&usage(&counts)).unwrap();
        let mut used_more = counts.clone();
        used_more[class] += more[class];
        prop_assert!(prices(&amounts).cost_nanos(&usage(&used_more)).unwrap() >= cost);
        let mut dearer = amounts.clone();
        dearer[class] += 1;
        prop_assert!(prices(&dearer).cost_nanos(&usage(&counts)).unwrap() >= cost);
    }

    #[test]
    fn cost_of_anything_is_an_amount_or_none(
        counts in vec(any::<i64>(), CLASSES),
        amounts in vec(0..i64::MAX, CLASSES),
        service_tier in "flex|batch|priority|ultrafast|default|[ -~]{0,9}",
        seconds in 0_u64..4_000_000_000,
    ) {
        let used = usage(&counts);
        if let Some(cost) = prices(&amounts).cost_nanos(&used) {
            prop_assert!(cost >= 0);
            prop_assert!(counts.iter().all(|count| *count >= 0));
        }
        let context = CostContext {
            service_tier: &service_tier,
            start: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        };
        for model in CATALOGUE.models() {
            prop_assert!(model.cost_nanos(&used, &context).is_none_or(|cost| cost >= 0));
        }
    }

    #[test]
    fn a_call_costs_no_less_for_one_token_more_of_input(
        tokens in 0_i64..2_000_000,
        place in any::<prop::sample::Index>(),
    ) {
        let model = place.get(CATALOGUE.models());
        let context = CostContext::standard(SystemTime::UNIX_EPOCH);
        let mut counts = [0; CLASSES];
        counts[0] = tokens;
        let less = model.cost_nanos(&usage(&counts), &context);
        counts[0] += 1;
        prop_assert!(model.cost_nanos(&usage(&counts), &context) >= less);
    }

    #[test]
    fn a_list_of_prices_with_anything_in_it_is_read_or_refused(
        field in "(input|output)_cost_per_(token|image_token|image)(_flex|_above_[0-9]{1,4}k_tokens)?",
        amount in "-?[0-9]{1,25}(\\.[0-9]{1,25})?(e-?[0-9]{1,3})?|null|\"[a-z]{0,3}\"|\\[\\]",
        other in "[a-z_]{1,12}",
        provider in "openai|gemini|vertex_ai-x|bedrock|[a-z]{0,8}",
        mode in "chat|image_generation|embedding|[a-z]{0,8}",
    ) {
        let text = format!(
            r#"{{"m": {{"litellm_provider": "{provider}", "mode": "{mode}",
                "{field}": {amount}, "{other}": {amount}}}}}"#
        );
        if let Ok(import) = litellm::read(&text) {
            let rows = import.models.len() + import.skipped.len() + import.of_other_providers;
            prop_assert_eq!(rows, 1);
            let layer = Layer::of_models("x", import.models).unwrap();
            prop_assert!(CATALOGUE.extend(layer).is_ok());
        }
    }
}
