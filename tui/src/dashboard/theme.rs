//! What colours mean. Colour never stands alone: wherever a tone says something, a shape and a word say it too.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text tells the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Strong,
    Dim,
    Good,
    Moving,
    Bad,
    Unknown,
    /// Keys, cursors, what the operator did.
    Accent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// The 16 ANSI colours, so the operator's own palette decides.
    #[default]
    Auto,
    /// Blue, orange, vermilion: told apart with any colour vision. Needs 256 colours.
    Cvd,
    /// Bold and reverse only.
    Mono,
}

impl Theme {
    /// The theme for this environment: what was asked for, unless `NO_COLOR` or the terminal forbid colours.
    pub(crate) fn from_env(asked: Self) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = std::env::var("TERM").unwrap_or_default();
        if no_color || terminal == "dumb" || terminal.starts_with("vt") { Self::Mono } else { asked }
    }

    /// Black and white are never named: which of them is readable depends on the operator's background.
    pub(crate) fn style(self, tone: Tone) -> Style {
        let style = Style::new();
        let bold = style.add_modifier(Modifier::BOLD);
        match (self, tone) {
            (_, Tone::Strong) | (Self::Mono, Tone::Bad | Tone::Accent) => bold,
            (_, Tone::Plain) | (Self::Mono, Tone::Dim | Tone::Good | Tone::Moving | Tone::Unknown) => style,
            (_, Tone::Dim) => style.add_modifier(Modifier::DIM),
            (Self::Auto, Tone::Good) => style.fg(Color::Green),
            (Self::Auto, Tone::Moving) => style.fg(Color::Yellow),
            (Self::Auto, Tone::Bad) => bold.fg(Color::Red),
            (Self::Auto | Self::Cvd, Tone::Unknown) => style.fg(Color::Magenta),
            (Self::Auto, Tone::Accent) => style.fg(Color::Cyan),
            // The nearest of the 256 colours to Okabe and Ito's blue, orange, vermilion and sky blue.
            (Self::Cvd, Tone::Good) => style.fg(Color::Indexed(32)),
            (Self::Cvd, Tone::Moving) => style.fg(Color::Indexed(214)),
            (Self::Cvd, Tone::Bad) => bold.fg(Color::Indexed(166)),
            (Self::Cvd, Tone::Accent) => style.fg(Color::Indexed(74)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_names_no_colour() {
        use Tone::{Accent, Bad, Dim, Good, Moving, Plain, Strong, Unknown};
        for tone in [Plain, Strong, Dim, Good, Moving, Bad, Unknown, Accent] {
            let style = Theme::Mono.style(tone);
            assert_eq!((style.fg, style.bg), (None, None), "{tone:?}");
        }
    }
}
