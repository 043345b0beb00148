//! `docs/admin.md` and `docs/product-parity.md`, run command by command with the real grpcurl.

use std::process::Command;

use crate::process::{Dev, root};

/// One command of the cookbook.
struct Step {
    command: String,
    refusal: Option<String>,
}

#[test]
fn the_cookbook_does_what_it_says() {
    does_what_it_says("docs/admin.md");
}

#[test]
fn the_five_systems_are_shown_as_their_page_says() {
    does_what_it_says("docs/product-parity.md");
}

fn does_what_it_says(document: &str) {
    let text = std::fs::read_to_string(root().join(document)).expect("it is committed");
    let dev = Dev::start();
    let (vault, router) = dev.addresses();
    let sandbox = sandbox_address(&dev, &vault);
    let steps = steps(&text);
    assert!(steps.len() > 20, "the cookbook has its commands");
    for step in steps {
        let command = step.command.replace("127.0.0.1:7702", &sandbox);
        let (succeeded, output) = run(&dev, &vault, &router, &command);
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
    let (status, _) = dev.terminate();
    assert!(status.success());
}

#[test]
fn what_grpcurl_shows_is_what_was_done() {
    let dev = Dev::start();
    let (vault, router) = dev.addresses();
    let call = |command: &str| run(&dev, &vault, &router, command);
    let (_, services) = call("call $VAULT list; call $ROUTER list");
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
    // grpcurl prints the details in clear, since reflection describes them.
    for words in [
        "FailedPrecondition",
        r#""reason": "KEY_UNUSABLE""#,
        "KEY_DISABLED",
    ] {
        assert!(refused.contains(words), "{refused}");
    }
}

/// Runs a command of the shell, with `call` as the cookbook defines it.
fn run(dev: &Dev, vault: &str, router: &str, command: &str) -> (bool, String) {
    let call = "call() { grpcurl -plaintext -expand-headers \
                -H 'authorization: Bearer ${LATCHKEY_TOKEN}' \"$@\"; }";
    let output = Command::new("bash")
        .arg("-c")
        .arg(format!("{call}\n{command}"))
        .current_dir(root())
        .env("LATCHKEY_TOKEN", dev.token())
        .env("VAULT", vault)
        .env("ROUTER", router)
        .output()
        .expect("bash is there");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("grpcurl prints UTF-8");
    assert!(
        !text.contains("command not found"),
        "grpcurl is missing: run the tests by .ci/test"
    );
    (output.status.success(), text)
}

/// Where the sandbox is: the stored key tells.
fn sandbox_address(dev: &Dev, vault: &str) -> String {
    let get = r#"call -d '{"name": "workspaces/demo/keys/sandbox"}' $VAULT latchkey.vault.v1.KeyService/GetKey"#;
    let (_, key) = run(dev, vault, "", get);
    let url = key
        .split('"')
        .find(|text| text.starts_with("http://"))
        .expect("the key has one");
    url.trim_start_matches("http://")
        .trim_end_matches("/v1")
        .to_owned()
}

/// The `call` commands of the cookbook's blocks, here-documents included.
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
