//! What routing has learned, shown to operators and kept over a restart.

use std::io::Write;
use std::path::Path;

use router_core::domain::Tick;
use router_core::plan::{Board, HealthReport};
use serde_json::{Value, json};

use crate::clock;
use crate::world::World;

/// The state of every deployment, for `GET /api/ai/health`.
pub(crate) fn show(world: &World) -> Vec<u8> {
    let report = world.board.report(clock::now());
    let declared = world.snapshot.deployments.iter().map(|deployment| {
        let provider = &world.snapshot.providers[deployment.provider].name;
        let mut entry = json!({"deployment": format!("{provider}/{}", deployment.model), "id": deployment.id});
        let health = report.deployments.get(&deployment.id).map(serde_json::to_value);
        if let (Value::Object(entry), Some(Ok(Value::Object(health)))) = (&mut entry, health) {
            entry.extend(health);
        }
        entry
    });
    json!({"deployments": declared.collect::<Vec<_>>()}).to_string().into_bytes()
}

/// Begins with what was known before the last end, if a file says.
pub(crate) fn restore(board: &Board, file: &Path, now: Tick) {
    let Ok(text) = std::fs::read(file) else { return };
    match serde_json::from_slice::<HealthReport>(&text) {
        Ok(report) => {
            let known = board.restore(&report, now);
            log::info!("how {known} deployments fare was known");
        }
        Err(error) => log::warn!("{} is not what was written there, and is passed over: {error}", file.display()),
    }
}

/// Keeps what is known: in another file first, so that there is a whole one at any time.
pub(crate) fn keep(board: &Board, file: &Path) -> std::io::Result<()> {
    let report = serde_json::to_vec(&board.report(clock::now()))?;
    let new = file.with_extension("new");
    let mut out = std::fs::File::create(&new)?;
    out.write_all(&report)?;
    std::fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use router_core::domain::DeploymentId;
    use router_core::plan::{Facts, Layout};

    use super::*;

    fn board() -> Board {
        Board::new(&Layout { deployments: vec![Facts::new(DeploymentId::named("d"))], ..Layout::default() })
    }

    #[test]
    fn what_was_kept_is_known_again_and_rubbish_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("health.json");
        restore(&board(), &file, Tick(0));
        keep(&board(), &file).expect("the folder can be written to");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing but the file is left");
        let mut report = board().report(Tick(0));
        let health = report.deployments.values_mut().next().expect("there is one");
        (health.learned.samples, health.learned.sigma) = (40, 0.4);
        std::fs::write(&file, serde_json::to_vec(&report).expect("it is JSON")).expect("a file");
        let board = board();
        restore(&board, &file, Tick(0));
        assert!(board.report(Tick(0)).deployments.values().all(|health| health.learned.samples > 0));
        std::fs::write(&file, "{").expect("a file");
        restore(&board, &file, Tick(0));
    }
}
