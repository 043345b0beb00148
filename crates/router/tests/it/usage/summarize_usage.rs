//! `SummarizeUsage`.

use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{
    GenerateRequest, Operation, Origin, Payer, SummarizeUsageRequest, SummarizeUsageResponse,
    Usage, UsageSummary,
};
use latchkey_router::domain::attempt as domain;
use latchkey_router::domain::attempt::JournalId;
use latchkey_router::store::Store;
use serde_json::json;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::harness::{
    ACME, APP, Answer, Caller, OPERATOR, OTHER_APP, OTHER_CALLER, OWNER, Router, START, WEB,
    anthropic, chat, claude, gpt, key, on, refused, uid_of, version,
};
use crate::on_both_databases;

on_both_databases!(|config| config.attempts = crate::harness::ONCE;
    without_dimensions_there_is_one_row,
    an_empty_workspace_has_an_empty_summary,
    each_dimension_splits_the_sums,
    dimensions_combine_in_the_order_asked_for,
    the_summary_of_a_project_counts_its_attempts_only,
    the_summary_of_a_caller_counts_its_attempts_only,
    times_bound_the_sums,
    days_begin_at_midnight_utc,
    more_rows_than_a_summary_has_are_refused,
    a_malformed_field_is_named,
    another_workspaces_caller_is_refused,
);

async fn summarize(
    router: &Router,
    caller: Caller,
    request: SummarizeUsageRequest,
) -> Result<SummarizeUsageResponse, Status> {
    let summed = router.usage(caller).summarize_usage(request).await;
    summed.map(tonic::Response::into_inner)
}

pub(super) async fn rows(
    router: &Router,
    caller: Caller,
    request: SummarizeUsageRequest,
) -> Vec<UsageSummary> {
    summarize(router, caller, request).await.unwrap().summaries
}

pub(super) fn by(dimensions: &[Dimension]) -> SummarizeUsageRequest {
    SummarizeUsageRequest {
        parent: ACME.to_owned(),
        group_by: dimensions
            .iter()
            .map(|dimension| i32::from(*dimension))
            .collect(),
        ..SummarizeUsageRequest::default()
    }
}

/// Makes three calls a day apart that differ in every dimension: one to OpenAI for 3,000,000
/// nanodollars, one to Anthropic for 759,000, and one that failed.
async fn three_calls(router: &Router) {
    router.vault_grants_default(|request, lease| {
        if request.provider == "anthropic" {
            lease.key_version = version("platform", "main");
            lease.payer = latchkey_contract::vault::v1::Payer::Platform.into();
        }
    });
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
    // Only the wall clock moves, since leases lapse by the uptime.
    router.clock.set(START + Duration::from_hours(24));
    router
        .provider
        .returns(Answer::json(200, &anthropic::whole()));
    let automated = GenerateRequest {
        origin: Origin::Automation.into(),
        ..on(WEB, claude())
    };
    router.generate_as(OTHER_APP, automated).await.unwrap();
    router.clock.set(START + Duration::from_hours(48));
    router.provider.returns(Answer::json(500, &json!({})));
    router.generate(gpt()).await.unwrap_err();
}

/// The sums of all three calls.
fn total() -> UsageSummary {
    UsageSummary {
        attempt_count: 3,
        succeeded_count: 2,
        usage: Some(Usage {
            input_tokens: 610,
            cache_read_tokens: 420,
            cache_write_tokens: 30,
            cache_write_1h_tokens: 40,
            output_tokens: 200,
            reasoning_tokens: 50,
            ..Usage::default()
        }),
        cost_nanos: 3_759_000,
        unpriced_count: 1,
        ..UsageSummary::default()
    }
}

/// The attempts, successes, cost, and attempts without a cost.
fn sums(row: &UsageSummary) -> (i64, i64, i64, i64) {
    (
        row.attempt_count,
        row.succeeded_count,
        row.cost_nanos,
        row.unpriced_count,
    )
}

const OPENAI: (i64, i64, i64, i64) = (2, 1, 3_000_000, 1);
const ANTHROPIC: (i64, i64, i64, i64) = (1, 1, 759_000, 0);

async fn without_dimensions_there_is_one_row(router: Router) {
    three_calls(&router).await;
    for caller in [OWNER, OPERATOR] {
        assert_eq!(rows(&router, caller, by(&[])).await, [total()]);
    }
}

async fn an_empty_workspace_has_an_empty_summary(router: Router) {
    let nothing = UsageSummary {
        usage: Some(Usage::default()),
        ..UsageSummary::default()
    };
    assert_eq!(rows(&router, OWNER, by(&[])).await, [nothing]);
    assert_eq!(rows(&router, OWNER, by(&[Dimension::Model])).await, []);
}

