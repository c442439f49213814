/// Makes ring the process's implementation of TLS. Clients of NATS and of HTTP take the process's
/// choice and panic when there is none; so it is made before the first of them, as often as one likes.
pub fn choose_cryptography() {
    // An error only says that the choice was made before.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
}
