//! TLS towards the upstream: the system's roots, and those that the operator adds.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The client's TLS settings. Problems are sentences for the operator.
pub fn client_config(extra_roots: Option<&Path>, http2: bool) -> Result<Arc<ClientConfig>, String> {
    let mut roots = system_roots();
    if let Some(path) = extra_roots {
        add_roots(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS can't be set up: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if http2 {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(Arc::new(config))
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a system root certificate could not be read");
    }
    roots.add_parsable_certificates(found.certs);
    roots
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let complain = |error: &dyn std::fmt::Display| {
        format!("the root certificates {} can't be read: {error}", path.display())
    };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| complain(&error))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| complain(&error))?;
        roots.add(certificate).map_err(|error| complain(&error))?;
    }
    Ok(())
}
