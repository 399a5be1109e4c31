//! Where a request goes: from a model's name to a target.

use std::sync::Arc;

use router_core::domain::Seed;
use router_core::plan::{self, Target as Planned};
use router_core::snapshot::Key;

use crate::respond::Refusal;
use crate::world::{Target, World};

/// A target, and the model's name there.
pub(crate) struct Destination<'m> {
    pub(crate) target: Arc<Target>,
    /// The name to send, if it is not the one that the client sent.
    pub(crate) rename: Option<&'m str>,
    /// The model's name at an undeclared target.
    pub(crate) undeclared: Option<&'m str>,
}

/// Finds the target for a model.
pub(crate) fn plan<'m>(world: &World, key: &Key, asked: &'m str) -> Result<Destination<'m>, Refusal> {
    let seed = Seed::new(fastrand::u64(..));
    let planned = plan::pick(&world.snapshot, key, asked, seed).map_err(|why| Refusal::no_route(why, asked))?;
    let target = Arc::clone(world.target(planned));
    Ok(match planned {
        Planned::Deployment(_) => Destination { target, rename: None, undeclared: None },
        Planned::Undeclared { prefix_bytes, .. } => {
            let name = &asked[prefix_bytes..];
            Destination { target, rename: Some(name), undeclared: Some(name) }
        }
    })
}
