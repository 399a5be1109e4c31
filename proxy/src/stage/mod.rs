//! One request, one direction: authenticate → admit → plan → attempt → stream → settle.
//!
//! A stage takes what earlier stages gave and nothing of later ones.

pub(crate) mod admit;
pub(crate) mod attempt;
pub(crate) mod authenticate;
pub(crate) mod counting;
pub(crate) mod hints;
pub(crate) mod listing;
pub(crate) mod plan;
pub(crate) mod settle;
pub(crate) mod stream;
