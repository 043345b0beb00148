//! `latchkey platform-keys import`, against a deployment that is not `latchkey dev`.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use latchkey_contract::router::v1::Payer;
use latchkey_contract::vault::v1::{Key, ListKeysRequest};
use latchkey_e2e::{Clients, Deployment, prompt};
use latchkey_migrations::testing::Backend;
use tempfile::TempDir;

const ACME: &str = "workspaces/acme";
const KEYS: [(&str, &str); 3] = [
    ("OPENAI_API_KEY", "sk-not-a-real-platform-key-1aaaa"),
    ("OPENAI_API_KEY_2", "sk-not-a-real-platform-key-2bbbb"),
    ("OPENAI_API_KEY_9", "sk-not-a-real-platform-key-9cccc"),
];
/// Calls after which each of three keys of equal weight has been used, but for one run in 10^35.
const DRAWS: usize = 200;

/// Runs the command with this environment alone. Returns its exit code and its output.
fn import(vault: &str, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    let token_file = folder.path().join("operator.token");
    std::fs::write(&token_file, "admin-token").unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_latchkey"))
        .args(["platform-keys", "import", "--wait", "0", "--vault", vault])
        .arg("--token-file")
        .arg(&token_file)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8([stdout, stderr].concat()).unwrap();
    for (variable, material) in variables {
        let is_shown = variable.contains("API_KEY") && printed.contains(material);
        assert!(!is_shown, "{variable} is printed: {printed}");
    }
    (status.code(), printed)
}

async fn import_into(
    deployment: &Deployment,
    variables: &'static [(&'static str, &'static str)],
) -> (Option<i32>, String) {
    let vault = format!("http://{}", deployment.vault);
    tokio::task::spawn_blocking(move || import(&vault, variables))
        .await
        .unwrap()
}

async fn platform_keys(admin: &mut Clients) -> Vec<Key> {
    let request = ListKeysRequest {
        parent: "platform".to_owned(),
        ..Default::default()
    };
    let listed = admin.keys.list_keys(request).await.unwrap();
    listed.into_inner().keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_keys_of_a_provider_are_pooled_by_equal_weight() {
    let deployment = Deployment::start(Backend::Sqlite).await;
    let mut admin = deployment.clients("admin");
    let (code, printed) = import_into(&deployment, &KEYS).await;
    assert_eq!(code, Some(0), "{printed}");
    let line = "OPENAI_API_KEY_2 is platform/keys/openai-2 …bbbb";
    assert!(printed.contains(line), "{printed}");
    let keys = platform_keys(&mut admin).await;
    let stored = keys
        .iter()
        .map(|key| (key.name.as_str(), key.priority, key.weight))
        .collect::<Vec<_>>();
    let expected = [
        ("platform/keys/openai", 0, 0),
        ("platform/keys/openai-2", 0, 0),
        ("platform/keys/openai-9", 0, 0),
    ];
    assert_eq!(stored, expected);

    admin.workspace("acme").await;
    let mut used = BTreeSet::new();
    for draw in 0..DRAWS {
        // Another model each time, so that each call chooses a key anew.
        let model = format!("gpt-4.1-{draw}");
        admin.ask(prompt(ACME, &model, "hello")).await.unwrap();
        let attempt = admin.attempts(ACME).await.remove(0);
        assert_eq!(attempt.payer(), Payer::Platform);
        used.insert(attempt.material_tail);
        if used.len() == KEYS.len() {
            break;
        }
    }
    assert_eq!(used.len(), KEYS.len(), "{used:?}");
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_import_updates_only_changed_keys() {
    const CHANGED: [(&str, &str); 2] = [
        KEYS[0],
        ("OPENAI_API_KEY_2", "sk-not-a-real-platform-key-2dddd"),
    ];
    let deployment = Deployment::start(Backend::Sqlite).await;
    let mut admin = deployment.clients("admin");
    import_into(&deployment, &KEYS).await;
    let before = platform_keys(&mut admin).await;
    let (code, printed) = import_into(&deployment, &CHANGED).await;
    assert_eq!(code, Some(0), "{printed}");
    let after = platform_keys(&mut admin).await;
    assert_eq!(after[0], before[0]);
    assert_eq!(after[1].material_tail, "dddd");
    assert_eq!(
        after[1].current_version,
        "platform/keys/openai-2/versions/2"
    );
    // Unsetting a variable deletes no key.
    assert_eq!(after[2], before[2]);
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_key_is_reported_with_the_providers_message() {
    let deployment = Deployment::start(Backend::Sqlite).await;
    let mut admin = deployment.clients("admin");
    let (code, printed) = import_into(
        &deployment,
        &[
            ("OPENAI_API_KEY", "sk-not-a-real-revoked-key-1eeee"),
            ("OPENAI_API_KEY_2", "sk-not-a-real-platform-key-2bbbb"),
            ("AZURE_OPENAI_API_KEY", "not-a-real-key-of-azure"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/account.json"),
        ],
    )
    .await;
    assert_eq!(code, Some(1), "{printed}");
    for words in [
        "OPENAI_API_KEY is not used: ",
        "Incorrect API key provided",
        "AZURE_OPENAI_API_KEY is not used: AZURE_OPENAI_ENDPOINT is not set",
        "GOOGLE_APPLICATION_CREDENTIALS is not used: its file cannot be read",
        "3 of 4 keys",
    ] {
        assert!(printed.contains(words), "{words} is not in {printed}");
    }
    let [stored] = &platform_keys(&mut admin).await[..] else {
        panic!("one of them is good")
    };
    assert_eq!(stored.name, "platform/keys/openai-2");
    deployment.stop().await;
}

#[test]
fn without_a_key_in_the_environment_the_import_succeeds() {
    let (code, printed) = import("http://127.0.0.1:1", &[]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("holds no key"), "{printed}");
}

#[test]
fn an_unreachable_vault_is_a_failure_and_a_malformed_address_a_configuration_error() {
    let (code, printed) = import("http://127.0.0.1:1", &KEYS);
    assert_eq!(code, Some(1), "{printed}");
    let (code, printed) = import("vault", &KEYS);
    assert_eq!(code, Some(64), "{printed}");
    assert!(printed.contains("--vault"), "{printed}");
}
