//! Material is in no file and no table of the database, in no form that could be read.

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use latchkey_contract::vault::v1::{AddKeyVersionRequest, CreateKeyRequest};

use super::tables::Tables;
use crate::harness::{OWNER, Router, Vault, api_key, create_key, material, resolve};
use crate::on_both_databases;

on_both_databases!(planted_material_is_nowhere_in_the_database);

const PLANTED: [&str; 3] = [
    "sk-planted-0f3c9b1d7a5e48c2b6d4e8f0a1c3b5d7-first",
    "sk-planted-7d5b3c1a0f8e4d6b2c84e5a7d1b9c3f0-again",
    "sk-planted-aa77c1e5f0b34d2896e1d3c5b7a9f0e2-wrong",
];

/// What a whole key, or enough of it, looks like in each encoding that a database may use.
fn traces() -> Vec<Vec<u8>> {
    let mut traces = Vec::new();
    for planted in PLANTED {
        let inner = &planted.as_bytes()["sk-planted-".len()..];
        for part in inner.chunks_exact(12) {
            let texts = [
                HEXLOWER.encode(part),
                HEXUPPER.encode(part),
                BASE64.encode(part),
            ];
            traces.push(part.to_vec());
            traces.extend(texts.map(String::into_bytes));
        }
    }
    traces
}

fn search(place: &str, bytes: &[u8]) {
    for trace in traces() {
        let found = bytes.windows(trace.len()).any(|window| window == trace);
        assert!(!found, "{place} holds {}", String::from_utf8_lossy(&trace));
    }
}

async fn planted_material_is_nowhere_in_the_database(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::attend(&vault).await;
    let request_id = "2b1c3d4e-5f60-4718-8293-a4b5c6d7e8f9".to_owned();
    let create = CreateKeyRequest {
        material: material(PLANTED[0]),
        skip_verification: false,
        request_id: request_id.clone(),
        ..create_key("workspaces/acme", "main")
    };
    vault.store_key(create).await;
    assert_eq!(
        api_key(
            router
                .borrows(resolve("workspaces/acme"))
                .await
                .material
                .as_ref()
        ),
        PLANTED[0]
    );
    let mut client = vault.keys(OWNER);
    let add = AddKeyVersionRequest {
        name: "workspaces/acme/keys/main".to_owned(),
        material: material(PLANTED[1]),
        request_id: request_id.replace('2', "3"),
        ..AddKeyVersionRequest::default()
    };
    client.add_key_version(add).await.unwrap();
    // Refused material leaves no trace either.
    let refused = CreateKeyRequest {
        material: material(PLANTED[2]),
        ..create_key("workspaces/acme", "main")
    };
    client.create_key(refused).await.unwrap_err();

    let Some(folder) = &vault.database.folder else {
        return search(
            "the dump",
            Tables::open(&vault).await.dump().await.as_bytes(),
        );
    };
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // What is stored is there: the search looks in the right place.
        files += usize::from(bytes.windows(8).any(|window| window == b"CreateKe"));
        search(&path.display().to_string(), &bytes);
    }
    assert!(files > 0);
}
