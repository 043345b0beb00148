//! How a listener ends.

use std::time::Duration;

use latchkey_boot::drain::Drain;
use latchkey_boot::health::Health;
use latchkey_boot::server::{BindError, Listener};
use tokio::net::TcpStream;
use tonic::service::Routes;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::pki::Authority;
use crate::probe::{HANG, WAIT, ask, client, config, identify, serve};
use tower::Layer as _;

#[tokio::test]
async fn a_call_in_flight_finishes_after_the_drain_has_started() {
    let server = serve(&config(None));
    let mut client = server.client(None, None);
    let call = tokio::spawn(async move { client.check(ask(WAIT)).await });
    server.signals.entered.notified().await;

    server.drain.start();
    server.signals.release.notify_one();
    call.await.unwrap().unwrap();
    server.serving.await.unwrap().unwrap();
    TcpStream::connect(server.address).await.unwrap_err();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_drain() {
    let server = serve(&config(None));
    let mut client = server.client(None, None);
    client.check(ask("")).await.unwrap();
    server.drain.start();
    server.serving.await.unwrap().unwrap();
    client.check(ask("")).await.unwrap_err();
}

#[tokio::test]
async fn a_call_that_outlasts_the_grace_is_cut() {
    let mut config = config(None);
    config.drain_grace = Duration::ZERO;
    let server = serve(&config);
    let mut client = server.client(None, None);
    let call = tokio::spawn(async move { client.check(ask(HANG)).await });
    server.signals.entered.notified().await;

    server.drain.start();
    server.serving.await.unwrap().unwrap();
    server.signals.dropped.notified().await;
    call.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_call_over_tls_is_cut_when_the_drain_is_cut_short() {
    let authority = Authority::new("a");
    let server = serve(&config(Some(authority.server_tls(None))));
    let mut client = server.client(Some(authority.client_tls(None)), None);
    let call = tokio::spawn(async move { client.check(ask(HANG)).await });
    server.signals.entered.notified().await;

    server.drain.cut_short();
    server.serving.await.unwrap().unwrap();
    server.signals.dropped.notified().await;
    call.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_watcher_of_health_is_notified_and_does_not_hold_up_the_drain() {
    let drain = Drain::new();
    let health = Health::new([], &drain);
    health.ready();
    let listener = Listener::bind(&config(None)).unwrap_or_else(|error| panic!("{error}"));
    let address = listener.local_addr();
    let routes = Routes::new(health.server());
    let serving = tokio::spawn(listener.serve(identify().layer(routes.prepare()), drain.clone()));

    let mut client = client(address, None, None);
    let mut answers = client.watch(ask("")).await.unwrap().into_inner();
    let mut next = async || {
        answers
            .message()
            .await
            .unwrap()
            .map(|answer| answer.status())
    };
    assert_eq!(next().await, Some(ServingStatus::Serving));
    drain.start();
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    assert_eq!(next().await, None);
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let first = Listener::bind(&config(None)).unwrap_or_else(|error| panic!("{error}"));
    let mut second = config(None);
    second.listen = first.local_addr();
    let error = Listener::bind(&second).err().expect("the port is in use");
    assert!(matches!(error, BindError::Address { .. }));
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}", second.listen)
    );
}
