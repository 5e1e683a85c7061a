//! The tables of `README.md`, made of a report and compared with the committed ones.

use crate::{
    pair::Pair,
    property,
    verify::{MutantRow, Report, WorldRow},
    world::World,
    worlds::{self, Entry},
};

/// What stands around the tables in a document.
const BEGINS: &str = "<!-- made by `safetui verify --markdown` -->";
const ENDS: &str = "<!-- end of what is made -->";

/// Places in [`property::claims`]: the first ones are claimed only where a second server is excluded, and these
/// two only where clocks mean something.
const EXCLUSIVE: usize = 3;
const TIMED: [usize; 2] = [1, 7];

/// All tables, with the lines around them.
pub fn tables(report: &Report) -> String {
    let parts = [properties(), worlds(report), limits(report), mutants(report)];
    format!("{BEGINS}\n\n{}\n{ENDS}\n", parts.join("\n"))
}

/// Lines in which the tables of `document` are not those of the report, times apart: its own with `-`, those that
/// should be there with `+`.
pub fn differences(document: &str, report: &Report) -> Vec<String> {
    let committed =
        document.split_once(BEGINS).map_or("", |(_, rest)| rest.split_once(ENDS).unwrap_or((rest, "")).0);
    let made = tables(report);
    let made = made.trim_start_matches(BEGINS).trim_end().trim_end_matches(ENDS);
    let lines =
        |text: &str| -> Vec<String> { text.lines().map(untimed).filter(|line| !line.is_empty()).collect() };
    let (old, new) = (lines(committed), lines(made));
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(come).collect()
}

/// A line without the cells that say how long something took.
fn untimed(line: &str) -> String {
    let takes = |cell: &&str| cell.trim().strip_suffix(" s").is_some_and(|span| span.parse::<f64>().is_ok());
    line.split('|').filter(|cell| !takes(cell)).collect::<Vec<_>>().join("|").trim().to_string()
}

fn properties() -> String {
    let row = |(at, name): (usize, &str)| format!("| {} | {name} |\n", at + 1);
    let rows: Vec<String> = property::claims().into_iter().enumerate().map(row).collect();
    format!("| | property |\n|---|---|\n{}", rows.concat())
}

fn worlds(report: &Report) -> String {
    let columns = property::claims().len();
    let heads: Vec<String> = (1..=columns).map(|number| format!(" {number} |")).collect();
    let row = |(row, entry): (&WorldRow, Entry)| {
        let claims = claimed(&Pair::new(entry.settings)).into_iter();
        let cells: Vec<&str> = claims.map(|it| if it { " ✓ |" } else { " – |" }).collect();
        format!("| {} | {} |{} {:.1} s |\n", row.name, grouped(row.states), cells.concat(), row.seconds)
    };
    let rows: Vec<String> = report.worlds.iter().zip(worlds::all()).map(row).collect();
    format!(
        "| world | states |{} time |\n|---|--:|{}--:|\n{}\n{} states in {} worlds, each explored to its end.\n",
        heads.concat(),
        ":-:|".repeat(columns),
        rows.concat(),
        grouped(report.states),
        report.worlds.len()
    )
}

/// Which properties mean something in a world; the others are not claimed there.
fn claimed(pair: &Pair) -> Vec<bool> {
    let excludes = pair.excludes(&World::start(&pair.settings));
    let claims = |at: usize| (at >= EXCLUSIVE || excludes) && (!TIMED.contains(&at) || pair.has_time());
    (0..property::claims().len()).map(claims).collect()
}

fn limits(report: &Report) -> String {
    counterexamples("without the assumption", &report.limits)
}

fn mutants(report: &Report) -> String {
    counterexamples("without the rule", &report.mutants)
}

fn counterexamples(what: &str, rows: &[MutantRow]) -> String {
    let row = |row: &MutantRow| {
        let falls = row.refuted_by.unwrap_or("nothing");
        format!("| {} | {falls} | {} | {} |\n", row.rule, row.length, row.world)
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    format!("| {what} | falls | steps | in the world |\n|---|---|--:|---|\n{}", rows.concat())
}

/// `1234567` as `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::blank();
        let first = worlds::all().remove(0);
        report.worlds.push(WorldRow {
            name: first.settings.name,
            states: 1234,
            complete: true,
            seconds: 1.5,
        });
        let row =
            MutantRow { rule: "Hold", refuted_by: Some("it"), length: 4, world: "w", story: Vec::new() };
        report.mutants.push(row);
        report
    }

    #[test]
    fn only_times_may_differ_from_what_is_committed() {
        let document = format!("before\n{}after\n", tables(&report()));
        assert_eq!(differences(&document, &report()), [""; 0]);
        let mut slower = report();
        slower.worlds[0].seconds = 99.0;
        assert_eq!(differences(&document, &slower), [""; 0]);

        let mut other = report();
        other.mutants[0].length = 5;
        assert_eq!(differences(&document, &other), ["- | Hold | it | 4 | w |", "+ | Hold | it | 5 | w |"]);
        let mut other = report();
        other.worlds[0].states = 1235;
        assert_eq!(differences(&document, &other).len(), 2);
        assert!(!differences("no table at all", &report()).is_empty());
    }

    #[test]
    fn the_properties_that_not_every_world_claims_are_the_ones_that_are_named() {
        let names = property::claims();
        assert_eq!(names[EXCLUSIVE - 1], "who serves has every acknowledged write");
        let timed = TIMED.map(|at| names[at]);
        let meant = [
            "at most one node answers for the virtual IP",
            "a survivor of a healthy pair serves in its window",
        ];
        assert_eq!(timed, meant);
        let claims = |settings| claimed(&Pair::new(settings));
        assert!(claims(worlds::TWO_CRASHES).into_iter().all(|it| it));
        assert_eq!(claims(worlds::FORKS)[..4], [false, false, false, true]);
        assert!(!claims(worlds::UNTIMED)[1]);
    }

    #[test]
    fn numbers_are_read_in_groups_of_three() {
        assert_eq!([7, 999, 1000, 1_234_567].map(grouped), ["7", "999", "1,000", "1,234,567"]);
    }
}
