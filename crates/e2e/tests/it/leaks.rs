//! Searches logs, errors and files for planted keys.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use latchkey_contract::router::v1::StreamGenerateRequest;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, DeleteKeyRequest, DisableKeyRequest, Key, KeyMaterial, ListKeysRequest,
    VerifyKeyRequest, key_material,
};
use latchkey_e2e::{Deployment, custom_key, prompt};
use latchkey_migrations::testing::Backend;
use tracing_subscriber::fmt::MakeWriter;

/// Long, random-looking keys, none of whose parts occurs by accident.
const PLANTED: [&str; 3] = [
    "sk-Qm7planted1Zr9Xk2Wv8",
    "sk-Jt4planted2revokedHn6Yb3Dc",
    "sk-Pf5planted3Lg1Su0Ea7",
];

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_key_reaches_only_its_provider() {
    let logs = Captured::default();
    // Everything that any crate in the process logs, spans with their fields included.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(logs.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("this process has no other");

    let deployment = Deployment::start(Backend::Sqlite).await;
    let errors = push_through_everything(&deployment).await;
    let prompts = deployment.provider.prompts();
    assert!(
        prompts.iter().any(|sent| sent.api_key() == PLANTED[0]),
        "the key was really used"
    );

    let (database, router_database, folder) = deployment.stop().await;
    let logs = logs.0.lock().unwrap().clone();
    assert!(logs.len() > 10_000, "the log was captured");
    is_clean("the log at trace level", &logs);
    is_clean("an error", errors.join("\n").as_bytes());
    for folder in [database.folder, router_database.folder, Some(folder)]
        .into_iter()
        .flatten()
    {
        files_are_clean(folder.path());
    }
}

/// Each method that takes or uses a key, in success and in failure.
async fn push_through_everything(deployment: &Deployment) -> Vec<String> {
    let mut admin = deployment.clients("admin");
    let mut errors = Vec::new();
    let acme = "workspaces/acme";
    admin.workspace("acme").await;
    let key = || Key {
        provider: "openai".to_owned(),
        ..Default::default()
    };
    admin
        .keys
        .create_key(custom_key(acme, "main", key(), PLANTED[0]))
        .await
        .unwrap();
    for (parent, id, api_key) in [
        // Rejected by the provider, which quotes it.
        (acme, "rejected", PLANTED[1]),
        // A duplicate, a bad name, an unknown workspace.
        (acme, "copy", PLANTED[0]),
        (acme, "Bad Name", PLANTED[2]),
        ("workspaces/missing", "main", PLANTED[2]),
    ] {
        let created = admin
            .keys
            .create_key(custom_key(parent, id, key(), api_key))
            .await;
        errors.push(format!("{:?}", created.unwrap_err()));
    }
    // Malformed in ways whose errors might quote the value.
    for broken in [
        format!("Bearer {}", PLANTED[2]),
        format!("\"{}\"", PLANTED[2]),
    ] {
        let created = admin
            .keys
            .create_key(custom_key(acme, "broken", key(), &broken))
            .await;
        errors.push(format!("{:?}", created.unwrap_err()));
    }
    let mut stored = custom_key(acme, "bad", key(), PLANTED[1]);
    stored.skip_verification = true;
    admin.keys.create_key(stored).await.unwrap();

    for model in ["gpt-4.1", "status-429", "status-500", "garbage", "cut"] {
        for key in ["main", "bad"] {
            let mut request = prompt(acme, model, "hello");
            request.key = key.to_owned();
            errors.extend(
                admin
                    .ask(request.clone())
                    .await
                    .err()
                    .map(|error| format!("{error:?}")),
            );
            let request = StreamGenerateRequest {
                request: Some(request),
            };
            match admin.inference.stream_generate(request).await {
                Err(error) => errors.push(format!("{error:?}")),
                Ok(stream) => {
                    let mut stream = stream.into_inner();
                    while let Ok(Some(_)) = stream.message().await {}
                }
            }
        }
    }
    let name = "workspaces/acme/keys/main".to_owned();
    admin
        .keys
        .verify_key(VerifyKeyRequest { name: name.clone() })
        .await
        .unwrap();
    let material = key_material::Kind::ApiKey(PLANTED[2].to_owned());
    let request = AddKeyVersionRequest {
        name: name.clone(),
        material: Some(KeyMaterial {
            kind: Some(material),
        }),
        ..Default::default()
    };
    admin.keys.add_key_version(request).await.unwrap();
    let request = DisableKeyRequest {
        name: name.clone(),
        ..Default::default()
    };
    admin.keys.disable_key(request).await.unwrap();
    let request = ListKeysRequest {
        parent: acme.to_owned(),
        ..Default::default()
    };
    errors.push(format!(
        "{:?}",
        admin.keys.list_keys(request).await.unwrap()
    ));
    errors.push(format!("{:?}", admin.audit_events(acme).await));
    errors.push(format!("{:?}", admin.attempts(acme).await));
    let request = DeleteKeyRequest {
        name,
        ..Default::default()
    };
    admin.keys.delete_key(request).await.unwrap();
    errors
}

fn files_are_clean(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_are_clean(&path);
        } else {
            is_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

/// Panics if the bytes hold a planted key or half of one, in clear or in base64.
fn is_clean(place: &str, bytes: &[u8]) {
    for planted in PLANTED {
        let body = planted.strip_prefix("sk-").unwrap();
        let encoded = data_encoding::BASE64.encode(planted.as_bytes());
        for trace in [
            planted,
            &body[..10],
            &body[body.len() - 10..],
            &encoded[..20],
        ] {
            let found = bytes
                .windows(trace.len())
                .any(|window| window == trace.as_bytes());
            assert!(!found, "{place} holds a trace of {planted}");
        }
    }
}
