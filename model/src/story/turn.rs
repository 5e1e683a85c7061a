//! What a node did, and why: the change of its role, with what it had seen.

use safetui_core::{Cause, Role, Witness, mirror::Step as Stage};

use super::Voice;
use crate::world::{BASE, Core, Given, World};

impl Voice {
    /// What has changed at `node`, if it is worth telling.
    pub(super) fn turn(
        &self,
        settings: &Given,
        node: usize,
        before: &World,
        after: &World,
    ) -> Option<String> {
        let (was, is) = (&before.nodes[node], &after.nodes[node]);
        let core = is.core.as_ref()?;
        let role = was.core.as_ref().map(Core::role);
        if role != Some(core.role()) {
            return self.role(settings, node, was.core.as_ref(), core);
        }
        let forked =
            core.cause() == Cause::Forked && was.core.as_ref().map(Core::cause) != Some(Cause::Forked);
        if forked && core.role() == Role::Wait {
            return Some(format!(
                "sees that {} has writes which it has not, and has some itself: it waits for an operator",
                self.other(node)
            ));
        }
        let lapsed = was.answers() && !is.answers() && core.step() != Stage::Leaving;
        lapsed.then(|| "no longer answers for the virtual IP: its lease has run out".into())
    }

    fn role(&self, settings: &Given, node: usize, was: Option<&Core>, is: &Core) -> Option<String> {
        let peer = self.other(node);
        let from = was.map_or(Role::Stop, Core::role);
        let silence = BASE.since(is.heard());
        let silent = format!("has heard nothing of {peer} for {}", self.span(silence));
        let unheard = if silence > settings.timing.silence() || from == Role::Second {
            silent
        } else {
            format!("has no sign that {peer} still hears it")
        };
        let text = match (from, is.role(), is.cause()) {
            (Role::Prim, Role::Alone, Cause::PeerLost) => {
                format!("{unheard}, {}: it goes on serving alone", self.won(settings.witness))
            }
            (Role::Second, Role::Alone, Cause::PeerLost) => {
                format!("{unheard}, {}: it takes over and serves", self.won(settings.witness))
            }
            (Role::Prim, Role::Wait, Cause::ContestLost) => {
                let doubt = self.doubt(settings, node, is);
                format!("{unheard}, {doubt}: it stops serving and waits")
            }
            (Role::Second, Role::Wait, Cause::ContestLost) => {
                let doubt = self.doubt(settings, node, is);
                format!("{unheard}, {doubt}: it does not take over, and waits")
            }
            (_, Role::Wait, Cause::Started) => return None,
            (_, role, Cause::PeerLeft) => {
                format!("hears that {peer} has stopped serving: it takes over ({})", role.word())
            }
            (_, Role::Prim, Cause::Paired) => format!("and {peer} are a pair again: {peer} has everything"),
            (_, role, cause) => format!("becomes {}: {}", role.word(), cause.text()),
        };
        Some(text)
    }

    /// Why a silent peer was not taken for dead.
    fn doubt(&self, settings: &Given, node: usize, core: &Core) -> String {
        let why = core.explain(settings.config(node), BASE);
        let guards = why.into_iter().flat_map(|why| why.guards).flatten();
        let unanswered = guards.into_iter().any(|guard| guard.name == "witness answers" && !guard.holds);
        if unanswered {
            format!("and {} does not answer it either", self.witness)
        } else {
            format!("and {} may have gone on", self.other(node))
        }
    }

    /// Why a silent peer was taken for dead.
    fn won(&self, witness: Witness) -> String {
        match witness {
            Witness::None => "and has nobody else to ask".into(),
            Witness::Router => format!("and {} has answered it without a gap", self.witness),
            Witness::Arbiter => format!("and {} has granted it to go on alone", self.witness),
        }
    }
}
