//! The automaton as a picture, drawn from the very table that decides ([`Role::next`]).

use core::fmt::{Display, Formatter, Result};

use crate::role::{Cause, Role};

/// The picture in one of two languages; what it prints is the whole document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graph {
    /// Drawn by most places that show Markdown.
    Mermaid,
    /// Graphviz.
    Dot,
}

/// One arrow for all causes that lead from one role to the same other.
struct Arrow {
    from: Role,
    to: Role,
}

impl Arrow {
    fn all() -> impl Iterator<Item = Self> {
        let pairs = Role::ALL.into_iter().flat_map(|from| Role::ALL.map(|to| Self { from, to }));
        pairs.filter(|arrow| arrow.causes().next().is_some())
    }

    fn causes(&self) -> impl Iterator<Item = Cause> {
        Cause::ALL.into_iter().filter(|cause| self.from.next(*cause) == Some(self.to))
    }

    /// Its causes, `between` them; a colon would end a label of mermaid.
    fn label(&self, f: &mut Formatter<'_>, between: &str) -> Result {
        for (nth, cause) in self.causes().enumerate() {
            f.write_str(if nth == 0 { "" } else { between })?;
            for (nth, part) in cause.text().split(':').enumerate() {
                f.write_str(if nth == 0 { "" } else { " -" })?;
                f.write_str(part)?;
            }
        }
        Ok(())
    }
}

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Mermaid => mermaid(f),
            Self::Dot => dot(f),
        }
    }
}

fn mermaid(f: &mut Formatter<'_>) -> Result {
    writeln!(f, "stateDiagram-v2")?;
    writeln!(f, "    [*] --> {}", Role::default().word())?;
    for arrow in Arrow::all() {
        write!(f, "    {} --> {}: ", arrow.from.word(), arrow.to.word())?;
        arrow.label(f, "<br/>")?;
        writeln!(f)?;
    }
    Ok(())
}

fn dot(f: &mut Formatter<'_>) -> Result {
    writeln!(f, "digraph mirror {{")?;
    writeln!(f, "    node [shape=box, style=rounded];")?;
    for role in Role::ALL {
        let style = if role.serves() { " [style=\"rounded,bold\"]" } else { "" };
        writeln!(f, "    {}{style};", role.word())?;
    }
    for arrow in Arrow::all() {
        write!(f, "    {} -> {} [label=\"", arrow.from.word(), arrow.to.word())?;
        arrow.label(f, "\\n")?;
        writeln!(f, "\"];")?;
    }
    writeln!(f, "}}")
}
