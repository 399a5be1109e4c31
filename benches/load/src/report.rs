//! Findings as Markdown, and the verdict on each promise.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::findings::{Case, Cost, Findings, Latency, Memory, PairCost};
use crate::open;
use crate::script::Behaviour;
use crate::stats::{median, minimum, paired_ratio};
use crate::target::Kind;
use crate::tollgate::Work;

const SYSCALLS_MAX: f64 = 4.2;
const IDLE_MIB_MAX: f64 = 30.0;
const STREAM_KIB_MAX: f64 = 40.0;
const ADDED_P99_US_MAX: f64 = 300.0;
/// An event that is translated, against one of the same provider that is passed through.
const TRANSLATED_RATIO_MAX: f64 = 3.0;
const TRANSLATED_ALLOCATIONS_MAX: f64 = 1.0;
/// The rate at which the added latency is promised.
const ADDED_P99_RATE: u32 = 1000;

/// One number of a latency report.
type Pick = fn(&open::Report) -> f64;

/// One promise, and whether it was kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Check {
    /// What is promised.
    pub(crate) promise: String,
    /// What was seen, or that nothing was.
    pub(crate) seen: String,
    /// Whether it was kept; a promise that was not measured was not kept.
    pub(crate) kept: bool,
}

/// Judges every promise.
pub(crate) fn checks(findings: &Findings) -> Vec<Check> {
    let mut checks: Vec<Check> = findings.costs.iter().map(|(case, costs)| check_cost(*case, costs)).collect();
    let ours = findings.memory.get(&Kind::Tollgate);
    checks.push(at_most(
        "system calls per request",
        findings.syscalls.get(&Kind::Tollgate).map(|counted| counted.calls.total),
        SYSCALLS_MAX,
        "",
    ));
    checks.push(Check {
        promise: "allocations per request are counted".to_owned(),
        seen: findings.own_books.map_or_else(not_measured, |books| format!("{:.2}", books.allocations)),
        kept: findings.own_books.is_some(),
    });
    let translated = || findings.pairs.iter().filter(|cost| !cost.passes());
    checks.push(at_most(
        "allocations per translated event, dearest of all pairs",
        translated().map(|cost| cost.allocations).max_by(f64::total_cmp),
        TRANSLATED_ALLOCATIONS_MAX,
        "",
    ));
    checks.push(at_most(
        "CPU per translated event, dearest of all pairs",
        translated().filter_map(|cost| ratio_to_passing(findings, cost)).max_by(f64::total_cmp),
        TRANSLATED_RATIO_MAX,
        " × passed through",
    ));
    checks.push(check_work(findings));
    checks.push(below("resident memory, idle", ours.map(|it| mib(it.idle_kib)), IDLE_MIB_MAX, " MB"));
    let streams = ours.map_or(findings.plan.held_streams, |it| it.held.streams);
    let promise = format!("memory per open stream ({streams} open)");
    checks.push(below(&promise, ours.and_then(stream_kib), STREAM_KIB_MAX, " KB"));
    checks.push(check_latency(findings));
    checks
}

fn check_cost(case: Case, costs: &BTreeMap<Kind, Vec<Cost>>) -> Check {
    let ratio = costs_of(costs, Kind::Tollgate).zip(costs_of(costs, Kind::Nginx));
    let ratio = ratio.and_then(|(ours, theirs)| paired_ratio(&ours, &theirs));
    at_most(&format!("CPU per {}", case.name()), ratio, case.ratio_max(), " × nginx")
}

/// Speed by leaving work undone would not count.
fn check_work(findings: &Findings) -> Check {
    let seen = |work: &Work| {
        let Work { requests, output_tokens, cost_usd, log_lines } = work;
        format!("{requests:.4} counted, {output_tokens:.2} output tokens, {cost_usd:.6} USD, {log_lines:.4} log lines")
    };
    let work = findings.own_books.map(|books| books.work);
    Check {
        promise: "every request is counted, metered, priced and logged".to_owned(),
        seen: work.as_ref().map_or_else(not_measured, seen),
        kept: work.is_some_and(|work| work.is_whole()),
    }
}

