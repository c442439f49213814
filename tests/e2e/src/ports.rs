//! Free ports for processes that can't be handed a listener.

use std::{
    fs::{self, File},
    net::TcpListener,
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// Below those that Linux gives to outgoing connections (32,768 and more): none of these takes a port
/// between here and the start of its process.
const PORTS: Range<u16> = 15_000..32_000;

/// Ports that a test process has for itself.
const SHARE: u16 = 100;

/// The shares of this process, each with the lock that keeps the others out.
static SHARES: Mutex<Vec<(Range<u16>, File)>> = Mutex::new(Vec::new());

/// So many ports of 127.0.0.1 that nobody listens at, all different, and not given out before.
///
/// # Panics
/// When there are none.
pub fn free<const N: usize>() -> [u16; N] {
    let mut shares = SHARES.lock().unwrap_or_else(PoisonError::into_inner);
    [(); N].map(|()| {
        loop {
            if let Some(port) =
                shares.iter_mut().find_map(|(ports, _)| ports.find(|port| is_free(*port)))
            {
                return port;
            }
            shares.push(share().expect("a share of the ports"));
        }
    })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A share that no running test process has. Each process begins to look at another one: what a test
/// left behind may still try to reach its ports.
fn share() -> Option<(Range<u16>, File)> {
    let locks = format!("nexus-test-ports-{}", rustix::process::getuid().as_raw());
    let locks = std::env::temp_dir().join(locks);
    fs::create_dir_all(&locks).ok()?;
    let shares = PORTS.len() / usize::from(SHARE);
    let begin = std::process::id() as usize % shares;
    PORTS.step_by(usize::from(SHARE)).cycle().skip(begin).take(shares).find_map(|first| {
        let lock = File::create(locks.join(first.to_string())).ok()?;
        lock.try_lock().ok()?;
        Some((first..first + SHARE, lock))
    })
}