async fn each_dimension_splits_the_sums(router: Router) {
    three_calls(&router).await;
    let split = async |dimension| rows(&router, OWNER, by(&[dimension])).await;
    let named = |rows: Vec<UsageSummary>, name: fn(&UsageSummary) -> String| -> Vec<_> {
        rows.iter().map(|row| (name(row), sums(row))).collect()
    };
    let found = named(split(Dimension::Model).await, |row| row.model.clone());
    let expected = [("claude-sonnet-5", ANTHROPIC), ("gpt-4.1", OPENAI)];
    assert_eq!(found, expected.map(|(name, sums)| (name.to_owned(), sums)));

    let found = named(split(Dimension::Provider).await, |row| row.provider.clone());
    let expected = [("anthropic", ANTHROPIC), ("openai", OPENAI)];
    assert_eq!(found, expected.map(|(name, sums)| (name.to_owned(), sums)));

    let found = named(split(Dimension::Key).await, |row| row.key.clone());
    let expected = [
        (key("platform", "main"), ANTHROPIC),
        (key(ACME, "main"), OPENAI),
    ];
    assert_eq!(found, expected);

    let found = named(split(Dimension::Project).await, |row| row.parent.clone());
    let expected = [(ACME, OPENAI), (WEB, ANTHROPIC)];
    assert_eq!(found, expected.map(|(name, sums)| (name.to_owned(), sums)));

    let found = named(split(Dimension::Requester).await, |row| {
        row.requester.clone()
    });
    let expected = [(APP, OPENAI), (OTHER_APP, ANTHROPIC)];
    assert_eq!(
        found,
        expected.map(|(caller, sums)| (caller.requester(), sums))
    );

    let found = named(split(Dimension::Payer).await, |row| {
        format!("{:?}", row.payer())
    });
    let expected = [(Payer::OwnKey, OPENAI), (Payer::Platform, ANTHROPIC)];
    assert_eq!(
        found,
        expected.map(|(payer, sums)| (format!("{payer:?}"), sums))
    );

    let found = named(split(Dimension::Origin).await, |row| {
        format!("{:?}", row.origin())
    });
    let expected = [
        (Origin::Automation, ANTHROPIC),
        (Origin::Interactive, OPENAI),
    ];
    assert_eq!(
        found,
        expected.map(|(origin, sums)| (format!("{origin:?}"), sums))
    );

    let days = split(Dimension::Day).await;
    let found: Vec<_> = days.iter().map(|row| (row.day, sums(row))).collect();
    let expected = [
        (Some(midnight(0)), (1, 1, 3_000_000, 0)),
        (Some(midnight(1)), ANTHROPIC),
        (Some(midnight(2)), (1, 0, 0, 1)),
    ];
    assert_eq!(found, expected);
}

/// The start of a day, counted from the day that the tests start in.
fn midnight(days: u64) -> prost_types::Timestamp {
    let seconds = START.to_unix().0 - 12 * 3_600 + i64::try_from(days).unwrap() * 86_400;
    prost_types::Timestamp { seconds, nanos: 0 }
}

async fn dimensions_combine_in_the_order_asked_for(router: Router) {
    three_calls(&router).await;
    let sums = rows(&router, OWNER, by(&[Dimension::Provider, Dimension::Day])).await;
    let found: Vec<_> = sums.iter().map(|row| (&*row.provider, row.day)).collect();
    let expected = [
        ("anthropic", Some(midnight(1))),
        ("openai", Some(midnight(0))),
        ("openai", Some(midnight(2))),
    ];
    assert_eq!(found, expected);
    let sums = rows(&router, OWNER, by(&[Dimension::Day, Dimension::Provider])).await;
    let found: Vec<_> = sums.iter().map(|row| (&*row.provider, row.day)).collect();
    let expected = [
        ("openai", Some(midnight(0))),
        ("anthropic", Some(midnight(1))),
        ("openai", Some(midnight(2))),
    ];
    assert_eq!(found, expected);
    let every = [
        Dimension::Day,
        Dimension::Model,
        Dimension::Provider,
        Dimension::Key,
        Dimension::Project,
        Dimension::Requester,
        Dimension::Payer,
        Dimension::Origin,
        Dimension::Operation,
    ];
    let found = rows(&router, OWNER, by(&every)).await;
    assert_eq!(found.len(), 3);
    let expected = UsageSummary {
        day: Some(midnight(2)),
        model: "gpt-4.1".to_owned(),
        provider: "openai".to_owned(),
        key: key(ACME, "main"),
        key_uid: uid_of(&key(ACME, "main")),
        parent: ACME.to_owned(),
        requester: APP.requester(),
        payer: Payer::OwnKey.into(),
        origin: Origin::Interactive.into(),
        operation: Operation::Generate.into(),
        attempt_count: 1,
        usage: Some(Usage::default()),
        unpriced_count: 1,
        ..UsageSummary::default()
    };
    assert_eq!(found[2], expected);
}

