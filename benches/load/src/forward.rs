//! The floor: two sockets and no HTTP. What a gateway costs above this is its own doing.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

use crate::failure::{Context, Result};

/// Read at once from either side.
const COPY_BYTES: usize = 64 * 1024;

/// Copies bytes between callers of `listen` and `to` until the process ends.
pub(crate) async fn serve(listen: SocketAddr, to: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(listen).await.context(|| format!("listening on {listen}"))?;
    loop {
        let (caller, _) = listener.accept().await.context(|| "accepting a connection")?;
        tokio::spawn(async move {
            if let Err(error) = forward(caller, to).await {
                eprintln!("forward: {error}");
            }
        });
    }
}

async fn forward(mut caller: TcpStream, to: SocketAddr) -> Result<()> {
    let mut provider = TcpStream::connect(to).await.context(|| format!("connecting to {to}"))?;
    caller.set_nodelay(true).context(|| "setting nodelay")?;
    provider.set_nodelay(true).context(|| "setting nodelay")?;
    // Either side may hang up at any time; that ends the pair and is nobody's error.
    let _ended = copy_bidirectional_with_sizes(&mut caller, &mut provider, COPY_BYTES, COPY_BYTES).await;
    Ok(())
}
