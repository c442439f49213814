//! The network between a client and a server, with faults.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Whole,
    /// Every connection ends, and no new one comes about.
    Cut,
    /// What the client sends stands still.
    Deaf,
    /// What the server sends stands still.
    Mute,
}

pub struct Wire {
    pub port: u16,
    state: watch::Sender<State>,
}

impl Wire {
    /// A port of its own that leads to the server's.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (state, seen) = watch::channel(State::Whole);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, seen.clone()));
            }
        });
        Self { port, state }
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

/// Carries one connection until an end closes it, or it is cut.
async fn carry(client: TcpStream, server: u16, mut state: watch::Receiver<State>) {
    if *state.borrow() == State::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, State::Deaf, state.clone()) => {}
        () = pass(from_server, to_client, State::Mute, state.clone()) => {}
        _cut_or_over = state.wait_for(|state| *state == State::Cut) => {}
    }
}

/// One direction; it stands still in the state `still`.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    still: State,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let goes_on = state.wait_for(|state| *state != still).await.is_ok();
        if !goes_on || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
