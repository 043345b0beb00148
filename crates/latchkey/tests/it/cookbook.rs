//! Runs `docs/admin.md` and `docs/product-parity.md`, command by command: with grpcurl where it is
//! installed, else with the reflection client of these tests.

use std::process::Command;

use crate::command_line::CommandLine;
use crate::process::{Dev, root};
use crate::reflection_client::{self, Action};

/// One command of the cookbook.
struct Step {
    command: String,
    /// What the refusal contains, where the command must be refused.
    refusal: Option<String>,
}

/// What runs the commands.
#[derive(Clone, Copy, Debug)]
enum Client {
    Grpcurl,
    Reflection,
}

impl Client {
    /// grpcurl where it is installed.
    fn preferred() -> Self {
        match Command::new("grpcurl").arg("-version").output() {
            Ok(_) => Self::Grpcurl,
            Err(_) => Self::Reflection,
        }
    }
}

/// A running `latchkey dev`, and the addresses of its services.
struct Server {
    dev: Dev,
    vault: String,
    router: String,
    client: Client,
}

#[test]
fn the_commands_of_the_cookbook_work() {
    run_document("docs/admin.md");
}

#[test]
fn the_commands_of_the_product_parity_page_work() {
    run_document("docs/product-parity.md");
}

fn run_document(document: &str) {
    let text = std::fs::read_to_string(root().join(document)).expect("the page is committed");
    let server = Server::start(Client::preferred());
    let sandbox = server.sandbox_address();
    let steps = steps(&text);
    assert!(steps.len() > 20, "the page has its commands");
    for step in steps {
        let command = step.command.replace("127.0.0.1:7702", &sandbox);
        let (succeeded, output) = server.run(&command);
        match &step.refusal {
            None => assert!(succeeded, "{command}\n{output}"),
            Some(reason) => {
                assert!(!succeeded, "{command}\n{output}");
                assert!(output.contains(reason.as_str()), "{command}\n{output}");
            }
        }
        let leaked = output.contains("sandbox-key-that-opens-nothing");
        assert!(!leaked, "a key is in an answer: {command}\n{output}");
    }
    let (status, _) = server.dev.terminate();
    assert!(status.success());
}

#[test]
fn reflection_shows_services_answers_and_error_details() {
    shows_answers_and_error_details(Client::Reflection);
    if let client @ Client::Grpcurl = Client::preferred() {
        shows_answers_and_error_details(client);
    }
}

