//! Material is in no file and no table of the database, in no form that could be read.

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, CreateDataKeyRequest, CreateKeyRequest, LeaseDataKeyRequest,
    ResolveRequest,
};

use super::tables::Tables;
use crate::harness::{
    OWNER, ROUTER, Router, Vault, api_key, create_key, create_key_of, entra, entra_client,
    material, private_key, resolve,
};
use crate::on_both_databases;

on_both_databases!(planted_material_is_nowhere_in_the_database);

const PLANTED: [&str; 4] = [
    "sk-planted-0f3c9b1d7a5e48c2b6d4e8f0a1c3b5d7-first",
    "sk-planted-7d5b3c1a0f8e4d6b2c84e5a7d1b9c3f0-again",
    "sk-planted-aa77c1e5f0b34d2896e1d3c5b7a9f0e2-wrong",
    "sk-planted-c3b5d7e9f1a20c4e6b8d0f2a4c6e8b1d-entra",
];

/// What was planted, without what does not tell it from anything else.
fn planted() -> Vec<Vec<u8>> {
    let keys = PLANTED.map(|planted| planted["sk-planted-".len()..].to_owned());
    let file = private_key();
    let lines = file.lines().filter(|line| !line.starts_with("-----"));
    let lines = lines.map(str::to_owned).collect::<Vec<_>>();
    let der = BASE64.decode(lines.concat().as_bytes()).unwrap();
    // The first lines hold the public half.
    let lines = lines.into_iter().skip(8);
    keys.into_iter()
        .chain(lines)
        .map(String::into_bytes)
        .chain([der[384..].to_vec()])
        .collect()
}

/// What a whole key, or enough of it, looks like in each encoding that a database may use.
fn traces(planted: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut traces = Vec::new();
    for inner in planted {
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

fn search(place: &str, bytes: &[u8], traces: &[Vec<u8>]) {
    for trace in traces {
        let found = bytes.windows(trace.len()).any(|window| window == trace);
        assert!(!found, "{place} holds {}", String::from_utf8_lossy(trace));
    }
}

/// Stores the planted material of the other kinds, has it checked and leases it.
async fn plant_other_kinds(vault: &Vault, router: &Router) {
    let azure = CreateKeyRequest {
        material: entra_client(entra(PLANTED[3])),
        ..create_key_of(ProviderId::Azure, "workspaces/acme", "azure")
    };
    let vertex = create_key_of(ProviderId::Vertex, "workspaces/acme", "vertex");
    for (request, provider) in [(azure, "azure"), (vertex, "vertex")] {
        let request = CreateKeyRequest {
            skip_verification: false,
            request_id: format!("4b1c3d4e-5f60-4718-8293-a4b5c6d7e8f{}", provider.len()),
            ..request
        };
        vault.store_key(request).await;
        let request = ResolveRequest {
            provider: provider.to_owned(),
            ..resolve("workspaces/acme")
        };
        router.obtains(request).await;
    }
}

/// What the vault makes for a router, and leases twice.
async fn data_key(vault: &Vault, router: &Router) -> Vec<u8> {
    let mut client = vault.leases(ROUTER);
    let session = router.session.clone();
    let create = CreateDataKeyRequest {
        router_session: session.clone(),
        workspace: "workspaces/acme".to_owned(),
    };
    let name = client.create_data_key(create).await.unwrap();
    let name = name.into_inner().name;
    let again = LeaseDataKeyRequest {
        router_session: session,
        name,
    };
    let leased = client.lease_data_key(again).await.unwrap();
    leased.into_inner().material
}

async fn planted_material_is_nowhere_in_the_database(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
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
                .obtains(resolve("workspaces/acme"))
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
    plant_other_kinds(&vault, &router).await;
    // Refused material leaves no trace either.
    let refused = CreateKeyRequest {
        material: material(PLANTED[2]),
        ..create_key("workspaces/acme", "main")
    };
    client.create_key(refused).await.unwrap_err();

    let traces = traces([planted(), vec![data_key(&vault, &router).await]].concat());
    let Some(folder) = &vault.database.folder else {
        let dump = Tables::open(&vault).await.dump().await;
        return search("the dump", dump.as_bytes(), &traces);
    };
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // What is stored is there: the search looks in the right place.
        files += usize::from(bytes.windows(8).any(|window| window == b"CreateKe"));
        search(&path.display().to_string(), &bytes, &traces);
    }
    assert!(files > 0);
}
