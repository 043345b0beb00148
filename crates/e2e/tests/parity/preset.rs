//! The presets of `examples/`, parsed as grpcurl parses them.

use std::path::PathBuf;

use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_contract::router::v1::Payer;
use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{CreateWorkspaceRequest, GetWorkspaceRequest, ProviderAccess};
use latchkey_migrations::testing::Backend;
use prost_reflect::{DescriptorPool, DynamicMessage};

use crate::on_both_databases;
use crate::scene::{OWN, PLATFORM, Scene};

on_both_databases!(each_preset_charges_the_payer_that_its_product_charges);

/// The request in `examples/{system}.json`.
pub(crate) fn preset(system: &str) -> CreateWorkspaceRequest {
    let file = root().join("examples").join(format!("{system}.json"));
    let text = std::fs::read_to_string(&file).unwrap();
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let request = pool.get_message_by_name("latchkey.vault.v1.CreateWorkspaceRequest");
    let mut json = serde_json::Deserializer::from_str(&text);
    let read = DynamicMessage::deserialize(request.unwrap(), &mut json);
    let read = read.unwrap_or_else(|problem| panic!("{}: {problem}", file.display()));
    json.end().unwrap();
    read.transcode_to().unwrap()
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The payer of a request that names no key, or `None` where the request is refused.
#[derive(Debug, PartialEq)]
struct Pays {
    without_an_own_key: Option<Payer>,
    with_one: Option<Payer>,
    switched_off: Option<Payer>,
    failed: Option<Payer>,
}

async fn each_preset_charges_the_payer_that_its_product_charges(backend: Backend) {
    let usual = || Pays {
        without_an_own_key: Some(Payer::Platform),
        with_one: Some(Payer::OwnKey),
        switched_off: Some(Payer::Platform),
        failed: None,
    };
    let never_the_platform = Pays {
        without_an_own_key: None,
        with_one: Some(Payer::OwnKey),
        switched_off: None,
        failed: None,
    };
    let own_keys_by_name_alone = Pays {
        without_an_own_key: Some(Payer::Platform),
        with_one: Some(Payer::Platform),
        switched_off: Some(Payer::Platform),
        failed: Some(Payer::Platform),
    };
    for (system, expected) in [
        ("neotask", usual()),
        ("geekflare", never_the_platform),
        ("anchor", own_keys_by_name_alone),
        ("aikeedo", usual()),
        ("qodex", usual()),
    ] {
        let mut scene = Scene::of(system, backend).await;
        let request = GetWorkspaceRequest {
            name: scene.workspace.clone(),
        };
        let stored = scene.admin.workspaces.get_workspace(request).await;
        let written = preset(system).workspace.unwrap().funding;
        assert_eq!(stored.unwrap().into_inner().funding, written, "{system}");

        scene.platform_key("shared", "openai", PLATFORM).await;
        let without_an_own_key = payer(&mut scene).await;
        scene.own_key("mine", "openai", OWN).await;
        let with_one = payer(&mut scene).await;
        scene.allow("openai", own_keys(Switch::Off)).await;
        let switched_off = payer(&mut scene).await;
        scene.allow("openai", own_keys(Switch::On)).await;
        scene.deployment.provider.revoke(OWN);
        let pays = Pays {
            without_an_own_key,
            with_one,
            switched_off,
            failed: payer(&mut scene).await,
        };
        assert_eq!(pays, expected, "{system}");
        scene.end().await;
    }
}

fn own_keys(switch: Switch) -> ProviderAccess {
    ProviderAccess {
        own_keys: switch.into(),
        ..Default::default()
    }
}

async fn payer(scene: &mut Scene) -> Option<Payer> {
    let asked = scene.admin.inference.generate(scene.prompt()).await;
    let mut attempts = asked.ok()?.into_inner().attempts;
    Some(attempts.pop()?.payer())
}