async fn the_summary_of_a_project_counts_its_attempts_only(router: Router) {
    three_calls(&router).await;
    let request = SummarizeUsageRequest {
        parent: WEB.to_owned(),
        ..by(&[Dimension::Project])
    };
    let found = rows(&router, OWNER, request).await;
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].parent, sums(&found[0])), (WEB, ANTHROPIC));
}

async fn the_summary_of_a_caller_counts_its_attempts_only(router: Router) {
    three_calls(&router).await;
    for (caller, expected) in [(APP, OPENAI), (OTHER_APP, ANTHROPIC)] {
        let found = rows(&router, caller, by(&[])).await;
        assert_eq!(sums(&found[0]), expected);
        let found = rows(&router, caller, by(&[Dimension::Requester])).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].requester, caller.requester());
    }
}

async fn times_bound_the_sums(router: Router) {
    three_calls(&router).await;
    for (start_time, end_time, count) in [
        (Some(midnight(1)), None, 2),
        (None, Some(midnight(1)), 1),
        (Some(midnight(1)), Some(midnight(2)), 1),
        (Some(midnight(3)), None, 0),
    ] {
        let request = SummarizeUsageRequest {
            start_time,
            end_time,
            ..by(&[])
        };
        assert_eq!(rows(&router, OWNER, request).await[0].attempt_count, count);
    }
}

async fn days_begin_at_midnight_utc(router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    let half_a_day = Duration::from_hours(12);
    router
        .clock
        .set(START + half_a_day - Duration::from_micros(1));
    router.generate(gpt()).await.unwrap();
    router.clock.set(START + half_a_day);
    router.generate(gpt()).await.unwrap();
    let sums = rows(&router, OWNER, by(&[Dimension::Day])).await;
    let found: Vec<_> = sums.iter().map(|row| row.day).collect();
    assert_eq!(found, [Some(midnight(0)), Some(midnight(1))]);
}

async fn more_rows_than_a_summary_has_are_refused(router: Router) {
    let store = Store::connect(&router.database.url, 1).await.unwrap();
    let journal = JournalId(Uuid::from_u128(1));
    let many: Vec<_> = (1..=10_001).map(of_a_model).collect();
    store.record(journal, &many[..10_000]).await.unwrap();
    let by_model = by(&[Dimension::Model]);
    assert_eq!(rows(&router, OWNER, by_model.clone()).await.len(), 10_000);
    store.record(journal, &many[10_000..]).await.unwrap();
    let outcome = summarize(&router, OWNER, by_model).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["group_by"]);
}

/// An attempt with a distinct model.
fn of_a_model(number: u128) -> domain::Attempt {
    let start = domain::AttemptStart {
        id: domain::AttemptId(Uuid::from_u128(number)),
        scope: ACME.parse().unwrap(),
        uids: domain::AttemptUids {
            workspace: uid_of(ACME).parse().ok(),
            ..domain::AttemptUids::default()
        },
        key_version: version(ACME, "main").parse().unwrap(),
        material_tail: "wxyz".to_owned(),
        payer: domain::Payer::OwnKey,
        provider: ProviderId::OpenAi,
        model: number.to_string().parse().unwrap(),
        requester: "token:app".into(),
        origin: domain::Origin::Interactive,
        operation: domain::Operation::Generate,
        streamed: false,
        start_time: Timestamp::from_micros(0),
    };
    domain::Attempt {
        start,
        outcome: domain::AttemptOutcome::default(),
    }
}

async fn a_malformed_field_is_named(router: Router) {
    let request = |parent: &str, group_by: &[i32]| SummarizeUsageRequest {
        parent: parent.to_owned(),
        group_by: group_by.to_vec(),
        ..SummarizeUsageRequest::default()
    };
    let never = Some(prost_types::Timestamp {
        seconds: 0,
        nanos: -1,
    });
    let from = SummarizeUsageRequest {
        start_time: never,
        ..request(ACME, &[])
    };
    let until = SummarizeUsageRequest {
        end_time: never,
        ..request(ACME, &[])
    };
    for (request, field) in [
        (request("acme", &[]), "parent"),
        (request("platform", &[]), "parent"),
        (request(ACME, &[0]), "group_by[0]"),
        (request(ACME, &[1, 99]), "group_by[1]"),
        (request(ACME, &[1, 2, 1]), "group_by[2]"),
        (from, "start_time"),
        (until, "end_time"),
    ] {
        let outcome = summarize(&router, OPERATOR, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
}

async fn another_workspaces_caller_is_refused(router: Router) {
    let outcome = summarize(&router, OTHER_CALLER, by(&[])).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}
