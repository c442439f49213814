//! Free ports for processes that can't be handed a listener.

use std::net::TcpListener;

/// So many ports of 127.0.0.1 that were free a moment ago, all different.
///
/// # Panics
/// When there are none.
pub fn free<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    held.map(|listener| listener.local_addr().expect("it is bound").port())
}