/// What nginx adds in the same rounds is shown beside it, because it says how quiet the machine was.
fn check_latency(findings: &Findings) -> Check {
    let latency = findings.latency.iter().find(|it| it.rate == ADDED_P99_RATE);
    let added = |kind| added_us(latency?, kind, |it| it.p99_us);
    let promise = format!("added latency at {ADDED_P99_RATE} requests/s, p99");
    let mut check = below(&promise, added(Kind::Tollgate), ADDED_P99_US_MAX, " µs");
    if let Some(nginx) = added(Kind::Nginx) {
        check.seen.push_str(&format!(" (nginx {nginx:.1} µs)"));
    }
    check
}

/// Judges at the two decimals that are shown.
fn at_most(promise: &str, seen: Option<f64>, max: f64, unit: &str) -> Check {
    Check {
        promise: format!("{promise}: at most {max}{unit}"),
        seen: seen.map_or_else(not_measured, |seen| format!("{seen:.2}{unit}")),
        kept: seen.is_some_and(|seen| (seen * 100.0).round() <= (max * 100.0).round()),
    }
}

fn below(promise: &str, seen: Option<f64>, bound: f64, unit: &str) -> Check {
    Check {
        promise: format!("{promise}: below {bound}{unit}"),
        seen: seen.map_or_else(not_measured, |seen| format!("{seen:.1}{unit}")),
        kept: seen.is_some_and(|seen| seen < bound),
    }
}

fn not_measured() -> String {
    "not measured".to_owned()
}

/// The whole report.
pub(crate) fn markdown(findings: &Findings) -> String {
    let mut out = String::new();
    write_all(&mut out, findings).expect("a String takes every write");
    out
}

fn write_all(out: &mut String, findings: &Findings) -> fmt::Result {
    writeln!(out, "# Speed and memory of the gateway\n")?;
    write_header(out, findings)?;
    write_checks(out, &checks(findings))?;
    write_costs(out, findings)?;
    write_pairs(out, findings)?;
    write_counts(out, findings)?;
    write_memory(out, findings)?;
    write_latency(out, findings)
}

fn write_header(out: &mut String, findings: &Findings) -> fmt::Result {
    let plan = &findings.plan;
    writeln!(
        out,
        "Made by `load all`. Each gateway has one thread and core 0; the mock provider and the generator share core 1; \
         all traffic is loopback, HTTP/1.1, without TLS. nginx is a bare reverse proxy (one worker, kept connections, \
         no log, bodies in memory, buffered for JSON, unbuffered for streams): it looks at no key, body or usage. \
         Tollgate does all of its work: key, look into the body, usage, price, metrics and access log. `floor` copies bytes between two \
         sockets and knows no HTTP. Targets are measured in turns; values are medians over rounds with the minimum in \
         brackets, ratios are medians of the ratios within each round. Every answer was checked for status, length \
         or number of events, and `[DONE]`.\n"
    )?;
    writeln!(out, "- Machine: {}", findings.machine)?;
    writeln!(out, "- Load average before and after: {}; {}", findings.load[0], findings.load[1])?;
    writeln!(
        out,
        "- CPU: {} rounds of {} ms ({} of {} ms for paced streams) after a warm-up, {} callers, kernel time included, all \
         threads",
        plan.rounds,
        plan.measure.as_millis(),
        plan.paced_rounds,
        plan.paced_measure.as_millis(),
        plan.connections
    )?;
    writeln!(
        out,
        "- Latency: {} rounds of {} ms per rate, open loop, Poisson arrivals, from the intended send time to the last \
         byte; everything at {}\n",
        plan.latency_rounds,
        plan.latency_measure.as_millis(),
        if findings.latency_preferred { "real-time priority, before other work on the machine" } else { "no priority" }
    )
}

