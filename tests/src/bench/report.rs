//! What a bench found: one row per thing that was measured, as a table or as one JSON object a line.

use std::fmt::Write;

use serde_json::{Value, json};

/// Measured values of one thing on one side. Infinite: it did not happen at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// The middle value, the mean of the two middle ones; none of nothing.
    pub fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
        Some(f64::midpoint(*low, *high))
    }

    /// The least and the greatest value.
    pub fn range(&self) -> Option<(f64, f64)> {
        let sorted = self.sorted();
        Some((*sorted.first()?, *sorted.last()?))
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// `median (least..greatest)`.
    fn text(&self) -> String {
        match (self.median(), self.range()) {
            (Some(median), Some((least, greatest))) => {
                format!("{} ({}..{})", number(median), number(least), number(greatest))
            }
            _ => "-".into(),
        }
    }
}

/// One thing that was measured, here and at the peer. Less is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub bench: &'static str,
    pub row: String,
    pub unit: &'static str,
    pub ours: Samples,
    /// What was measured against; empty when the peer has no such thing.
    pub peer: String,
    pub theirs: Samples,
    /// What the configured timers alone impose on us.
    pub floor: Option<f64>,
}

impl Row {
    /// Theirs divided by ours: more than 1 means that ours is better.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.theirs.median()? / self.ours.median()?)
    }

    /// The keys that readers rely on, and the ranges. What has no value, or did not happen, is `null`.
    pub fn json(&self) -> Value {
        let range =
            |samples: &Samples| samples.range().map(|(least, greatest)| [tenth(least), tenth(greatest)]);
        json!({
            "bench": self.bench,
            "row": self.row,
            "unit": self.unit,
            "ours": self.ours.median().map(tenth),
            "ours_range": range(&self.ours),
            "peer": self.peer,
            "theirs": self.theirs.median().map(tenth),
            "theirs_range": range(&self.theirs),
            "ratio": self.ratio().map(|ratio| (ratio * 100.0).round() / 100.0),
            "floor": self.floor.map(tenth),
        })
    }
}

/// All rows, aligned, under a heading, as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let head = ["row", "unit", "ours", "peer", "theirs", "ratio", "floor"].map(String::from);
    let lines: Vec<[String; 7]> = std::iter::once(head).chain(rows.iter().map(cells)).collect();
    let widths: [usize; 7] = std::array::from_fn(|column| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    });
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        if number == 0 {
            let rules = widths.map(|width| "-".repeat(width + 2));
            let _ = writeln!(text, "|{}|", rules.join("|"));
        }
    }
    text
}

fn cells(row: &Row) -> [String; 7] {
    let dash = || "-".to_owned();
    [
        row.row.clone(),
        row.unit.into(),
        row.ours.text(),
        if row.peer.is_empty() { dash() } else { row.peer.clone() },
        row.theirs.text(),
        row.ratio().filter(|ratio| ratio.is_finite()).map_or_else(dash, |ratio| format!("{ratio:.2}")),
        row.floor.map_or_else(dash, number),
    ]
}

fn number(value: f64) -> String {
    match value {
        _ if value.is_infinite() => "never".into(),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: &[f64], theirs: &[f64]) -> Row {
        Row {
            bench: "b",
            row: "r".into(),
            unit: "ms",
            ours: Samples(ours.to_vec()),
            peer: "p".into(),
            theirs: Samples(theirs.to_vec()),
            floor: Some(1.0),
        }
    }

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(Samples(vec![9.0, 1.0, 5.0]).median(), Some(5.0));
        assert_eq!(Samples(vec![9.0, 1.0, 5.0, 2.0]).median(), Some(3.5));
        assert_eq!(Samples(vec![4.0]).median(), Some(4.0));
        assert_eq!(Samples(vec![]).median(), None);
    }

    #[test]
    fn a_ratio_above_one_means_that_ours_is_better() {
        let json = row(&[100.0, 50.0, 200.0], &[300.0]).json();
        assert_eq!((json["ratio"].as_f64(), json["ours"].as_f64()), (Some(3.0), Some(100.0)));
        assert_eq!(json["ours_range"], json!([50.0, 200.0]));
    }

    #[test]
    fn what_did_not_happen_or_is_not_comparable_is_said() {
        let never = row(&[f64::INFINITY], &[]);
        assert_eq!((never.json()["ours"].clone(), never.json()["ratio"].clone()), (Value::Null, Value::Null));
        assert!(table(&[never]).contains("| never (never..never) | p    | -      | -     | 1.0   |"));
    }
}
