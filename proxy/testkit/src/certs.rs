//! A throwaway certificate authority, and a certificate of it for this machine.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// PEM files in a temporary folder.
#[derive(Debug)]
pub struct Certs {
    folder: TempDir,
}

impl Certs {
    /// Makes an authority and a certificate that is valid for `localhost` and `127.0.0.1`.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder for certificates");
        let ca = CertifiedIssuer::self_signed(authority(), key()).expect("rcgen signs its own parameters");
        let leaf_key = key();
        let leaf = leaf().signed_by(&leaf_key, &ca).expect("rcgen signs its own parameters");
        let write = |name: &str, pem: String| fs::write(folder.path().join(name), pem).expect("a writable folder");
        write("ca.pem", ca.pem());
        write("leaf.pem", leaf.pem());
        write("leaf.key", leaf_key.serialize_pem());
        Self { folder }
    }

    /// The authority's certificate, for whoever has to trust the leaf.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The leaf's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("leaf.pem")
    }

    /// The leaf's private key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("leaf.key")
    }

    /// The folder they are in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Default for Certs {
    fn default() -> Self {
        Self::new()
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the operating system has random numbers")
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Tollgate test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf() -> CertificateParams {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("names that a certificate can have");
    params.distinguished_name.push(DnType::CommonName, "Tollgate test server");
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_pem_and_goes_with_its_value() {
        let certs = Certs::new();
        for (path, label) in
            [(certs.ca(), "CERTIFICATE"), (certs.certificate(), "CERTIFICATE"), (certs.key(), "PRIVATE KEY")]
        {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with(&format!("-----BEGIN {label}-----")), "{}", path.display());
        }
        let folder = certs.folder().to_owned();
        drop(certs);
        assert!(!folder.exists());
    }
}