fn write_checks(out: &mut String, checks: &[Check]) -> fmt::Result {
    writeln!(out, "## Promises\n\n| promise | seen | |\n|---|---|---|")?;
    for check in checks {
        let verdict = if check.kept { "pass" } else { "**FAIL**" };
        writeln!(out, "| {} | {} | {verdict} |", check.promise, check.seen)?;
    }
    writeln!(out)
}

fn write_costs(out: &mut String, findings: &Findings) -> fmt::Result {
    writeln!(
        out,
        "## CPU\n\nMicroseconds of CPU per request or per chunk. A chunk's cost is that of whole streams, request \
         included, divided by their events: {} paced, {} in bursts of twenty per write.\n\n\
         | | floor | nginx | tollgate | tollgate / nginx | of the minima | per second: nginx, tollgate |\n\
         |---|---|---|---|---|---|---|",
        Behaviour::Paced.events(),
        Behaviour::Burst.events()
    )?;
    for (case, costs) in &findings.costs {
        let cell = |kind| costs_of(costs, kind).map_or_else(dash, |seen| middle_and_least(&seen));
        let pair = costs_of(costs, Kind::Tollgate).zip(costs_of(costs, Kind::Nginx));
        let ratio = pair.as_ref().and_then(|(ours, theirs)| paired_ratio(ours, theirs));
        let least = pair.as_ref().and_then(|(ours, theirs)| Some(minimum(ours)? / minimum(theirs)?));
        let rate = |kind: Kind| {
            let seen: Vec<f64> = costs.get(&kind)?.iter().map(|cost| cost.per_second).collect();
            median(&seen).map(|rate| format!("{rate:.0}"))
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {}, {} |",
            case.name(),
            cell(Kind::Floor),
            cell(Kind::Nginx),
            cell(Kind::Tollgate),
            ratio.map_or_else(dash, |ratio| format!("{ratio:.2}")),
            least.map_or_else(dash, |ratio| format!("{ratio:.2}")),
            rate(Kind::Nginx).unwrap_or_else(dash),
            rate(Kind::Tollgate).unwrap_or_else(dash)
        )?;
    }
    writeln!(out)
}

