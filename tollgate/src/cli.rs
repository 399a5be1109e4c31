//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use router_core::domain::KeyId;

use crate::config::parse_duration;

const AFTER_HELP: &str = "\
The first start needs nothing: `tollgate serve` makes a database in ./data, prints a key, and answers with a demo \
provider. With OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY in the environment it uses that provider instead.

Settings stand in tollgate.toml; each can be given in the environment as well, such as \
TOLLGATE__GATEWAY__LISTEN=127.0.0.1:8080.";

/// Tollgate, an AI gateway: one address and one kind of key for every AI provider.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway and its control plane
    Serve {
        #[command(flatten)]
        config: ConfigArgs,
        /// Take over the ports of the running process: start this one, then send the other SIGQUIT
        #[arg(long)]
        upgrade: bool,
    },
    /// Say what `serve` would run, or all that is wrong with the configuration
    Check {
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Make, list and revoke API keys
    Keys {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Run a log of requests against a modelled world, and show side by side what each policy would have made of it
    Replay(ReplayArgs),
    /// Decide for another program: JSON lines in, decisions out; docs/route-stdio.md has the protocol
    Route {
        /// Read from standard input and write to standard output; there is no other way yet
        #[arg(long, required = true)]
        stdio: bool,
    },
    /// Run the demo provider alone: OpenAI's API without an AI behind it
    DemoProvider {
        /// Address to listen on; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
        /// Pause between two pieces of a streamed answer
        #[arg(long, value_name = "DURATION", default_value = "20ms", value_parser = parse_duration)]
        chunk_interval: Duration,
    },
}

/// Where the configuration is.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    /// Configuration file [default: $TOLLGATE_CONFIG, or tollgate.toml if it exists]
    #[arg(long = "config", value_name = "FILE", global = true)]
    pub(crate) file: Option<PathBuf>,
}

/// What to replay, where and by whom.
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// The log: our own as CSV or JSON lines, or a public trace; docs/replay.md has the formats
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: PathBuf,
    /// The world, a TOML file: deployments with their speed, prices, limits and faults
    #[arg(long, value_name = "FILE")]
    pub(crate) world: PathBuf,
    /// Who decides: policies of the world's file, `balanced`, `cheapest`, `fastest`, rivals such as `least_busy`, `oracle`
    #[arg(long = "policy", value_name = "NAMES", value_delimiter = ',', default_value = "balanced")]
    pub(crate) policies: Vec<String>,
    /// Where chance comes from: the same seed gives the same output
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What becomes of a request that a provider's API cannot express whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lossy {
    /// It is sent without that, and the answer says what was left out
    Warn,
    /// It is refused
    Refuse,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it; it cannot be shown again
    Mint {
        /// What to call it
        name: String,
        /// Models it may use, as clients ask for them; `provider/*` for all of one provider
        #[arg(long, value_name = "MODELS", value_delimiter = ',', default_value = "*")]
        models: Vec<String>,
        /// What becomes of a request of which a provider's API cannot express everything
        #[arg(long, value_enum, default_value = "warn")]
        lossy: Lossy,
    },
    /// Show all keys, without their secrets
    List,
    /// Take a key out of use; running gateways follow within about a second
    Revoke {
        /// The key's id, as `list` shows it
        id: KeyId,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_file_may_be_named_before_or_after_the_inner_command() {
        for line in ["tollgate keys --config x list", "tollgate keys list --config x"] {
            let Command::Keys { config, .. } = Cli::parse_from(line.split(' ')).command else { panic!("{line}") };
            assert_eq!(config.file, Some(PathBuf::from("x")));
        }
    }
}
