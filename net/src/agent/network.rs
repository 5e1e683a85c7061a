//! All ways to the peers: the networks, and the routers that reflect.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    os::fd::BorrowedFd,
    sync::Arc,
    time::Duration,
};

use safetui_core::Boot;

use super::packet::{BEATS, Entry, LAST_WORD, MOST, Packet};
use crate::{
    config::Module,
    heartbeat::{Lan, Links, PathView, Paths, Received, Stamps, boottime},
    journal::{Journal, Level},
    node::Node,
    vip::Route,
    wire::{Opener, Reject, Sealer},
    witness::Relay,
};

/// A warning is shown this long after its last cause, and logged at most this often.
const SHOWN: Duration = Duration::from_secs(10);
const LOGGED: Duration = Duration::from_secs(60);

/// The sockets to the peers, what seals and opens, and what each path was worth.
pub(super) struct Network {
    links: Links,
    lans: Vec<Lan>,
    relays: Vec<Way>,
    paths: Paths,
    sealer: Arc<Sealer>,
    opener: Opener,
    versions: BTreeMap<u8, String>,
    complaints: BTreeMap<String, Complaint>,
    names: Vec<String>,
    journal: Journal,
}

/// A way to a peer by a router that reflects.
struct Way {
    peer: u8,
    router: Ipv4Addr,
    relay: Relay,
}

struct Complaint {
    seen: Duration,
    logged: Duration,
}

/// A heartbeat that came in.
pub(super) struct Heard {
    pub peer: u8,
    pub entry: Entry,
}

impl Network {
    /// Opens what can be opened.
    pub(super) fn open(node: &Node, boot: Boot, journal: Journal) -> Self {
        let lans = node.lans();
        let mut networks: Vec<&str> = lans.iter().map(|lan| lan.name.as_str()).collect();
        // All routers are one way: what it is worth is whether any of them reflects.
        networks.push(Relay::NAME);
        let mut peers: Vec<u8> =
            lans.iter().flat_map(|lan| lan.peers.iter().map(|(peer, _)| *peer)).collect();
        peers.sort_unstable();
        peers.dedup();
        Self {
            links: Links::new(lans.clone(), node.cluster.port),
            paths: Paths::new(&networks, &peers),
            lans,
            relays: Vec::new(),
            sealer: Arc::new(Sealer::new(&node.key, &node.cluster.name, node.me, boot.0)),
            opener: Opener::new(&node.key, &node.cluster.name, node.me),
            versions: BTreeMap::new(),
            complaints: BTreeMap::new(),
            names: node.names.clone(),
            journal,
        }
    }

    /// What this life of the node seals with; there is one.
    pub(super) fn sealer(&self) -> Arc<Sealer> {
        self.sealer.clone()
    }

    /// The heartbeats to a peer also go by way of these routers, of which only those with IPv4 can.
    pub(super) fn relay(&mut self, peer: u8, module: &Module) {
        let splitbrain = module.splitbrain.iter().filter(|splitbrain| splitbrain.relay);
        for router in splitbrain.flat_map(|splitbrain| splitbrain.witness.routers()) {
            let IpAddr::V4(router) = router else { continue };
            if self.relays.iter().any(|known| known.peer == peer && known.router == *router) {
                continue;
            }
            let Some((me, other)) = ends(&self.lans, peer, *router) else { continue };
            match Relay::new(*router, me, other, self.lans.len()) {
                Ok(relay) => self.relays.push(Way { peer, router: *router, relay }),
                Err(error) => self.journal.say(None, "heart", Level::Event, error.to_string()),
            }
        }
    }

