//! TLS on both sides: offered to clients, and demanded of providers, whose certificates are always verified.

mod common;

use common::tls::{acceptor, client, front};
use common::{JSON_ANSWER, KEY, Raw, config, gateway};
use reqwest::Version;
use tollgate_testkit::{Certs, Scripted};

/// A gateway with one provider at this URL that is trusted as `settings` say.
fn behind(url: &str, settings: &str) -> tollgate_testkit::Gateway {
    gateway(&config(&[url], "").replace("any_model = true\n", &format!("any_model = true\n{settings}\n")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_may_speak_either_version_over_tls() {
    let certs = Certs::new();
    let provider = Scripted::json(200, JSON_ANSWER);
    let files = [certs.certificate(), certs.key()].map(|path| path.display().to_string());
    let settings = format!("[gateway.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", files[0], files[1]);
    let gateway = gateway(&config(&[&provider.url()], &settings));
    for (host, version) in
        [("localhost", Version::HTTP_2), ("127.0.0.1", Version::HTTP_2), ("localhost", Version::HTTP_11)]
    {
        let mut builder = client(&certs);
        if version == Version::HTTP_11 {
            builder = builder.http1_only();
        }
        let client = builder.build().expect("a client");
        let url = format!("https://{host}:{}/v1/chat/completions", gateway.port());
        for _ in 0..3 {
            let request = client.post(&url).bearer_auth(KEY).body(common::request::BODY);
            let answer = request.send().await.expect("an answer");
            assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
            assert_eq!(answer.text().await.expect("text"), JSON_ANSWER);
        }
    }
    assert_eq!(provider.requests().len(), 9);
    let stranger = reqwest::Client::new().get(format!("https://localhost:{}/v1/models", gateway.port())).send().await;
    assert!(stranger.is_err(), "a client that does not trust us is not served");
    let mut plain = Raw::connect(gateway.port());
    plain.send("GET /v1/models HTTP/1.1\r\nhost: t\r\n\r\n");
    assert!(!String::from_utf8_lossy(&plain.rest()).contains("HTTP/1.1 2"), "plain HTTP on a TLS port");
    assert!(!gateway.log().join("\n").contains("panicked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_reached_over_tls_when_its_certificate_is_trusted_for_its_name() {
    let (certs, others) = (Certs::new(), Certs::new());
    let provider = Scripted::json(200, JSON_ANSWER);
    let ours = acceptor(&certs, &["http/1.1"]);
    let here = front(ours.clone(), "127.0.0.1", provider.address()).await.port();
    let elsewhere = front(ours, "127.0.0.2", provider.address()).await.port();
    let trusted = format!("ca_file = \"{}\"", certs.ca().display());
    let foreign = format!("ca_file = \"{}\"", others.ca().display());
    for (what, url, settings, status) in [
        ("trusted", format!("https://localhost:{here}"), trusted.as_str(), 200),
        ("trusted, by address", format!("https://127.0.0.1:{here}"), &trusted, 200),
        ("another authority", format!("https://localhost:{here}"), &foreign, 502),
        ("the system's authorities", format!("https://localhost:{here}"), "", 502),
        ("another name", format!("https://127.0.0.2:{elsewhere}"), &trusted, 502),
        ("no TLS with a TLS provider", format!("http://127.0.0.1:{here}"), &trusted, 502),
    ] {
        let before = provider.requests().len();
        let gateway = behind(&url, settings);
        let mut client = Raw::connect(gateway.port());
        for _ in 0..2 {
            let answer = client.ask(common::request::plain());
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            if status == 200 {
                assert_eq!(answer.text(), JSON_ANSWER);
            } else {
                answer.expect_error(what, 502, "server_error", "provider_unavailable");
            }
        }
        let came = provider.requests().len() - before;
        assert_eq!(came, if status == 200 { 2 } else { 0 }, "{what}: our credential went out");
        assert!(!gateway.log().join("\n").contains("panicked"), "{what}");
    }
}
