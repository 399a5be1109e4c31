//! Providers behind TLS, and clients that speak it.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tollgate_testkit::Certs;

/// Accepts TLS with the leaf of `certs`, offering these protocols.
pub fn acceptor(certs: &Certs, protocols: &[&str]) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(certs.certificate()).expect("a file").collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_file(certs.key()).expect("a key");
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions that ring knows");
    let mut config = builder.with_no_client_auth().with_single_cert(chain.expect("PEM"), key).expect("a pair");
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Puts TLS in front of a plain provider; gives where it listens, on a free port of `host`.
pub async fn front(acceptor: TlsAcceptor, host: &str, provider: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((host, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let Ok(mut plain) = TcpStream::connect(provider).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
            });
        }
    });
    address
}

/// A client that trusts the authority of `certs`.
pub fn client(certs: &Certs) -> reqwest::ClientBuilder {
    let pem = std::fs::read(certs.ca()).expect("a file");
    let ca = reqwest::Certificate::from_pem(&pem).expect("PEM");
    reqwest::Client::builder().tls_built_in_root_certs(false).add_root_certificate(ca).no_proxy()
}
