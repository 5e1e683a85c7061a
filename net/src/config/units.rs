//! Times with SafeKit's units: `d h m s ms us`, without suffix the unit of the attribute.

use std::time::Duration;

/// A unit of time; for an attribute, the finest that it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
}

impl Unit {
    const fn micros(self) -> u64 {
        match self {
            Self::Milliseconds => 1_000,
            Self::Seconds => 1_000_000,
            Self::Minutes => 60_000_000,
            Self::Hours => 3_600_000_000,
        }
    }

    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Minutes => "m",
            Self::Hours => "h",
        }
    }
}

/// Microseconds of each suffix.
const SUFFIXES: [(&str, u64); 6] = [
    ("us", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
];

/// A time as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) value: Duration,
    /// The text named a finer time than the attribute holds.
    pub(super) rounded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadTime {
    /// Not digits followed by a known suffix.
    Shape,
    /// Below one unit of the attribute: rounding would lose it.
    Lost,
    TooLarge,
}

/// Reads a time. SafeKit rounds to the unit of the attribute and refuses what would not survive that, such as
/// `500ms` for seconds.
pub(super) fn time(text: &str, unit: Unit) -> Result<Time, BadTime> {
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text.trim()[digits.len()..];
    let digits = digits.trim_end();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BadTime::Shape);
    }
    let scale = match suffix {
        "" => unit.micros(),
        _ => SUFFIXES.iter().find(|(s, _)| *s == suffix).ok_or(BadTime::Shape)?.1,
    };
    let number: u64 = digits.parse().map_err(|_| BadTime::TooLarge)?;
    let micros = number.checked_mul(scale).ok_or(BadTime::TooLarge)?;
    if micros > 0 && micros < unit.micros() {
        return Err(BadTime::Lost);
    }
    let whole = micros / unit.micros() + u64::from(micros % unit.micros() * 2 >= unit.micros());
    let value = whole.checked_mul(unit.micros()).ok_or(BadTime::TooLarge)?;
    Ok(Time { value: Duration::from_micros(value), rounded: value != micros })
}

/// The shortest exact writing of a time, for messages.
pub(super) fn show(time: Duration) -> String {
    let micros = time.as_micros();
    let exact = SUFFIXES.iter().rev().find(|(_, scale)| micros.is_multiple_of(u128::from(*scale)));
    match exact {
        Some((suffix, scale)) if micros > 0 => format!("{}{suffix}", micros / u128::from(*scale)),
        _ => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str, unit: Unit) -> Result<(u128, bool), BadTime> {
        time(text, unit).map(|t| (t.value.as_millis(), t.rounded))
    }

    #[test]
    fn a_time_is_in_the_unit_of_its_attribute_unless_it_names_another() {
        assert_eq!(ms("700", Unit::Milliseconds), Ok((700, false)));
        assert_eq!(ms("30", Unit::Seconds), Ok((30_000, false)));
        assert_eq!(ms("2m", Unit::Seconds), Ok((120_000, false)));
        assert_eq!(ms("1d", Unit::Hours), Ok((86_400_000, false)));
        assert_eq!(ms("5 s", Unit::Milliseconds), Ok((5_000, false)));
        assert_eq!(ms("0", Unit::Hours), Ok((0, false)));
    }

    #[test]
    fn a_finer_time_is_rounded_but_never_to_nothing() {
        assert_eq!(ms("2000ms", Unit::Seconds), Ok((2_000, false)));
        assert_eq!(ms("1400ms", Unit::Seconds), Ok((1_000, true)));
        assert_eq!(ms("1500ms", Unit::Seconds), Ok((2_000, true)));
        assert_eq!(ms("500ms", Unit::Seconds), Err(BadTime::Lost));
        assert_eq!(ms("999us", Unit::Milliseconds), Err(BadTime::Lost));
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in ["", "s", "-1", "1.5s", "10x", "1 0", "1msx"] {
            assert_eq!(ms(text, Unit::Seconds), Err(BadTime::Shape), "{text}");
        }
        assert_eq!(ms("99999999999999999999", Unit::Seconds), Err(BadTime::TooLarge));
        assert_eq!(ms("999999999999999999d", Unit::Seconds), Err(BadTime::TooLarge));
    }

    #[test]
    fn a_time_is_shown_in_its_largest_exact_unit() {
        let shown = [0, 1_500, 2_000, 90_000, 86_400_000].map(|ms| show(Duration::from_millis(ms)));
        assert_eq!(shown, ["0", "1500ms", "2s", "90s", "1d"]);
    }
}
