//! A provider that does as it is told: it reads a request, records it, and plays a script.

mod request;
mod serve;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub use request::Recorded;

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// One thing that the provider does after it has read a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends bytes as they are: heads, chunks and framing are the script's business.
    Send(Vec<u8>),
    /// Does nothing for a while.
    Pause(Duration),
    /// Does nothing until the test gives the signal.
    WaitFor(Signal),
    /// Ends the connection in the orderly way.
    Close,
    /// Ends the connection by a reset.
    Reset,
    /// Sends nothing more and notes when the other side ends the connection: see [`Scripted::wait_for_hangup`].
    HoldOpenUntilPeerCloses,
}

impl Step {
    /// Sends text or bytes.
    pub fn send(bytes: impl AsRef<[u8]>) -> Self {
        Self::Send(bytes.as_ref().to_vec())
    }

    /// Sends one chunk of a chunked body (RFC 9112, 7.1).
    pub fn chunk(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
        framed.extend_from_slice(bytes);
        framed.extend_from_slice(b"\r\n");
        Self::Send(framed)
    }

    /// Ends a chunked body.
    pub fn last_chunk() -> Self {
        Self::send("0\r\n\r\n")
    }

    /// The head of a stream of server-sent events in a chunked body.
    pub fn sse_head() -> Self {
        Self::send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    }

    /// A whole JSON answer that leaves the connection open.
    pub fn json(status: u16, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {length}");
        Self::send(format!("{head}\r\n\r\n{body}"))
    }
}

/// Something that a script waits for and a test gives; once given, it stays given.
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<(Mutex<bool>, Condvar)>);

impl Signal {
    /// Lets every script go on that waits for it.
    pub fn give(&self) {
        *lock(&self.0.0) = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let given = self.0.1.wait_timeout_while(lock(&self.0.0), PATIENCE, |given| !*given);
        drop(given);
    }
}

/// A provider on a port of 127.0.0.1. The n-th request that it reads gets the n-th script, whatever connection it comes
/// on, and the last script serves all that follow. A script that does not end the connection leaves it open for the
/// next request. Dropping the value ends every connection.
#[derive(Debug)]
pub struct Scripted {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    scripts: Vec<Vec<Step>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Requests that were read so far; the next one's place.
    requests: Vec<Recorded>,
    /// A handle to every connection that was accepted, until it ends.
    connections: Vec<Option<TcpStream>>,
    hangups: Vec<Instant>,
    stopped: bool,
}

impl Scripted {
    /// Starts a provider with a script for each request.
    ///
    /// # Panics
    /// When there is no script at all, or no port.
    pub fn start(scripts: Vec<Vec<Step>>) -> Self {
        assert!(!scripts.is_empty(), "a scripted provider needs at least one script");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the system's choice");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared { scripts, state: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || serve::accept(&listener, &accepting));
        Self { address, shared }
    }

    /// A provider that gives every request the same JSON answer.
    pub fn json(status: u16, body: &str) -> Self {
        Self::start(vec![vec![Step::json(status, body)]])
    }

    /// A provider that gives every request the same stream, one chunk of the body for each of `chunks`.
    pub fn sse<T: AsRef<[u8]>>(chunks: &[T]) -> Self {
        let mut script = vec![Step::sse_head()];
        script.extend(chunks.iter().map(Step::chunk));
        script.push(Step::last_chunk());
        Self::start(vec![script])
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in the order in which they were complete.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().requests.clone()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Waits until there were `count` requests and returns them all.
    ///
    /// # Panics
    /// When they do not come within ten seconds.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) -> Vec<Recorded> {
        let state = self.shared.wait_while(|state| state.requests.len() < count);
        assert!(
            state.requests.len() >= count,
            "{} requests came within {PATIENCE:?}, not {count}",
            state.requests.len()
        );
        state.requests.clone()
    }

    /// Waits until the other side ended a connection that a script holds open, or one that it was sending on, and says
    /// when that was.
    ///
    /// # Panics
    /// When it does not within ten seconds.
    #[track_caller]
    pub fn wait_for_hangup(&self) -> Instant {
        let state = self.shared.wait_while(|state| state.hangups.is_empty());
        *state.hangups.first().unwrap_or_else(|| panic!("nobody hung up within {PATIENCE:?}"))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stopped = true;
        for connection in state.connections.iter().flatten() {
            // It may have ended by itself.
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        // Wakes the listening thread, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait_while(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| condition(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A test that failed elsewhere poisons nothing here: the values are whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