    /// To poll for reading; ask before each poll.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.links.fds().chain(self.relays.iter().map(|way| way.relay.fd()))
    }

    /// Sends heartbeats to a peer, on every way.
    pub(super) fn send(&mut self, peer: u8, beats: &[Entry]) {
        for some in beats.chunks(MOST) {
            let stamps = self.paths.stamps(peer, boottime());
            let payload = stamps.encode(&Packet::new(some.to_vec()).encode());
            let frame = self.sealer.seal(BEATS, peer, &payload);
            self.links.send_all(peer, &frame);
            for way in self.relays.iter_mut().filter(|way| way.peer == peer) {
                // A router that cannot be reached is what the witness is for.
                _ = way.relay.send(&frame);
            }
        }
    }

    /// Takes what has arrived, oldest first. Never blocks.
    pub(super) fn drain(&mut self) -> Vec<Heard> {
        let mut frames = Vec::new();
        let mut take = |received: Received<'_>| {
            frames.push((received.network, received.at, received.bytes.to_vec(), received.from.ip()));
        };
        self.links.drain(&mut take);
        for way in &mut self.relays {
            way.relay.drain(&mut take);
        }
        let mut heard = Vec::new();
        for (network, at, bytes, from) in frames {
            self.take(network, at, &bytes, from, &mut heard);
        }
        heard
    }

    fn take(&mut self, network: usize, at: Duration, bytes: &[u8], from: IpAddr, heard: &mut Vec<Heard>) {
        match self.opener.open(bytes) {
            Ok(packet) => {
                let peer = packet.header.from;
                let payload = match packet.header.kind {
                    BEATS => self.measured(network, at, peer, &packet.payload),
                    LAST_WORD => Some(packet.payload.as_slice()),
                    _ => None,
                };
                let Some(packet) = payload.and_then(Packet::decode) else { return };
                self.versions.insert(peer, packet.version);
                heard.extend(packet.beats.into_iter().map(|entry| Heard { peer, entry }));
            }
            Err(Reject::Duplicate(packet)) if packet.header.kind == BEATS => {
                self.measured(network, at, packet.header.from, &packet.payload);
            }
            // The ordinary companions of several networks, of a restart and of a guard's repeated word.
            Err(Reject::Duplicate(_) | Reject::Replayed(_)) => {}
            Err(reject) => self.complain(reject_text(&reject, from, &self.names)),
        }
    }

    /// Notes what a path delivered; the rest of the payload.
    fn measured<'a>(
        &mut self,
        network: usize,
        at: Duration,
        peer: u8,
        payload: &'a [u8],
    ) -> Option<&'a [u8]> {
        let (stamps, rest) = Stamps::decode(payload)?;
        self.paths.heard(network, peer, at, &stamps);
        Some(rest)
    }

    /// Something is wrong that an operator should know.
    pub(super) fn complain(&mut self, text: String) {
        let now = boottime();
        let known = self.complaints.get(&text).map(|complaint| complaint.logged);
        let due = known.is_none_or(|logged| now.saturating_sub(logged) >= LOGGED);
        if due {
            self.journal.say(None, "heart", Level::Critical, text.clone());
        }
        let logged = if due { now } else { known.unwrap_or(now) };
        // A stranger that invents a new complaint each time must not fill the memory.
        self.complaints.retain(|_, complaint| now.saturating_sub(complaint.seen) < LOGGED);
        self.complaints.insert(text, Complaint { seen: now, logged });
    }

    /// What is wrong with the networks now.
    pub(super) fn warnings(&self) -> Vec<String> {
        let now = boottime();
        let silent = (0..self.lans.len()).filter_map(|network| self.links.trouble(network));
        let fresh =
            self.complaints.iter().filter(|(_, complaint)| now.saturating_sub(complaint.seen) < SHOWN);
        silent.chain(fresh.map(|(text, _)| text.clone())).collect()
    }

    /// What each path was worth lately.
    pub(super) fn view(&self) -> Vec<PathView> {
        self.paths.view(boottime())
    }

    /// Versions of the peers' agents, as far as they were heard.
    pub(super) fn versions(&self) -> BTreeMap<u8, String> {
        self.versions.clone()
    }
}

fn reject_text(reject: &Reject, from: IpAddr, names: &[String]) -> String {
    let named = |node: u8| names.get(usize::from(node)).map_or("an unknown node", String::as_str);
    let who = match reject {
        Reject::Version { from, .. } | Reject::WrongKey { from } | Reject::Forged { from } => named(*from),
        Reject::Elsewhere { from, .. } => named(*from),
        Reject::NotOurs
        | Reject::Truncated(_)
        | Reject::OtherCluster
        | Reject::Duplicate(_)
        | Reject::Replayed(_) => "a machine",
    };
    format!("{who} at {from}: {reject}")
}

/// The two nodes' addresses on the network that the router is on; else on the first that has both.
fn ends(lans: &[Lan], peer: u8, router: Ipv4Addr) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let local = Route::open().and_then(|mut route| route.addresses()).unwrap_or_default();
    let near =
        |lan: &Lan| local.iter().any(|address| address.ip == lan.local && address.covers(router.into()));
    let pair = |lan: &Lan| match (lan.local, lan.peers.iter().find(|(node, _)| *node == peer)?.1) {
        (IpAddr::V4(me), IpAddr::V4(other)) => Some((me, other)),
        _ => None,
    };
    lans.iter().filter(|lan| near(lan)).find_map(pair).or_else(|| lans.iter().find_map(pair))
}
