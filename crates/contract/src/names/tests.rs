use super::*;

fn prints_as_the_same_text<T: FromStr + fmt::Display>(text: &str) -> bool {
    text.parse::<T>().is_ok_and(|name| name.to_string() == text)
}

#[test]
fn a_parsed_name_prints_as_the_same_text() {
    assert!(prints_as_the_same_text::<WorkspaceName>("workspaces/acme"));
    assert!(prints_as_the_same_text::<ProjectName>(
        "workspaces/acme/projects/web"
    ));
    assert!(prints_as_the_same_text::<Scope>("workspaces/acme"));
    assert!(prints_as_the_same_text::<Scope>(
        "workspaces/acme/projects/web"
    ));
    assert!(prints_as_the_same_text::<KeyParent>("platform"));
    assert!(prints_as_the_same_text::<KeyName>("platform/keys/openai"));
    assert!(prints_as_the_same_text::<KeyName>(
        "workspaces/acme/projects/web/keys/k-1"
    ));
    assert!(prints_as_the_same_text::<KeyVersionName>(
        "workspaces/acme/keys/k/versions/12"
    ));
    assert!(prints_as_the_same_text::<ModelName>(
        "providers/openrouter/models/author/slug:free"
    ));
    assert!(prints_as_the_same_text::<MemberName>(
        "workspaces/acme/members/ann"
    ));
    assert!(prints_as_the_same_text::<ProviderName>("providers/openai"));
    assert!(prints_as_the_same_text::<ProviderOverrideName>(
        "workspaces/acme/providers/openai"
    ));
    assert!(prints_as_the_same_text::<SessionName>(
        "workspaces/acme/sessions/s-1"
    ));
    assert!(prints_as_the_same_text::<DataKeyName>(
        "workspaces/acme/dataKeys/01939a40-0000-7000-8000-0123456789ab"
    ));
    assert!(prints_as_the_same_text::<RevisionScope>("platform"));
    assert!(prints_as_the_same_text::<RevisionScope>("workspaces/acme"));
}

#[test]
fn malformed_names_are_refused() {
    for text in [
        "",
        "workspaces/",
        "workspaces/Acme",
        "workspaces/1acme",
        "workspaces/acme-",
        "workspaces/acme/",
        "workspaces/ac me",
        "workspaces/ä",
        "/workspaces/acme",
        "workspaces/acme/keys/k",
        "workspace/acme",
    ] {
        assert!(text.parse::<WorkspaceName>().is_err(), "{text}");
    }
    let long = format!("workspaces/{}", "a".repeat(64));
    assert!(long.parse::<WorkspaceName>().is_err());
    assert!(long[..long.len() - 1].parse::<WorkspaceName>().is_ok());
}

#[test]
fn a_model_name_may_contain_slashes() {
    let name: ModelName = "providers/vertex/models/a/models/b@1".parse().unwrap();
    assert_eq!(name.provider.as_str(), "vertex");
    assert_eq!(name.model(), "a/models/b@1");
    for text in [
        "",
        "providers/openai",
        "providers/openai/models",
        "providers/openai/models/",
        "providers//models/m",
        "providers/a/b/models/m",
        "providers/OpenAI/models/m",
        "models/m",
        "providers/openai/models/a\nb",
    ] {
        assert!(text.parse::<ModelName>().is_err(), "{text}");
    }
    let longest = format!("providers/openai/models/{}", "m".repeat(256));
    assert!(longest.parse::<ModelName>().is_ok());
    assert!(format!("{longest}m").parse::<ModelName>().is_err());
}

#[test]
fn a_version_number_has_no_zero_sign_or_space_in_front() {
    for version in ["0", "01", "+1", "-1", "", "1 ", "99999999999999999999"] {
        let text = format!("platform/keys/k/versions/{version}");
        assert!(text.parse::<KeyVersionName>().is_err(), "{text}");
    }
}

#[test]
fn an_error_names_the_expected_form() {
    let error = "acme".parse::<Scope>().expect_err("no prefix");
    assert_eq!(
        error.to_string(),
        "must have the form workspaces/{workspace} or workspaces/{workspace}/projects/{project}"
    );
}

#[test]
fn session_data_key_and_provider_names_have_one_form() {
    for text in [
        "workspaces/acme/sessions/",
        "workspaces/acme/sessions/a/turns/1",
        "workspaces/acme/projects/web/sessions/a",
        "sessions/a",
    ] {
        assert!(text.parse::<SessionName>().is_err(), "{text}");
    }
    for id in [
        "01939A40-0000-7000-8000-0123456789AB",
        "01939a40000070008000-0123456789ab000",
        "01939a40",
    ] {
        let text = format!("workspaces/acme/dataKeys/{id}");
        assert!(text.parse::<DataKeyName>().is_err(), "{text}");
    }
    assert!("providers/openai/models/x".parse::<ProviderName>().is_err());
}
