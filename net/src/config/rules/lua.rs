//! The tables in which SafeKit writes rules since 7.5. They are Lua, but only read, never run: what is allowed is
//! what declares a rule or takes one away.
//!
//! ```text
//! --Lua Rules
//! Rules = Rules + { web_down=if_then("tcp.web","down",Action.restart), _group="checker" }
//! Rules.disable("ip_failure")
//! ```

use safetui_core::rule::States;

use super::{
    Rule,
    condition::{Names, comparable, state},
    legacy::order,
    text::{Kind, Spelling, Token, Tokens},
};
use crate::config::{code, report::Report, spelling, xml::Cdata};

const SPELLING: Spelling = Spelling {
    signs: &["=", "+", "{", "}", "(", ")", ",", ";"],
    comments: &[("--[[", "]]"), ("--", "\n")],
    quotes: true,
    in_word: "_.",
};

/// Does the text begin with SafeKit's first line of such tables?
pub(super) fn is_lua(text: &str) -> bool {
    text.trim_start().lines().next().is_some_and(|line| line.trim_end() == "--Lua Rules")
}

/// Reads the rules; what the text disables is added to `disabled`.
pub(super) fn read(
    report: &mut Report<'_>,
    words: &Cdata,
    names: &Names<'_>,
    disabled: &mut Vec<(usize, String)>,
) -> Vec<Rule> {
    let Some(tokens) = Tokens::cut(report, words, &SPELLING) else { return Vec::new() };
    let mut parser = Parser { report, names, tokens, rules: Vec::new(), disabled };
    while !parser.tokens.at_end() {
        if parser.statement().is_none() {
            break;
        }
    }
    parser.rules
}

struct Parser<'a, 'r> {
    report: &'a mut Report<'r>,
    names: &'a Names<'a>,
    tokens: Tokens,
    rules: Vec<Rule>,
    disabled: &'a mut Vec<(usize, String)>,
}

impl Parser<'_, '_> {
    fn statement(&mut self) -> Option<()> {
        if self.tokens.word("Rules") {
            self.tokens.demand(self.report, "=")?;
            if !self.tokens.word("Rules") {
                self.tokens.expected(self.report, "\"Rules + {\", which adds rules");
                return None;
            }
            self.tokens.demand(self.report, "+")?;
            self.table()?;
        } else if self.tokens.word("Rules.disable") {
            self.tokens.demand(self.report, "(")?;
            let label = self.text("the name of a rule in quotes")?;
            self.disabled.push(label);
            self.tokens.demand(self.report, ")")?;
        } else {
            self.other();
            return None;
        }
        self.tokens.sign(";");
        Some(())
    }

    fn other(&mut self) {
        let Token { at, kind } = self.tokens.peek().clone();
        let message = format!("only rules can be declared here, found {}", kind.shown());
        let found = self.report.error(code::RULE, at, message);
        found.allowed("Rules = Rules + { ... }, Rules.disable(\"label\")");
        if let Kind::Word(word) = kind {
            found.help = spelling::suggestion(&word, ["Rules", "Rules.disable"]);
        }
    }

    fn table(&mut self) -> Option<()> {
        self.tokens.demand(self.report, "{")?;
        while !self.tokens.sign("}") {
            self.field()?;
            if !(self.tokens.sign(",") || self.tokens.sign(";")) && self.tokens.peek().kind != Kind::Sign("}")
            {
                self.tokens.expected(self.report, "\",\" or \"}\"");
                return None;
            }
        }
        Some(())
    }

    fn field(&mut self) -> Option<()> {
        let Token { at, kind: Kind::Word(label) } = self.tokens.peek().clone() else {
            self.tokens.expected(self.report, "the name of a rule");
            return None;
        };
        self.tokens.take();
        self.tokens.demand(self.report, "=")?;
        if label == "_group" {
            // It only sorts rules on SafeKit's screens.
            return self.text("the name of a group in quotes").map(|_| ());
        }
        if !self.tokens.word("if_then") {
            self.tokens.expected(self.report, "if_then(\"class.id\", \"state\", Action.name)");
            return None;
        }
        self.tokens.demand(self.report, "(")?;
        let (resource_at, resource) = self.text("a resource in quotes")?;
        self.tokens.demand(self.report, ",")?;
        let (state_at, word) = self.text("a state in quotes")?;
        self.tokens.demand(self.report, ",")?;
        let (action_at, action) = self.action()?;
        self.tokens.demand(self.report, ")")?;
        // The table is whole: what its words mean is a matter of each rule by itself.
        let resources = self.names.resources(self.report, resource_at, &resource);
        let state = state(&word);
        if state.is_none() {
            let found = self.report.error(code::RULE, state_at, format!("unknown state \"{word}\""));
            found.allowed("init, up, down, unknown");
            found.help = spelling::suggestion(&word, ["init", "up", "down", "unknown"]);
        }
        let order = order(self.report, action_at, &action);
        if let (Some(resources), Some(state), Some(order)) = (resources, state, order)
            && comparable(self.report, state_at, resources.whose, state)
        {
            let condition = resources.are(States::only(state));
            self.rules.push(Rule { label, at, condition, order });
        }
        Some(())
    }

    /// The text in quotes that must stand here, and where it begins.
    fn text(&mut self, what: &str) -> Option<(usize, String)> {
        let Token { at, kind: Kind::Text(text) } = self.tokens.peek().clone() else {
            self.tokens.expected(self.report, what);
            return None;
        };
        self.tokens.take();
        Some((at + 1, text))
    }

    fn action(&mut self) -> Option<(usize, String)> {
        if let Token { at, kind: Kind::Word(word) } = self.tokens.peek().clone()
            && let Some(action) = word.strip_prefix("Action.")
        {
            self.tokens.take();
            return Some((at + word.len() - action.len(), action.to_owned()));
        }
        self.tokens.expected(self.report, "Action.name");
        None
    }
}
