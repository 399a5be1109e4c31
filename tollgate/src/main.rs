//! The `tollgate` binary: command line, `tollgate.toml`, and the wiring of the two planes.
//!
//! It is the only crate that knows both planes, and it decides nothing about a request: it reads the configuration,
//! checks it whole, and hands each plane its part. There is no runtime around `main`, for the proxy makes its own.

mod alloc;
mod cli;
mod config;
mod declared;
mod demo;
mod keys;
mod logging;
mod print;
mod replay;
mod route;
mod serve;
mod summary;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;

use cli::{Cli, Command};
use config::Environment;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve { config, upgrade } => {
            serve::run(config.file.as_deref(), upgrade).map(|never| match never {}).map_err(|error| error.to_string())
        }
        Command::Check { config } => check(config.file.as_deref()),
        Command::Keys { config, command } => {
            keys::run(command, config.file.as_deref()).map_err(|error| error.to_string())
        }
        Command::Replay(args) => replay::run(&args),
        Command::Route { stdio: _ } => route::run().map_err(|error| error.to_string()),
        Command::DemoProvider { listen, chunk_interval } => {
            demo_provider(listen, chunk_interval).map_err(|error| format!("the demo provider on {listen}: {error}"))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            print::err(&format!("tollgate: {message}\n"));
            ExitCode::FAILURE
        }
    }
}

/// `tollgate check`
fn check(file: Option<&Path>) -> Result<(), String> {
    let settings = config::load(file, &Environment::of_process()).map_err(|problems| problems.to_string())?;
    // The demo provider has no address before it runs, and the summary shows none.
    let document = settings.document(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    print::out(&summary::checked(&settings, &document));
    Ok(())
}

/// `tollgate demo-provider`
fn demo_provider(listen: SocketAddr, chunk_interval: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        print::out(&format!("Demo provider on http://{}/v1\n", listener.local_addr()?));
        demo::serve(listener, chunk_interval).await
    })
}