fn write_pairs(out: &mut String, findings: &Findings) -> fmt::Result {
    writeln!(
        out,
        "## Translation\n\nMicroseconds of CPU for each event of a provider's stream, request included, on its way to \
         clients of each dialect; in brackets the multiple of passing the same stream through, and memory allocations. \
         A stream is a fifth thoughts, three fifths prose with line breaks, quotes and accents, and a fifth a call's \
         arguments, in bursts of twenty per write; {} rounds of {} streams.\n",
        findings.plan.pair_rounds, findings.plan.pair_requests
    )?;
    let heads = samples::DIALECTS.map(|client| format!(" for {} |", client.name())).concat();
    writeln!(out, "| from |{heads}\n|---|{}", "---|".repeat(samples::DIALECTS.len()))?;
    for provider in samples::DIALECTS {
        write!(out, "| {} |", provider.name())?;
        for cost in findings.pairs.iter().filter(|cost| cost.pair.provider == provider) {
            let cpu = median(&cost.cpu_us).map_or_else(dash, |cpu_us| format!("{cpu_us:.2}"));
            let ratio = ratio_to_passing(findings, cost).map_or_else(dash, |ratio| format!("{ratio:.2} ×"));
            write!(out, " {cpu} ({ratio}, {:.2}) |", cost.allocations)?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

/// What an event costs as a multiple of one of the same provider that is passed through.
fn ratio_to_passing(findings: &Findings, cost: &PairCost) -> Option<f64> {
    let passing = findings.pairs.iter().find(|it| it.passes() && it.pair.provider == cost.pair.provider)?;
    paired_ratio(&cost.cpu_us, &passing.cpu_us)
}

fn write_counts(out: &mut String, findings: &Findings) -> fmt::Result {
    writeln!(
        out,
        "## System calls and allocations\n\nPer request with a 1 KB body, over {} requests on {} connections, opening \
         them included.\n\n| | system calls | of which | counted by | allocations |\n|---|---|---|---|---|",
        findings.plan.counted_requests, findings.plan.connections
    )?;
    for (kind, counted) in &findings.syscalls {
        let often = counted.calls.named.iter().filter(|(_, count)| *count >= 0.005);
        let named = often.map(|(name, count)| format!("{name} {count:.2}")).collect::<Vec<_>>().join(", ");
        let own_books = findings.own_books.filter(|_| *kind == Kind::Tollgate);
        let allocations = own_books.map_or_else(dash, |books| format!("{:.2}", books.allocations));
        let (total, tool) = (counted.calls.total, counted.tool.name());
        writeln!(out, "| {} | {total:.2} | {named} | {tool} | {allocations} |", kind.name())?;
    }
    writeln!(out)
}

fn write_memory(out: &mut String, findings: &Findings) -> fmt::Result {
    writeln!(
        out,
        "## Memory\n\nResident memory of all processes of a gateway. Idle and streams: freshly started; under load: the \
         most seen during the CPU measurements.\n\n\
         | | idle | under load | per open stream ({} open) |\n|---|---|---|---|",
        findings.plan.held_streams
    )?;
    for (kind, memory) in &findings.memory {
        writeln!(
            out,
            "| {} | {:.1} MB | {:.1} MB | {} |",
            kind.name(),
            mib(memory.idle_kib),
            mib(memory.loaded_kib_max),
            stream_kib(memory).map_or_else(dash, |kib| format!("{kib:.1} KB"))
        )?;
    }
    writeln!(out)
}

fn write_latency(out: &mut String, findings: &Findings) -> fmt::Result {
    writeln!(
        out,
        "## Latency\n\nMicroseconds, 1 KB body, JSON answer. Added: through the gateway less direct, within each round. \
         Late: how late the generator sent at p99, which its latencies include. Where a round has fewer than 1,000 \
         answers, its p99.9 is the slowest of them.\n\n\
         | requests/s | | direct | nginx | tollgate | added by nginx | added by tollgate |\n|---|---|---|---|---|---|---|"
    )?;
    let percentiles: [(&str, Pick); 4] = [
        ("p50", |it| it.p50_us),
        ("p99", |it| it.p99_us),
        ("p99.9", |it| it.p999_us),
        ("late, p99", |it| it.lag_p99_us),
    ];
    for latency in &findings.latency {
        for (name, pick) in percentiles {
            let cell = |kind| {
                let seen = latency.rounds.get(&kind).map(|rounds| rounds.iter().map(pick).collect::<Vec<f64>>());
                seen.and_then(|seen| median(&seen)).map_or_else(dash, |value| format!("{value:.0}"))
            };
            let added = |kind| added_us(latency, kind, pick).map_or_else(dash, |value| format!("{value:.0}"));
            writeln!(
                out,
                "| {} | {name} | {} | {} | {} | {} | {} |",
                latency.rate,
                cell(Kind::Direct),
                cell(Kind::Nginx),
                cell(Kind::Tollgate),
                added(Kind::Nginx),
                added(Kind::Tollgate)
            )?;
        }
    }
    Ok(())
}

/// Median over the rounds of what `kind` adds to a latency.
fn added_us(latency: &Latency, kind: Kind, pick: Pick) -> Option<f64> {
    let (through, direct) = (latency.rounds.get(&kind)?, latency.rounds.get(&Kind::Direct)?);
    let added: Vec<f64> = through.iter().zip(direct).map(|(through, direct)| pick(through) - pick(direct)).collect();
    median(&added)
}

fn costs_of(costs: &BTreeMap<Kind, Vec<Cost>>, kind: Kind) -> Option<Vec<f64>> {
    costs.get(&kind).map(|costs| costs.iter().map(|cost| cost.cpu_us).collect())
}

fn middle_and_least(seen: &[f64]) -> String {
    match (median(seen), minimum(seen)) {
        (Some(middle), Some(least)) => format!("{middle:.2} ({least:.2})"),
        _ => dash(),
    }
}

fn stream_kib(memory: &Memory) -> Option<f64> {
    (memory.held.streams > 0).then(|| memory.held.added_kib as f64 / f64::from(memory.held.streams))
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn dash() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Counted, Held, OwnBooks, Plan};
    use crate::pair::Pair;
    use crate::syscalls::{Counts, Tool};

    fn costs(values: &[f64]) -> Vec<Cost> {
        values.iter().map(|cpu_us| Cost { cpu_us: *cpu_us, per_second: 1e6 / cpu_us }).collect()
    }

    fn findings() -> Findings {
        let cost = |case| {
            let by_kind = [(Kind::Nginx, costs(&[20.0, 30.0])), (Kind::Tollgate, costs(&[18.0, 27.0]))];
            (case, BTreeMap::from(by_kind))
        };
        let pair = |pair: Pair| {
            let cpu_us = vec![if pair.provider == pair.client { 0.3 } else { 0.6 }];
            PairCost { cpu_us, allocations: 0.1, ..PairCost::of(pair) }
        };
        let calls = Counts { total: 4.1, named: vec![("recvfrom".into(), 2.0)] };
        let work = Work { requests: 1.0, output_tokens: 200.0, cost_usd: 0.00253, log_lines: 1.0 };
        let held = Held { streams: 1000, added_kib: 20_000 };
        let at = |p99_us| vec![open::Report { p99_us, ..open::Report::default() }];
        let rounds = BTreeMap::from([(Kind::Direct, at(100.0)), (Kind::Tollgate, at(350.0))]);
        Findings {
            plan: Plan::quick(),
            machine: "a machine".into(),
            load: ["0.1".into(), "0.2".into()],
            costs: Case::ALL.map(cost).to_vec(),
            syscalls: BTreeMap::from([(Kind::Tollgate, Counted { tool: Tool::Perf, calls })]),
            pairs: Pair::all().map(pair).collect(),
            own_books: Some(OwnBooks { allocations: 3.0, work }),
            memory: BTreeMap::from([(Kind::Tollgate, Memory { idle_kib: 20_480, held, loaded_kib_max: 30_720 })]),
            latency: vec![Latency { rate: 1000, rounds }],
            latency_preferred: true,
        }
    }

    #[test]
    fn a_run_that_keeps_every_promise_passes() {
        let checks = checks(&findings());
        assert_eq!(checks.len(), Case::ALL.len() + 8);
        for check in checks {
            assert!(check.kept, "{check:?}");
        }
    }

    #[test]
    fn the_dearest_pair_is_judged() {
        let mut findings = findings();
        findings.pairs[6].cpu_us = vec![1.2];
        findings.pairs[6].allocations = 1.5;
        let broken: Vec<String> =
            checks(&findings).into_iter().filter(|check| !check.kept).map(|check| check.seen).collect();
        assert_eq!(broken, ["1.50", "4.00 × passed through"]);
    }

    #[test]
    fn a_broken_promise_fails_and_says_what_was_seen() {
        let mut findings = findings();
        findings.costs[0].1.insert(Kind::Tollgate, costs(&[22.2, 33.3]));
        let broken: Vec<Check> = checks(&findings).into_iter().filter(|check| !check.kept).collect();
        assert_eq!(broken.len(), 1);
        assert_eq!(broken[0].seen, "1.11 × nginx");
        assert!(markdown(&findings).contains("| 1.11 × nginx | **FAIL** |"));
    }

    #[test]
    fn what_was_not_measured_is_not_kept() {
        let mut findings = findings();
        findings.costs.iter_mut().for_each(|(_, costs)| drop(costs.remove(&Kind::Tollgate)));
        findings.memory.clear();
        findings.syscalls.clear();
        findings.own_books = None;
        findings.pairs.clear();
        findings.latency.clear();
        assert!(checks(&findings).iter().all(|check| !check.kept && check.seen == "not measured"));
    }

    #[test]
    fn a_ratio_is_judged_as_it_is_shown() {
        assert!(at_most("x", Some(1.004), 1.0, "").kept);
        assert!(!at_most("x", Some(1.006), 1.0, "").kept);
        assert!(!below("x", Some(30.0), 30.0, "").kept);
    }
}
