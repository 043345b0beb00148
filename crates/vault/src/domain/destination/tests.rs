use latchkey_egress::EgressError;
use proptest::prelude::*;

use super::*;

fn parse(directions: &Directions<'_>, provider: ProviderId) -> Result<Located, DestinationError> {
    Destination::parse(directions, provider, &EgressPolicy::default())
}

fn to(base_url: &str) -> Directions<'_> {
    Directions {
        base_url,
        ..Directions::default()
    }
}

#[track_caller]
fn refused_field(outcome: Result<Located, DestinationError>) -> String {
    match outcome.unwrap_err() {
        DestinationError::Field(error) => error.field,
        DestinationError::BaseUrl(error) => panic!("base_url {error}"),
    }
}

#[test]
fn a_provider_without_a_public_address_needs_a_base_url() {
    for provider in ProviderId::ALL {
        let location = match provider {
            ProviderId::Vertex => "global",
            _ => "",
        };
        let nowhere = Directions { location, ..to("") };
        let expected = match provider {
            ProviderId::Azure | ProviderId::Custom => Err(BaseUrlError::Missing.into()),
            _ => Ok(String::new()),
        };
        let parsed = parse(&nowhere, provider).map(|found| found.destination.base_url().to_owned());
        assert_eq!(parsed, expected, "{provider}");
    }
}

#[test]
fn a_trailing_slash_does_not_matter() {
    let parsed = parse(&to("https://llm.example/v1/"), ProviderId::Custom).unwrap();
    assert_eq!(parsed.destination.base_url(), "https://llm.example/v1");
}

#[test]
fn an_internal_address_is_refused() {
    for provider in [
        ProviderId::Azure,
        ProviderId::Custom,
        ProviderId::OpenRouter,
    ] {
        let refusal = parse(&to("https://169.254.169.254/openai/v1"), provider);
        let expected = BaseUrlError::Egress(EgressError::NotPublic);
        assert_eq!(refusal, Err(expected.into()), "{provider}");
    }
}

#[test]
fn vertex_has_a_region_and_maybe_a_project() {
    let vertex = |location, cloud_project| {
        let directions = Directions {
            location,
            cloud_project,
            ..to("")
        };
        parse(&directions, ProviderId::Vertex)
    };
    for location in ["global", "us", "eu", "europe-west4"] {
        let found = vertex(location, "acme:models.prod-1").unwrap().destination;
        assert_eq!(found.location(), location);
        assert_eq!(found.cloud_project(), "acme:models.prod-1");
    }
    let long = "a".repeat(33);
    for location in ["", "Europe", "europe.west4", "a/b", "evil.example#", &long] {
        assert_eq!(
            refused_field(vertex(location, "")),
            "location",
            "{location}"
        );
    }
    let long = "a".repeat(64);
    for project in ["abc", "Acme-models", "acme/models", "acme models", &long] {
        let field = refused_field(vertex("global", project));
        assert_eq!(field, "cloud_project", "{project}");
    }
}

#[test]
fn a_field_that_a_provider_has_no_use_for_is_refused_by_name() {
    for provider in ProviderId::ALL {
        let base_url = "https://llm.example";
        for (field, directions, user) in [
            (
                "location",
                Directions {
                    location: "global",
                    ..to(base_url)
                },
                ProviderId::Vertex,
            ),
            (
                "cloud_project",
                Directions {
                    cloud_project: "acme-models",
                    ..to(base_url)
                },
                ProviderId::Vertex,
            ),
            (
                "api_version",
                Directions {
                    api_version: "2024-10-21",
                    ..to(base_url)
                },
                ProviderId::Azure,
            ),
        ] {
            if provider != user {
                assert_eq!(refused_field(parse(&directions, provider)), field);
            }
        }
    }
}

#[test]
fn addresses_of_azures_portal_are_parsed() {
    const HOST: &str = "https://acme.openai.azure.com";
    let dated = "2024-10-21";
    for (path, resource, api_version, deployment) in [
        ("", "", "", None),
        ("/", "", "", None),
        ("/openai", "", "", None),
        ("/openai/", "", "", None),
        ("/openai/v1", "", "", None),
        ("/openai/v1/", "", "", None),
        ("/openai/v1/chat/completions", "", "", None),
        ("/openai/v1/responses?api-version=preview", "", "", None),
        ("/openai/v1/?api-version=latest", "", "", None),
        ("?api-version=2024-10-21", "", dated, None),
        ("/openai/deployments/prod-gpt", "", "", Some("prod-gpt")),
        (
            "/openai/deployments/gpt_5.4/chat/completions?api-version=2024-10-21",
            "",
            dated,
            Some("gpt_5.4"),
        ),
        (
            "/openai/deployments/openai/images/generations?api-version=2024-10-21",
            "",
            dated,
            Some("openai"),
        ),
        (
            "/openai/responses?api-version=2025-04-01-preview",
            "",
            "2025-04-01-preview",
            None,
        ),
        // A gateway's own path stays.
        ("/team-a", "/team-a", "", None),
        ("/team-a/openai/v1", "/team-a", "", None),
        (
            "/openai/openai/deployments/d/embeddings?api-version=2024-10-21",
            "/openai",
            dated,
            Some("d"),
        ),
        ("/api/projects/p/openai/v1/", "/api/projects/p", "", None),
    ] {
        let found = parse(&to(&format!("{HOST}{path}")), ProviderId::Azure).unwrap();
        let destination = &found.destination;
        assert_eq!(
            destination.base_url(),
            format!("{HOST}{resource}"),
            "{path}"
        );
        assert_eq!(destination.api_version(), api_version, "{path}");
        assert_eq!(found.deployment.as_deref(), deployment, "{path}");
    }
}

