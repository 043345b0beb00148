//! The demonstration: stores a key, sends a prompt, prints the results of both.

#![expect(clippy::print_stdout, reason = "this is what the command is for")]

use std::net::SocketAddr;
use std::time::Duration;

use latchkey_boot::exit::Failure;
use latchkey_contract::router::v1::inference_service_client::InferenceServiceClient;
use latchkey_contract::router::v1::usage_service_client::UsageServiceClient;
use latchkey_contract::router::v1::{
    Attempt, GenerateRequest, GenerateResponse, ListAttemptsRequest, Message, Part, Role, part,
};
use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_contract::vault::v1::workspace_service_client::WorkspaceServiceClient;
use latchkey_contract::vault::v1::{
    CreateKeyRequest, CreateWorkspaceRequest, GetKeyRequest, Key, KeyMaterial, key_material,
};
use tonic::{Code, Status};

use super::folder::Folder;
use super::sandbox;
use super::services::{Clients, Running};

const WORKSPACE: &str = "workspaces/demo";
const KEY: &str = "workspaces/demo/keys/sandbox";
const PROMPT: &str = "Hello, Latchkey!";

/// How long the router may take to open its session with the vault.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Stores a key through the vault, sends one prompt through the router, and prints the answer, the
/// masked key and the usage row.
pub(super) async fn run(clients: &Clients, sandbox: SocketAddr) -> Result<(), Failure> {
    let shown = async {
        create_workspace(clients).await?;
        let key = create_key(clients, sandbox).await?;
        print_key(&key);
        let answer = generate(clients).await?;
        print_answer(&answer);
        let mut usage = UsageServiceClient::new(clients.router.clone());
        let request = ListAttemptsRequest {
            parent: WORKSPACE.to_owned(),
            page_size: 1,
            ..Default::default()
        };
        let attempts = usage.list_attempts(request).await?.into_inner().attempts;
        attempts.iter().for_each(print_attempt);
        Ok::<_, Status>(())
    };
    shown.await.map_err(Failure::run)
}

async fn create_workspace(clients: &Clients) -> Result<(), Status> {
    let request = CreateWorkspaceRequest {
        workspace_id: "demo".to_owned(),
        ..Default::default()
    };
    let created = WorkspaceServiceClient::new(clients.vault.clone())
        .create_workspace(request)
        .await;
    match created {
        Err(status) if status.code() != Code::AlreadyExists => Err(status),
        // An earlier run created it.
        _ => Ok(()),
    }
}

/// Stores the sandbox's key, which the router verifies with the sandbox. Waits until the router has
/// opened its session with the vault.
async fn create_key(clients: &Clients, sandbox: SocketAddr) -> Result<Key, Status> {
    let mut keys = KeyServiceClient::new(clients.vault.clone());
    let request = CreateKeyRequest {
        parent: WORKSPACE.to_owned(),
        key_id: "sandbox".to_owned(),
        key: Some(Key {
            provider: "custom".to_owned(),
            display_name: "The sandbox's key".to_owned(),
            base_url: format!("http://{sandbox}/v1"),
            default_model: sandbox::MODEL.to_owned(),
            ..Default::default()
        }),
        material: Some(KeyMaterial {
            kind: Some(key_material::Kind::ApiKey(sandbox::KEY.to_owned())),
        }),
        ..Default::default()
    };
    let created = tokio::time::timeout(START_TIMEOUT, async {
        loop {
            match keys.create_key(request.clone()).await {
                Err(status) if status.code() == Code::Unavailable => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                answered => return answered,
            }
        }
    });
    match created
        .await
        .map_err(|_| Status::unavailable("the router opened no session with the vault in time"))?
    {
        Err(status) if status.code() == Code::AlreadyExists => {
            let request = GetKeyRequest {
                name: KEY.to_owned(),
            };
            Ok(keys.get_key(request).await?.into_inner())
        }
        answered => Ok(answered?.into_inner()),
    }
}

async fn generate(clients: &Clients) -> Result<GenerateResponse, Status> {
    let text = Part {
        content: Some(part::Content::Text(PROMPT.to_owned())),
        ..Default::default()
    };
    let request = GenerateRequest {
        parent: WORKSPACE.to_owned(),
        key: "sandbox".to_owned(),
        messages: vec![Message {
            role: Role::User.into(),
            parts: vec![text],
        }],
        ..Default::default()
    };
    let mut inference = InferenceServiceClient::new(clients.router.clone());
    Ok(inference.generate(request).await?.into_inner())
}

fn print_key(key: &Key) {
    println!("Stored a key, sealed:");
    println!("  name      {}", key.name);
    println!("  provider  {}", key.provider);
    println!("  material  …{}", key.material_tail);
    println!("  state     {}", key.state().as_str_name());
    let grade = key
        .verification
        .as_ref()
        .map(latchkey_contract::vault::v1::Verification::grade);
    println!("  verified  {}", grade.unwrap_or_default().as_str_name());
}

fn print_answer(answer: &GenerateResponse) {
    let parts = answer.message.iter().flat_map(|message| &message.parts);
    println!("Sent a prompt: {PROMPT}");
    for part in parts {
        if let Some(part::Content::Text(text)) = &part.content {
            println!("  answer    {text}");
        }
    }
}

fn print_attempt(attempt: &Attempt) {
    let usage = attempt.usage.unwrap_or_default();
    println!("Recorded an attempt:");
    println!("  attempt   {}", attempt.name);
    println!(
        "  key       {} …{}",
        attempt.key_version, attempt.material_tail
    );
    println!("  payer     {}", attempt.payer().as_str_name());
    println!("  state     {}", attempt.state().as_str_name());
    println!(
        "  tokens    {} in, {} out",
        usage.input_tokens, usage.output_tokens
    );
    match attempt.cost_nanos {
        Some(nanos) => println!("  cost      {nanos} billionths of a US dollar"),
        None => println!(
            "  cost      unknown: the catalogue has no price for {}",
            attempt.model
        ),
    }
}

/// Prints the commands that do the same with a real key.
pub(super) fn print_commands(running: &Running, folder: &Folder) {
    let (vault, router) = (running.vault, running.router);
    let token = folder.file("admin.token");
    println!(
        "
Serving: the vault on {vault}, the router on {router}. Ctrl-C drains.
Do the same with a real key:

  export LATCHKEY_TOKEN=$(cat {token})
  alias call='grpcurl -plaintext -expand-headers -H \"authorization: Bearer ${{LATCHKEY_TOKEN}}\"'
  call {vault} list
  call -d @ {vault} latchkey.vault.v1.KeyService/CreateKey <<JSON
  {{\"parent\": \"{WORKSPACE}\", \"key_id\": \"openai\", \"key\": {{\"provider\": \"openai\"}},
   \"material\": {{\"api_key\": \"$OPENAI_API_KEY\"}}}}
  JSON
  call -d '{{\"parent\": \"{WORKSPACE}\"}}' {vault} latchkey.vault.v1.KeyService/ListKeys
  call -d '{{\"parent\": \"{WORKSPACE}\", \"key\": \"openai\", \"model\": \"gpt-5.4-mini\",
   \"messages\": [{{\"role\": \"ROLE_USER\", \"parts\": [{{\"text\": \"Hello!\"}}]}}]}}' \\
   {router} latchkey.router.v1.InferenceService/Generate
  call -d '{{\"parent\": \"{WORKSPACE}\"}}' {router} latchkey.router.v1.UsageService/ListAttempts
",
        token = token.display(),
    );
}
