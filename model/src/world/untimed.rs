//! Worlds without time. Of the moments on a clock only their order is kept: however long ago something was, it is
//! as recent as anything that happened since allows. A clock then either moves on by one heartbeat, so that no
//! window ever ends by itself, or past every window at once, whenever it likes.

use safetui_core::Tick;

use super::{BASE, World};

/// Past every window.
pub const LAPSE: u8 = 23;

/// More moments than are remembered on one clock.
const MOST: usize = 24;

impl World {
    /// Passes every moment on that node's clock, wherever it is stored, through `change`.
    pub(super) fn moments(&mut self, node: usize, mut change: impl FnMut(Tick) -> Tick) {
        if let Some(core) = &mut self.nodes[node].core {
            core.moments(&mut change);
        }
        if let Some(core) = &mut self.nodes[1 - node].core {
            core.moments_of_peer(&mut change);
        }
        for beat in self.wires[1 - node].beats_mut() {
            beat.sent = change(beat.sent);
        }
        for echo in self.wires[node].beats_mut().filter_map(|beat| beat.echo.as_mut()) {
            echo.sent = change(echo.sent);
        }
    }

    /// The moments before now become as recent as their order allows.
    pub(super) fn keep_order_alone(&mut self, node: usize) {
        let mut past = [Tick(0); MOST];
        let mut len = 0;
        self.moments(node, |tick| {
            if tick > Tick(0) && tick < BASE && !past[..len].contains(&tick) {
                past[len] = tick;
                len += 1;
            }
            tick
        });
        let past = &mut past[..len];
        past.sort_unstable_by(|one, other| other.cmp(one));
        self.moments(node, |tick| {
            past.iter().position(|known| *known == tick).map_or(tick, |at| Tick(BASE.0 - 1 - at as u64))
        });
    }
}
