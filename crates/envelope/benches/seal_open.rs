//! What sealing and opening cost: one payload per suite, and the way down all three levels.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use latchkey_envelope::{
    BranchKey, BranchKeyContext, DataKey, DataKeyContext, PayloadContext, RootKey, Suite,
};
use ring::rand::SystemRandom;

const SUITES: [Suite; 2] = [Suite::Aes256Gcm, Suite::ChaCha20Poly1305];

/// As long as a current OpenAI project key.
const PAYLOAD: [u8; 164] = [b'x'; 164];

const CONTEXT: PayloadContext<'static> = PayloadContext {
    deployment: [1; 16],
    workspace: [2; 16],
    key: [3; 16],
    version: 4,
    provider: "openai",
    secret_kind: "api_key",
};

const BRANCH_CONTEXT: BranchKeyContext<'static> = BranchKeyContext {
    deployment: [1; 16],
    workspace: [2; 16],
    branch_key: [5; 16],
    branch_version: 6,
    root_key: "0123456789abcdef0123456789abcdef",
    root_version: 1,
};

fn payload(criterion: &mut Criterion) {
    let rng = &SystemRandom::new();
    let key = DataKey::generate(rng).expect("randomness");

    let mut group = criterion.benchmark_group("seal payload");
    for suite in SUITES {
        group.bench_function(
            BenchmarkId::from_parameter(format!("{suite:?}")),
            |bencher| {
                bencher.iter(|| key.seal_payload(rng, suite, black_box(&PAYLOAD), &CONTEXT));
            },
        );
    }
    group.finish();

    let mut group = criterion.benchmark_group("open payload");
    for suite in SUITES {
        let sealed = key
            .seal_payload(rng, suite, &PAYLOAD, &CONTEXT)
            .expect("seals");
        group.bench_function(
            BenchmarkId::from_parameter(format!("{suite:?}")),
            |bencher| {
                bencher.iter(|| {
                    key.open_payload(black_box(sealed.as_bytes()), &CONTEXT)
                        .expect("opens")
                });
            },
        );
    }
    group.finish();
}

fn three_levels(criterion: &mut Criterion) {
    let rng = &SystemRandom::new();
    let root = RootKey::from_bytes(&[7; 32]);
    let branch = BranchKey::generate(rng).expect("randomness");
    let data = DataKey::generate(rng).expect("randomness");

    let mut group = criterion.benchmark_group("open three levels");
    for suite in SUITES {
        let sealed = data
            .seal_payload(rng, suite, &PAYLOAD, &CONTEXT)
            .expect("seals");
        let data_context = DataKeyContext {
            payload: CONTEXT,
            branch_key: BRANCH_CONTEXT.branch_key,
            branch_version: BRANCH_CONTEXT.branch_version,
            wrap_revision: 1,
            payload_commitment: sealed.commitment(),
        };
        let wrapped_data = branch
            .wrap_data_key(rng, suite, &data, &data_context)
            .expect("seals");
        let wrapped_branch = root
            .wrap_branch_key(rng, suite, &branch, &BRANCH_CONTEXT)
            .expect("seals");
        group.bench_function(
            BenchmarkId::from_parameter(format!("{suite:?}")),
            |bencher| {
                bencher.iter(|| {
                    let branch = root
                        .unwrap_branch_key(black_box(wrapped_branch.as_bytes()), &BRANCH_CONTEXT)
                        .expect("unwraps");
                    let data = branch
                        .unwrap_data_key(black_box(wrapped_data.as_bytes()), &data_context)
                        .expect("unwraps");
                    data.open_payload(black_box(sealed.as_bytes()), &CONTEXT)
                        .expect("opens")
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, payload, three_levels);
criterion_main!(benches);