fn shows_answers_and_error_details(client: Client) {
    let server = Server::start(client);
    let call = |command: &str| server.run(command);
    let listed = [call("call $VAULT list"), call("call $ROUTER list")];
    let services = listed.map(|(_, output)| output).concat();
    for service in [
        "latchkey.vault.v1.KeyService",
        "latchkey.vault.v1.WorkspaceService",
        "latchkey.router.v1.InferenceService",
        "latchkey.router.v1.UsageService",
        "grpc.health.v1.Health",
    ] {
        assert!(services.contains(service), "{services}");
    }
    let (_, described) = call("call $VAULT describe latchkey.vault.v1.KeyService.DisableKey");
    assert!(
        described.contains("// Caller: owner of the workspace"),
        "{described}"
    );
    let list =
        r#"call -d '{"parent": "workspaces/demo"}' $VAULT latchkey.vault.v1.KeyService/ListKeys"#;
    let (_, listed) = call(list);
    assert!(listed.contains(r#""materialTail": "hing""#), "{listed}");

    let generate = r#"call -d '{"parent": "workspaces/demo", "key": "sandbox", "messages": [{"role": "ROLE_USER", "parts": [{"text": "grpcurl"}]}]}' $ROUTER latchkey.router.v1.InferenceService/Generate"#;
    let (_, answer) = call(generate);
    assert!(answer.contains("You said: grpcurl"), "{answer}");
    let stream = generate
        .replace("-d '{", r#"-d '{"request": {"#)
        .replace("}]}]}'", "}]}]}}'")
        .replace("/Generate", "/StreamGenerate");
    let (_, pieces) = call(&stream);
    assert!(
        pieces.contains(r#""delta""#) && pieces.contains(r#""completed""#),
        "{pieces}"
    );
    let list = r#"call -d '{"parent": "workspaces/demo"}' $ROUTER latchkey.router.v1.UsageService/ListAttempts"#;
    let (_, attempts) = call(list);
    assert_eq!(attempts.matches("STATE_SUCCEEDED").count(), 3, "{attempts}");

    let disable = r#"call -d '{"name": "workspaces/demo/keys/sandbox"}' $VAULT latchkey.vault.v1.KeyService/DisableKey"#;
    let (_, disabled) = call(disable);
    assert!(
        disabled.contains(r#""acknowledgedRouterCount": "1""#),
        "{disabled}"
    );
    let (succeeded, refused) = call(generate);
    assert!(!succeeded);
    // The details are printed in clear, since reflection describes them.
    for part in [
        "FailedPrecondition",
        r#""reason": "KEY_UNUSABLE""#,
        "KEY_DISABLED",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
}

impl Server {
    fn start(client: Client) -> Self {
        let dev = Dev::start();
        let (vault, router) = dev.addresses();
        Self {
            dev,
            vault,
            router,
            client,
        }
    }

    /// Runs a `call` command. Returns whether it succeeded, and its output.
    fn run(&self, command: &str) -> (bool, String) {
        match self.client {
            Client::Grpcurl => self.run_in_shell(command),
            Client::Reflection => self.run_by_reflection(command),
        }
    }

    /// Runs a command of the shell, with `call` as the cookbook defines it.
    fn run_in_shell(&self, command: &str) -> (bool, String) {
        let call = "call() { grpcurl -plaintext -expand-headers \
                    -H 'authorization: Bearer ${LATCHKEY_TOKEN}' \"$@\"; }";
        let output = Command::new("bash")
            .arg("-c")
            .arg(format!("{call}\n{command}"))
            .current_dir(root())
            .env("LATCHKEY_TOKEN", self.dev.token())
            .env("VAULT", &self.vault)
            .env("ROUTER", &self.router)
            .output()
            .expect("bash is installed");
        let text = String::from_utf8([output.stdout, output.stderr].concat());
        let text = text.expect("grpcurl prints UTF-8");
        (output.status.success(), text)
    }

    fn run_by_reflection(&self, command: &str) -> (bool, String) {
        let parsed = CommandLine::parse(command, |name| match name {
            "$VAULT" => self.vault.clone(),
            "$ROUTER" => self.router.clone(),
            other => panic!("the cookbook has no variable {other}"),
        });
        let words: Vec<_> = parsed.words.iter().map(String::as_str).collect();
        let (address, action) = match words[..] {
            [address, "list"] => (address, Action::List),
            [address, "describe", symbol] => (address, Action::Describe(symbol)),
            [address, method] => (
                address,
                Action::Call {
                    method,
                    json: &parsed.data,
                },
            ),
            _ => panic!("not a command of the cookbook: {command}"),
        };
        match reflection_client::run(address, &self.dev.token(), &action) {
            Ok(output) => (true, output),
            Err(error) => (false, error),
        }
    }

    /// The address of the sandbox, which is the `base_url` of the stored key.
    fn sandbox_address(&self) -> String {
        let get = r#"call -d '{"name": "workspaces/demo/keys/sandbox"}' $VAULT latchkey.vault.v1.KeyService/GetKey"#;
        let (_, key) = self.run(get);
        let url = key
            .split('"')
            .find(|text| text.starts_with("http://"))
            .expect("the key has an address");
        url.trim_start_matches("http://")
            .trim_end_matches("/v1")
            .to_owned()
    }
}

/// The `call` commands of the page's blocks, here-documents included.
fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let blocks = text
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    for block in blocks {
        let mut lines = block.lines();
        while let Some(line) = lines.next() {
            if !line.starts_with("call ") {
                continue;
            }
            let refusal = line
                .split_once("# refused: ")
                .map(|(_, reason)| reason.to_owned());
            let mut command = line.to_owned();
            if line.contains("<<'JSON'") {
                for body in lines.by_ref() {
                    command.push('\n');
                    command.push_str(body);
                    if body == "JSON" {
                        break;
                    }
                }
            }
            steps.push(Step { command, refusal });
        }
    }
    steps
}
