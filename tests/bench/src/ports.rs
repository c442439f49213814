//! Free ports of the loopback interface.

/// A port that was free just now.
pub fn free() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until something listens on `port`; an error when the process behind it ends first.
pub async fn listening(port: u16, child: &mut std::process::Child) -> anyhow::Result<()> {
    for _ in 0..1_200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            anyhow::bail!("the process for port {port} ended: {status}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    anyhow::bail!("nothing listens on port {port}")
}
