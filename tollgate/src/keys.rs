//! `tollgate keys`: what an operator does with keys on the machine that has the database's address.

use std::path::Path;

use control_plane::authz::TenantScope;
use control_plane::keys::{self, KeyError, KeyInfo, Rules};
use control_plane::{BootstrapError, Store, StoreError, bootstrap};
use router_core::domain::Timestamp;

use crate::cli::{KeysCommand, Lossy};
use crate::config::{self, Environment, Problems};
use crate::{print, summary};

/// Why a command on keys failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Problems),
    /// The system gives no event loop.
    #[error("cannot start: {0}")]
    Runtime(#[from] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An empty store could not be filled.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The key cannot be made or revoked.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Runs one command.
pub(crate) fn run(command: KeysCommand, file: Option<&Path>) -> Result<(), KeysError> {
    let settings = config::load(file, &Environment::of_process())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&settings.store_url).await?;
        let done = execute(command, &store).await;
        store.close().await;
        done
    })
}

async fn execute(command: KeysCommand, store: &Store) -> Result<(), KeysError> {
    let scope = TenantScope::operator();
    match command {
        KeysCommand::Mint { name, models, lossy } => {
            // A key belongs to an organisation, which an empty store does not have yet.
            if let Some(first) = bootstrap(store).await? {
                print::err(&summary::first_credentials(&first));
            }
            let rules = Rules { refuse_lossy: lossy == Lossy::Refuse, ..Rules::models(&models) };
            let minted = keys::mint(store, &scope, &name, rules).await?;
            // The key alone on standard output, so that `KEY=$(tollgate keys mint ci)` works.
            print::out(&format!("{}\n", minted.secret));
            let models = models.join(", ");
            print::err(&format!("{} for {models}. Keep the key now: it cannot be shown again.\n", minted.id));
        }
        KeysCommand::List => print::out(&table(&keys::list(store, &scope).await?)),
        KeysCommand::Revoke { id } => {
            keys::revoke(store, &scope, id).await?;
            print::out(&format!("{id} is revoked; running gateways refuse it within about a second.\n"));
        }
    }
    Ok(())
}

fn table(keys: &[KeyInfo]) -> String {
    let mut text = format!("{:<36}  {:<10}  {:<9}  {:<10}  {}\n", "ID", "KEY", "STATE", "MADE", "NAME (MODELS)");
    for key in keys {
        let state = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(_)) => "expires",
            (None, None) => "live",
        };
        let (made, models) = (date(key.created_at), key.models.join(", "));
        let shown = format!("tg-{}…", key.prefix);
        text.push_str(&format!("{}  {shown:<10}  {state:<9}  {made}  {} ({models})\n", key.id, key.name));
    }
    text
}

/// The day of a moment, in UTC, as `2026-01-31`.
fn date(at: Timestamp) -> String {
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    // Days are counted from 0000-03-01, so that a leap day is the last day of its year (Hinnant, civil_from_days).
    let days = at.0.div_euclid(MICROS_PER_DAY) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_the_day_that_the_calendar_says() {
        // Seconds by GNU date, `date -u -d 2024-02-29 +%s`.
        let table = [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400, "2000-02-29"),
            (1_709_164_800, "2024-02-29"),
            (1_709_251_199, "2024-02-29"),
            (1_709_251_200, "2024-03-01"),
            (4_107_542_400, "2100-03-01"),
        ];
        for (seconds, day) in table {
            assert_eq!(date(Timestamp(seconds * 1_000_000)), day, "{seconds}");
        }
    }
}
