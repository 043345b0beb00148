//! A deployment whose services and callers authenticate with certificates.

use std::fs;
use std::path::Path;

use latchkey_boot::tls::{ClientAuth, ClientTls, ServerTls};
use latchkey_contract::vault::v1::ListWorkspacesRequest;
use latchkey_contract::vault::v1::workspace_service_client::WorkspaceServiceClient;
use latchkey_e2e::{Certificates, Deployment, Security, channel, prompt};
use latchkey_migrations::testing::Backend;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_with_certificates_answers_prompts_and_refuses_strangers() {
    let folder = TempDir::new().unwrap();
    let security = certificates(folder.path());
    let deployment = Deployment::start_with(Backend::Sqlite, security.clone()).await;
    let mut admin = deployment.clients("admin");
    admin.workspace("acme").await;
    admin
        .key(
            "workspaces/acme",
            "main",
            "openai",
            "sk-not-a-real-key-0001wxyz",
        )
        .await
        .unwrap();
    assert_eq!(
        admin
            .ask(prompt("workspaces/acme", "gpt-4.1", "hi"))
            .await
            .unwrap(),
        "echo: hi"
    );
    let kept = admin.attempts("workspaces/acme").await;
    assert_eq!(kept[0].requester, "spiffe://example.org/admin");
    let leased = admin.audit_events("workspaces/acme").await;
    assert_eq!(leased[0].actor, "spiffe://example.org/admin");

    // A client without a certificate can't even connect.
    let Security::Certificates(mut shown) = security else {
        panic!("it is a deployment of certificates")
    };
    shown.admin.cert_file = None;
    shown.admin.key_file = None;
    let security = Security::Certificates(shown);
    let mut stranger = WorkspaceServiceClient::new(channel(deployment.vault, &security, "admin"));
    assert!(
        stranger
            .list_workspaces(ListWorkspacesRequest::default())
            .await
            .is_err()
    );
    deployment.stop().await;
}

/// An authority, a server's certificate, and one for each client.
fn certificates(folder: &Path) -> Security {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let ca_file = folder.join("ca.pem");
    fs::write(&ca_file, authority.pem()).unwrap();

    let issue = |name: &str, san: SanType| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![san];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let (cert_file, key_file) = (
            folder.join(format!("{name}.pem")),
            folder.join(format!("{name}.key")),
        );
        fs::write(&cert_file, certificate.pem()).unwrap();
        fs::write(&key_file, key.serialize_pem()).unwrap();
        (cert_file, key_file)
    };
    let client = |name: &str| {
        let uri = format!("spiffe://example.org/{name}").try_into().unwrap();
        let (cert_file, key_file) = issue(name, SanType::URI(uri));
        ClientTls {
            ca_file: ca_file.clone(),
            cert_file: Some(cert_file),
            key_file: Some(key_file),
            domain: Some("localhost".to_owned()),
        }
    };
    let (cert_file, key_file) = issue("server", SanType::DnsName("localhost".try_into().unwrap()));
    Security::Certificates(Box::new(Certificates {
        server: ServerTls {
            cert_file,
            key_file,
            client_ca_file: Some(ca_file.clone()),
            client_auth: Some(ClientAuth::Required),
        },
        router: client("router"),
        admin: client("admin"),
    }))
}
