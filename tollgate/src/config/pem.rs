//! Certificate files, looked at before anything starts.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Checks that a file holds certificates in PEM.
pub(super) fn check_certificates(path: &Path) -> Result<(), String> {
    certificates(path).map(|_| ())
}

/// Checks that a certificate and a key can be read, and belong together.
pub(super) fn check_pair(certificate: &Path, key: &Path) -> Result<(), String> {
    let chain = certificates(certificate)?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| explain(key, "a private key", &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |error| format!("{} and {} cannot be used together: {error}", certificate.display(), key.display());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map(|_| ())
        .map_err(unusable)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    match read() {
        Ok(chain) if chain.is_empty() => Err(explain(path, "a certificate", &pem::Error::NoItemsFound)),
        Ok(chain) => Ok(chain),
        Err(error) => Err(explain(path, "a certificate", &error)),
    }
}

fn explain(path: &Path, wanted: &str, error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => format!("cannot read {}: {error}", path.display()),
        pem::Error::NoItemsFound => format!("{} does not hold {wanted} in PEM", path.display()),
        error => format!("{} is not PEM: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_and_a_key_are_usable_only_as_a_pair() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let pair = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (one, other) = (pair(), pair());
        let certificate = write("cert.pem", one.cert.pem());
        let key = write("key.pem", one.signing_key.serialize_pem());
        let other_key = write("other.pem", other.signing_key.serialize_pem());
        let text = write("text.pem", "hello".to_owned());
        assert_eq!(check_pair(&certificate, &key), Ok(()));
        let complaint = |certificate: &Path, key: &Path| check_pair(certificate, key).expect_err("a complaint");
        assert!(complaint(&certificate, &other_key).contains("cannot be used together"));
        assert!(complaint(&certificate, &certificate).contains("does not hold a private key"));
        assert!(complaint(&text, &key).contains("does not hold a certificate"));
        assert!(complaint(&folder.path().join("missing"), &key).contains("cannot read"));
    }
}
