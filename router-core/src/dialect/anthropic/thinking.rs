//! How much to think: `thinking` and `output_config.effort`.

use serde_json::{Value, json};

use super::limits::{BUDGET_MIN, MAX_TOKENS_DEFAULT, MAX_TOKENS_OWN};
use super::model::{Model, Thinks};
use super::shape::{keep_rest, members};
use crate::chat::{ChatRequest, Effort, Extra, Losses, Reasoning};
use crate::dialect::fields::Fields;
use crate::dialect::{Invalid, Quirks};
use crate::domain::Dialect;

/// The effort of a caller who wants thoughts and does not say how many.
const EFFORT_DEFAULT: Effort = Effort::Medium;

/// Takes a request's `thinking`, and the effort of its `output_config`. Ways to think that we do not know stay in
/// `extra`.
pub(super) fn read(
    fields: &mut Fields,
    output: Option<&mut Fields>,
    extra: &mut Extra,
) -> Result<Option<Reasoning>, Invalid> {
    let mut reasoning = Reasoning::default();
    if let Some(output) = output
        && let Some(effort) = output.peek_text("effort").and_then(Effort::named)
    {
        output.take("effort");
        reasoning.effort = Some(effort);
    }
    if let Some(mut thinking) = fields.object("thinking")? {
        match thinking.need_text("type")?.as_str() {
            "enabled" => {
                let budget = thinking.whole("budget_tokens")?;
                reasoning.budget =
                    Some(budget.ok_or_else(|| thinking.invalid("budget_tokens", "is missing: it must be a number"))?);
            }
            "disabled" => reasoning.budget = Some(0),
            "adaptive" => reasoning.adaptive = true,
            other => thinking.put_back("type", other.into()),
        }
        reasoning.shown = match thinking.peek_text("display") {
            Some("summarized") => Some(true),
            Some("omitted") => Some(false),
            _ => None,
        };
        if reasoning.shown.is_some() {
            thinking.take("display");
        }
        keep_rest(extra, "thinking", thinking);
    }
    Ok(Some(reasoning).filter(|reasoning| *reasoning != Reasoning::default()))
}

/// What a request says about thinking, and the bound on its answer, which the API has cover thoughts too.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) thinking: Option<Value>,
    pub(super) effort: Option<&'static str>,
    pub(super) max_tokens: u64,
}

impl Plan {
    /// Whether the model is told to think.
    pub(super) fn thinks(&self) -> bool {
        self.thinking.as_ref().is_some_and(|thinking| thinking["type"] != "disabled")
    }

    /// Whether every turn of the model must begin with thoughts.
    pub(super) fn wants_thoughts_back(&self) -> bool {
        self.thinking.as_ref().is_some_and(|thinking| thinking["type"] == "enabled")
    }
}

/// Decides what to say to `model`.
pub(super) fn plan(request: &ChatRequest, model: Model, quirks: &Quirks, losses: &mut Losses) -> Plan {
    let silent = Plan { max_tokens: request.max_tokens.unwrap_or(MAX_TOKENS_DEFAULT), ..Plan::default() };
    let Some(reasoning) = &request.reasoning else { return silent };
    if quirks.no_reasoning_effort {
        losses.add("reasoning");
        return silent;
    }
    if request.dialect == Dialect::Anthropic {
        return Plan {
            thinking: as_said(reasoning),
            effort: reasoning.effort.map(Effort::name),
            max_tokens: silent.max_tokens,
        };
    }
    let off = reasoning.budget == Some(0) || reasoning.effort == Some(Effort::None);
    if off {
        return match model.thinks() {
            Thinks::Never => silent,
            Thinks::Always => {
                losses.add("reasoning");
                silent
            }
            Thinks::Budget | Thinks::Adaptive => Plan { thinking: Some(json!({"type": "disabled"})), ..silent },
        };
    }
    let says_nothing = reasoning.effort.is_none() && reasoning.budget.is_none() && !reasoning.adaptive;
    if says_nothing && reasoning.shown != Some(true) && reasoning.summary.is_none() {
        return silent;
    }
    match model.thinks() {
        Thinks::Never => {
            losses.add("reasoning");
            silent
        }
        Thinks::Budget => by_budget(request, reasoning, silent, losses),
        Thinks::Adaptive | Thinks::Always => by_effort(request, reasoning, model, losses),
    }
}

/// The caller's own words.
fn as_said(reasoning: &Reasoning) -> Option<Value> {
    let thinking = match reasoning.budget {
        _ if reasoning.adaptive => json!({"type": "adaptive"}),
        Some(0) => json!({"type": "disabled"}),
        Some(budget) => json!({"type": "enabled", "budget_tokens": budget}),
        None => return None,
    };
    Some(with_display(thinking, reasoning.shown))
}

fn with_display(thinking: Value, shown: Option<bool>) -> Value {
    let mut thinking = members(thinking);
    if let Some(shown) = shown {
        thinking.insert("display".to_owned(), if shown { "summarized" } else { "omitted" }.into());
    }
    Value::Object(thinking)
}

/// For models that think by a budget: it must leave room for an answer.
fn by_budget(request: &ChatRequest, reasoning: &Reasoning, silent: Plan, losses: &mut Losses) -> Plan {
    let effort = reasoning.effort.unwrap_or(EFFORT_DEFAULT);
    let wanted = reasoning.budget.unwrap_or_else(|| effort.budget()).max(BUDGET_MIN);
    let (budget, max_tokens) = match request.max_tokens {
        Some(most) if wanted < most => (wanted, most),
        Some(most) => ((most / 2).max(BUDGET_MIN), most),
        None => {
            let budget = wanted.min(MAX_TOKENS_OWN - MAX_TOKENS_DEFAULT);
            (budget, budget + MAX_TOKENS_DEFAULT)
        }
    };
    if budget >= max_tokens {
        losses.add("reasoning");
        return silent;
    }
    let asked = reasoning.budget.or(reasoning.effort.map(Effort::budget));
    losses.add_if(asked.is_some_and(|asked| asked != budget), "reasoning");
    let shown = reasoning.shown.filter(|shown| !shown);
    let thinking = with_display(json!({"type": "enabled", "budget_tokens": budget}), shown);
    Plan { thinking: Some(thinking), effort: None, max_tokens }
}

/// For models that decide by themselves.
fn by_effort(request: &ChatRequest, reasoning: &Reasoning, model: Model, losses: &mut Losses) -> Plan {
    let asked = reasoning.effort.or_else(|| reasoning.budget.map(Effort::of_budget));
    let effort = match asked {
        Some(Effort::None | Effort::Minimal) => Some(Effort::Low),
        Some(Effort::Xhigh) if !model.takes_xhigh() => {
            losses.add("reasoning");
            Some(Effort::High)
        }
        other => other,
    };
    let room = effort.unwrap_or(EFFORT_DEFAULT).budget() + MAX_TOKENS_DEFAULT;
    let shown = reasoning.shown.or_else(|| reasoning.summary.as_ref().map(|_| true));
    Plan {
        thinking: Some(with_display(json!({"type": "adaptive"}), shown)),
        effort: effort.map(Effort::name),
        max_tokens: request.max_tokens.unwrap_or(room.min(MAX_TOKENS_OWN)),
    }
}
