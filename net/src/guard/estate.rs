//! What a dead agent leaves: addresses, an application, mounts, and a peer that waits for word.

use std::{fs, path::Path, time::Duration};

use nix::mount::{MntFlags, umount2};
use safetui_core::{Beat, Boot, Kin, Role, Status};

use super::wait;
use crate::{
    agent::packet::{Entry, LAST_WORD, Packet},
    driver::{Plan, address, now, record, runner},
    heartbeat::Links,
    node::Node,
    vip::Lease,
    wire::Sealer,
};

/// How long the application may take to die.
const KILL_WITHIN: Duration = Duration::from_secs(5);
/// The last word is said so often, for networks that lose packets.
const REPEATS: u32 = 5;
const APART: Duration = Duration::from_millis(40);
/// No agent is killed for a shorter silence.
const LEAST_PATIENCE: Duration = Duration::from_millis(300);
/// Without modules nothing depends on the agent.
const WITHOUT_MODULES: Duration = Duration::from_secs(2);

/// The modules of the agent, as they were configured when it last said so.
pub(super) struct Estate {
    node: Node,
    plans: Vec<Plan>,
}

impl Estate {
    pub(super) fn new(node: Node) -> Self {
        let mut estate = Self { node, plans: Vec::new() };
        estate.reload();
        estate
    }

    /// Reads the modules anew. One that cannot be read now may have run before: it stays as it was.
    pub(super) fn reload(&mut self) {
        let names = self.node.modules();
        let known = |name: &String| self.plans.iter().find(|plan| plan.module.name == *name).cloned();
        let plan = |name: &String| self.node.plan(name).ok().or_else(|| known(name));
        self.plans = names.iter().filter_map(plan).collect();
    }

    /// How long the agent may be silent: a primary's peer must still find the window open afterwards.
    pub(super) fn patience(&self) -> Duration {
        let timeouts = self.plans.iter().map(|plan| plan.module.heart.timeout);
        timeouts.min().map_or(WITHOUT_MODULES, |least| (least / 2).max(LEAST_PATIENCE))
    }

    /// Takes the addresses away.
    pub(super) fn mute(&self) {
        for plan in &self.plans {
            _ = without_addresses(plan);
        }
    }

    /// The agent is gone: so is everything that it held, and then the peer is told.
    pub(super) fn wind_up(&self, boot: Boot) {
        let fenced = self.clear();
        let words = fenced.into_iter().filter_map(|plan| self.last_word(plan, boot)).collect();
        self.say(boot, words);
    }

    /// Takes everything away that an agent held; the modules of which nothing is left.
    pub(super) fn clear(&self) -> Vec<&Plan> {
        // Addresses first: nothing of the rest may keep them.
        let mute: Vec<bool> = self.plans.iter().map(without_addresses).collect();
        let dead: Vec<bool> = self.plans.iter().map(|plan| self.without_application(plan)).collect();
        self.plans.iter().for_each(unmount);
        let fenced = self.plans.iter().zip(mute.into_iter().zip(dead));
        fenced.filter(|(_, (mute, dead))| *mute && *dead).map(|(plan, _)| plan).collect()
    }

    fn without_application(&self, plan: &Plan) -> bool {
        runner(&self.node, plan).is_ok_and(|runner| runner.kill_all(KILL_WITHIN).is_empty())
    }

    /// What the dead agent would say of this module; nothing if its record cannot be read.
    fn last_word(&self, plan: &Plan, boot: Boot) -> Option<(u8, Entry)> {
        let (_, record) = record::load(&self.node.paths.state(&plan.module.name)).ok()?;
        let beat = Beat {
            boot,
            sent: now(),
            nth: 0,
            role: Role::Stop,
            status: Status::NotReady,
            fenced: true,
            term: record.term,
            generation: record.generation,
            parent: record.parent(),
            mark: record.mark,
            side: record.side,
            echo: None,
            proof: u64::MAX,
            kin: Kin::Unknown,
            kin_of: safetui_core::Generation::NONE,
            partner: Boot(0),
            linked: true,
            ask_swap: false,
            dismiss: false,
            witness: false,
            down: safetui_core::rule::Set::EMPTY,
            held: false,
        };
        Some((plan.peer, Entry { module: plan.id, signature: plan.signature, beat }))
    }

    fn say(&self, boot: Boot, mut words: Vec<(u8, Entry)>) {
        let sealer = Sealer::new(&self.node.key, &self.node.cluster.name, self.node.me, boot.0).posthumous();
        let mut links = Links::new(self.node.lans(), self.node.cluster.port);
        for _ in 0..REPEATS {
            for (peer, entry) in &mut words {
                entry.beat.sent = now();
                let frame = sealer.seal(LAST_WORD, *peer, &Packet::new(vec![*entry]).encode());
                links.send_all(*peer, &frame);
            }
            wait(APART);
        }
    }
}

/// Does this node answer for none of the module's addresses?
fn without_addresses(plan: &Plan) -> bool {
    let vips: Vec<_> = plan.module.vips.iter().map(|vip| vip.addr).collect();
    if vips.is_empty() {
        return true;
    }
    let muted = Lease::attach(&plan.module.name, &vips).and_then(|mut lease| lease.drop_now());
    // Either is enough: mute, or gone.
    let removed = address::remove(&plan.module.vips);
    muted.is_ok() || removed.is_ok()
}

/// Detaches what the agent mounted over the replicated directories, however it is used.
fn unmount(plan: &Plan) {
    for replicated in plan.module.rfs.iter().flat_map(|rfs| &rfs.dirs) {
        while is_ours(&replicated.dir) && umount2(&replicated.dir, MntFlags::MNT_DETACH).is_ok() {}
    }
}

/// Is the topmost mount on this directory a file system of ours, and not the disk beneath?
fn is_ours(dir: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    topmost(&table, dir).is_some_and(|kind| kind == "fuse safetui")
}

/// Type and source of the last mount on `dir`: field 5 is the place, they follow the lone dash.
fn topmost(table: &str, dir: &Path) -> Option<String> {
    let place = escaped(dir);
    let mut found = None;
    for line in table.lines() {
        if line.split(' ').nth(4) == Some(&place) {
            let words = line.split(" - ").nth(1).map(|rest| rest.split(' ').take(2).collect::<Vec<_>>());
            found = words.map(|words| words.join(" "));
        }
    }
    found
}

/// As the kernel writes a path in its tables.
fn escaped(dir: &Path) -> String {
    let text = dir.to_string_lossy();
    text.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_topmost_mount_on_a_directory_counts() {
        let table = "\
21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 8:2 / /data rw,relatime shared:1 - ext4 /dev/sdb1 rw
23 22 0:40 / /data rw,nosuid - fuse safetui rw
24 21 8:3 / /my\\040data rw - xfs /dev/sdc1 rw
";
        assert_eq!(topmost(table, Path::new("/data")).as_deref(), Some("fuse safetui"));
        assert_eq!(topmost(table, Path::new("/my data")).as_deref(), Some("xfs /dev/sdc1"));
        assert_eq!(topmost(table, Path::new("/dat")), None);
    }
}
