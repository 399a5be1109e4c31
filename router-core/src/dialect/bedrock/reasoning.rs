//! How much to think. Converse has no word for it that all models know, so each family's own goes into
//! `additionalModelRequestFields`.

use serde_json::{Map, Value, json};

use super::model::Model;
use crate::chat::{ChatRequest, Effort, Losses, Reasoning};

/// The least budget that Claude takes.
const BUDGET_MIN: u64 = 1024;
/// Tokens for the answer where the caller gave a budget for thoughts only.
const ANSWER_TOKENS: u64 = 4096;

/// What is asked of the model.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Members of `additionalModelRequestFields`.
    pub(super) fields: Map<String, Value>,
    /// A bound on tokens that the budget makes necessary.
    pub(super) max_tokens: Option<u64>,
    /// The model thinks in a way that excludes other settings.
    pub(super) thinks: bool,
}

/// Decides; `forced` is whether a tool must be called for the sake of the answer's form, which no thinking model allows.
pub(super) fn plan(request: &ChatRequest, model: Model, forced: bool, losses: &mut Losses) -> Plan {
    let Some(reasoning) = &request.reasoning else { return Plan::default() };
    if is_off(reasoning) {
        // A model that always thinks has no word for this.
        losses.add_if(model == Model::GptOss, "reasoning");
        return Plan::default();
    }
    losses.add_if(reasoning.summary.as_ref().is_some_and(|summary| summary != "auto"), "reasoning.summary");
    match model {
        Model::Claude(..) if !model.is_claude_since((3, 7)) || forced => lost(losses),
        Model::Claude(..) if model.is_claude_since((4, 6)) => adaptive(reasoning, model),
        Model::Claude(..) => budgeted(request, reasoning, losses),
        Model::Nova(2) if !forced => nova(request, reasoning, losses),
        Model::GptOss => {
            let effort = effort(reasoning).clamp(Effort::Low, Effort::High).name();
            Plan { fields: members(json!({"reasoning_effort": effort})), ..Plan::default() }
        }
        Model::Nova(_) | Model::Mistral | Model::Other => lost(losses),
    }
}

fn lost(losses: &mut Losses) -> Plan {
    losses.add("reasoning");
    Plan::default()
}

fn is_off(reasoning: &Reasoning) -> bool {
    let budget_off = reasoning.budget == Some(0);
    let unsaid = reasoning.effort.is_none() && reasoning.budget.is_none() && !reasoning.adaptive;
    reasoning.effort == Some(Effort::None) || budget_off || unsaid
}

fn effort(reasoning: &Reasoning) -> Effort {
    reasoning.effort.or_else(|| reasoning.budget.map(Effort::of_budget)).unwrap_or(Effort::Medium)
}

/// From Claude 4.6 on, the model finds its own measure, with a hint.
fn adaptive(reasoning: &Reasoning, model: Model) -> Plan {
    let mut thinking = json!({"type": "adaptive"});
    if let Some(shown) = reasoning.shown {
        thinking["display"] = if shown { "summarized" } else { "omitted" }.into();
    }
    let mut fields = members(json!({"thinking": thinking}));
    if reasoning.effort.is_some() || reasoning.budget.is_some() {
        let effort = match effort(reasoning) {
            Effort::None | Effort::Minimal => Effort::Low,
            Effort::Xhigh if !model.is_claude_since((4, 7)) => Effort::High,
            effort => effort,
        };
        fields.insert("output_config".into(), json!({"effort": effort.name()}));
    }
    Plan { fields, max_tokens: None, thinks: true }
}

/// Older ones take a budget, which the bound on tokens must exceed.
fn budgeted(request: &ChatRequest, reasoning: &Reasoning, losses: &mut Losses) -> Plan {
    losses.add_if(reasoning.shown == Some(false), "reasoning.shown");
    let wanted = reasoning.budget.unwrap_or_else(|| effort(reasoning).budget());
    let budget = match request.max_tokens {
        Some(most) if most <= BUDGET_MIN => return lost(losses),
        // A quarter is left for the answer, if that leaves enough for the thoughts.
        Some(most) if most <= wanted => (most - most.div_ceil(4)).max(BUDGET_MIN),
        _ => wanted.max(BUDGET_MIN),
    };
    let asked = reasoning.budget.or(reasoning.effort.map(Effort::budget));
    losses.add_if(asked.is_some_and(|asked| asked != budget), "reasoning");
    let max_tokens = request.max_tokens.is_none().then(|| budget.saturating_add(ANSWER_TOKENS));
    let fields = members(json!({"thinking": {"type": "enabled", "budget_tokens": budget}}));
    Plan { fields, max_tokens, thinks: true }
}

/// Nova refuses a bound on tokens when it thinks hard. The bound counts for more.
fn nova(request: &ChatRequest, reasoning: &Reasoning, losses: &mut Losses) -> Plan {
    let wanted = effort(reasoning).clamp(Effort::Low, Effort::High);
    let effort = if request.max_tokens.is_some() { wanted.min(Effort::Medium) } else { wanted };
    losses.add_if(effort != wanted, "reasoning");
    let config = json!({"type": "enabled", "maxReasoningEffort": effort.name()});
    Plan { fields: members(json!({"reasoningConfig": config})), max_tokens: None, thinks: effort == Effort::High }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
