//! The threads of a scripted provider: one listens, one plays each connection.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::{Recorded, Shared, Step};

/// Whether the connection goes on after a step.
#[derive(PartialEq, Eq)]
enum Connection {
    Open,
    Over,
}

/// Accepts connections until the provider is dropped.
pub(super) fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let Ok(for_drop) = stream.try_clone() else { continue };
        let mut state = shared.lock();
        if state.stopped {
            return;
        }
        let number = state.connections.len();
        state.connections.push(Some(for_drop));
        drop(state);
        let shared = Arc::clone(shared);
        thread::spawn(move || converse(stream, number, &shared));
    }
}

fn converse(stream: TcpStream, number: usize, shared: &Shared) {
    // The gateway's writes should be seen as they are made, and ours go out as they are.
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = Recorded::read(&mut stream, number) {
        let mut place = 0;
        shared.change(|state| {
            place = state.requests.len();
            state.requests.push(request);
        });
        let script = shared.scripts.get(place).or(shared.scripts.last()).map_or(&[][..], Vec::as_slice);
        if script.iter().any(|step| play(step, &mut stream, shared) == Connection::Over) {
            break;
        }
    }
    // With the handle that was kept for the drop gone, the connection ends as this function does.
    shared.change(|state| state.connections[number] = None);
}

fn play(step: &Step, stream: &mut BufReader<TcpStream>, shared: &Shared) -> Connection {
    match step {
        Step::Send(bytes) => {
            if stream.get_mut().write_all(bytes).is_ok() {
                return Connection::Open;
            }
            shared.change(|state| state.hangups.push(Instant::now()));
            Connection::Over
        }
        Step::Pause(duration) => {
            thread::sleep(*duration);
            Connection::Open
        }
        Step::WaitFor(signal) => {
            signal.wait();
            Connection::Open
        }
        Step::Close => Connection::Over,
        Step::Reset => {
            // A socket that lingers for no time is reset when its last handle closes.
            let _ = SockRef::from(stream.get_ref()).set_linger(Some(Duration::ZERO));
            Connection::Over
        }
        Step::HoldOpenUntilPeerCloses => {
            let mut rest = [0; 1024];
            while stream.read(&mut rest).is_ok_and(|length| length > 0) {}
            shared.change(|state| state.hangups.push(Instant::now()));
            Connection::Over
        }
    }
}
