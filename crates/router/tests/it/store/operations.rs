//! Operations in the store.

use latchkey_router::domain::attempt::Operation;
use latchkey_router::store::Dimension;

use super::{Fixture, all, ended, on_both_databases};

on_both_databases!(operations_are_summed_separately,);

async fn operations_are_summed_separately(fixture: Fixture) {
    let mut embedded = ended(2);
    embedded.start.operation = Operation::Embed;
    let mut kinds = [ended(1), ended(3)];
    for attempt in &mut kinds {
        if let Some(usage) = &mut attempt.outcome.usage {
            usage.reasoning_tokens = 0;
        }
        attempt.outcome.cost_nanos = Some(1);
    }
    let [first, second] = kinds;
    fixture.record(&[first, embedded, second]).await;
    let by = [Dimension::Operation];
    let rows = fixture.store.summarize(&all(), &by, 10).await.unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|(group, sums)| {
            let usage = sums.usage;
            let pictures = (
                usage.image_input_tokens,
                usage.image_output_tokens,
                usage.image_count,
            );
            (group.operation.as_deref(), sums.attempts, pictures)
        })
        .collect();
    let expected = [
        (Some("embed"), 1, (6, 7, 8)),
        (Some("generate_images"), 2, (12, 14, 16)),
    ];
    assert_eq!(found, expected);
}