#[test]
fn other_addresses_of_azure_are_refused() {
    for (path, error) in [
        ("/openai/v2", AzureAddressError::Path),
        ("/openai/deployments", AzureAddressError::Path),
        ("/openai/deployments/d/evil", AzureAddressError::Path),
        ("/openai/deployments/a%2Fb", AzureAddressError::Deployment),
        ("/openai?api-key=not-a-key", AzureAddressError::Query),
        (
            "/openai?api-version=2024-10-21&api-version=2025-01-01",
            AzureAddressError::Query,
        ),
        ("/openai?api-version=soon", AzureAddressError::ApiVersion),
        ("/openai?api-version=", AzureAddressError::ApiVersion),
        (
            "/openai/v1?api-version=2024-10-21",
            AzureAddressError::Contradiction,
        ),
    ] {
        let url = format!("https://acme.openai.azure.com{path}");
        let expected = BaseUrlError::Azure(error);
        let refusal = parse(&to(&url), ProviderId::Azure);
        assert_eq!(refusal, Err(expected.into()), "{path}");
    }
    for url in ["https://user@acme.example", "https://acme.example#openai"] {
        let expected = BaseUrlError::Egress(EgressError::ExtraParts);
        assert_eq!(parse(&to(url), ProviderId::Azure), Err(expected.into()));
    }
}

#[test]
fn a_version_of_azure_is_a_date() {
    let azure = |api_version| {
        let directions = Directions {
            api_version,
            ..to("https://acme.openai.azure.com")
        };
        parse(&directions, ProviderId::Azure)
    };
    for (given, kept) in [
        ("", ""),
        ("v1", ""),
        ("2024-10-21", "2024-10-21"),
        ("2025-04-01-preview", "2025-04-01-preview"),
    ] {
        assert_eq!(azure(given).unwrap().destination.api_version(), kept);
    }
    for malformed in [
        "2024",
        "2024-13-01",
        "2024-10-32",
        "2024-00-21",
        "2024-1-2",
        "24-10-21",
        "2024-10-21-beta",
        "2024-10-21-preview-preview",
        "+024-10-21",
        "v2",
        "2024-10-21&x=y",
    ] {
        assert_eq!(
            refused_field(azure(malformed)),
            "api_version",
            "{malformed}"
        );
    }
}

#[test]
fn the_field_and_the_address_may_name_the_same_version() {
    let azure = |api_version, query: &str| {
        let url = format!("https://acme.openai.azure.com/openai{query}");
        let directions = Directions {
            api_version,
            ..to(&url)
        };
        parse(&directions, ProviderId::Azure)
            .map(|found| found.destination.api_version().to_owned())
    };
    let dated = Ok("2024-10-21".to_owned());
    assert_eq!(azure("2024-10-21", "?api-version=2024-10-21"), dated);
    assert_eq!(azure("2024-10-21", ""), dated);
    assert!(azure("2024-10-21", "?api-version=2025-01-01").is_err());
    assert!(azure("2024-10-21", "/v1").is_err());
    assert_eq!(azure("v1", "/v1"), Ok(String::new()));
}

#[test]
fn an_empty_direction_keeps_the_current_value() {
    let policy = EgressPolicy::default();
    let first = Directions {
        api_version: "2024-10-21",
        ..to("https://acme.openai.azure.com")
    };
    let first = parse(&first, ProviderId::Azure).unwrap().destination;
    let redirect = |directions: Directions<'_>| {
        let found = first
            .redirect(&directions, ProviderId::Azure, &policy)
            .unwrap();
        let found = found.destination;
        (found.base_url().to_owned(), found.api_version().to_owned())
    };
    let pair = |url: &str, version: &str| (url.to_owned(), version.to_owned());
    let (acme, other) = ("https://acme.openai.azure.com", "https://other.example");
    assert_eq!(redirect(Directions::default()), pair(acme, "2024-10-21"));
    assert_eq!(redirect(to(other)), pair(other, "2024-10-21"));
    assert_eq!(
        redirect(to("https://other.example/openai/v1")),
        pair(other, "")
    );
    let v1 = Directions {
        api_version: "v1",
        ..Directions::default()
    };
    assert_eq!(redirect(v1), pair(acme, ""));

    let vertex = Directions {
        location: "global",
        cloud_project: "acme-models",
        ..Directions::default()
    };
    let vertex = parse(&vertex, ProviderId::Vertex).unwrap().destination;
    let moved = Directions {
        location: "europe-west4",
        ..Directions::default()
    };
    let moved = vertex
        .redirect(&moved, ProviderId::Vertex, &policy)
        .unwrap();
    assert_eq!(moved.destination.location(), "europe-west4");
    assert_eq!(moved.destination.cloud_project(), "acme-models");
}

proptest! {
    #[test]
    fn no_address_makes_azures_parser_panic_or_leaves_a_query(
        path in "(/(openai|v1|deployments|chat|[a-z%.]{0,4})){0,6}",
        query in "(\\?(api-version=[0-9v-]{0,10}|x=y))?",
    ) {
        let url = format!("https://acme.openai.azure.com{path}{query}");
        if let Ok(found) = parse(&to(&url), ProviderId::Azure) {
            prop_assert!(!found.destination.base_url().contains('?'));
            // What was taken apart is not taken apart again, unless it is a gateway's own path.
            prop_assert!(found.destination.base_url().starts_with("https://acme.openai.azure.com"));
        }
    }
}
