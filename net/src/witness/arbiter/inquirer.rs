//! The asking end: what a node sends to an arbiter, and what it takes for an answer. It never waits.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
};

use super::message::{ANSWER, Answer, Claim, Echo, QUESTION, Question, Said};
use crate::{
    heartbeat::{BURST, boottime, receive},
    wire::{ARBITER, ClusterKey, Opener, Sealer},
};

/// As whom a node asks.
#[derive(Clone)]
pub struct Asker {
    pub key: ClusterKey,
    /// Name of the cluster.
    pub cluster: String,
    /// Index of this node.
    pub me: u8,
    pub sealer: Arc<Sealer>,
}

/// The way to one arbiter.
pub struct Inquirer {
    server: SocketAddr,
    socket: UdpSocket,
    sealer: Arc<Sealer>,
    opener: Opener,
    run: u64,
}

/// Something that an arbiter said, or that somebody said in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Here {
        asked_ms: u64,
        rtt_us: u64,
        /// The ledger that it keeps.
        ledger: u64,
    },
    Granted(Claim),
    Denied(Claim),
    /// No answer to us, in a sentence for the operator.
    Odd(String),
}

impl Inquirer {
    /// Opens a socket; the arbiter need not be reachable yet.
    pub fn open(server: SocketAddr, asker: &Asker) -> io::Result<Self> {
        let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        socket.set_nonblocking(true)?;
        let mut run = [0; 8];
        getrandom::fill(&mut run).expect("every Linux that can run this has a random source");
        Ok(Self {
            server,
            socket,
            sealer: asker.sealer.clone(),
            opener: Opener::new(&asker.key, &asker.cluster, asker.me),
            run: u64::from_ne_bytes(run),
        })
    }

    /// Asks whether the arbiter is there.
    pub fn ping(&self) {
        self.send(None, None);
    }

    /// Asks for the right to go on alone, of an arbiter that keeps that ledger.
    pub fn claim(&self, claim: Claim, ledger: u64) {
        self.send(Some(ledger), Some(claim));
    }

    /// What cannot be sent counts as not answered.
    fn send(&self, ledger: Option<u64>, claim: Option<Claim>) {
        let echo = Echo { run: self.run, asked_us: boottime().as_micros() as u64 };
        let question = Question { echo, ledger, claim };
        let frame = self.sealer.seal(QUESTION, ARBITER, &question.encode());
        _ = self.socket.send_to(&frame, self.server);
    }

    /// Hands over what has arrived. Never blocks.
    pub fn drain(&mut self, mut take: impl FnMut(Heard)) {
        let mut buffer = [0; 2048];
        for _ in 0..BURST {
            let Some((length, from)) = receive(&self.socket, &mut buffer) else { break };
            if let Some(heard) = self.hear(&buffer[..length], from.ip()) {
                take(heard);
            }
        }
    }

    /// Who has the key is believed from whatever address: a machine may have several.
    fn hear(&self, bytes: &[u8], from: IpAddr) -> Option<Heard> {
        let packet = match self.opener.open_repeatedly(bytes) {
            Ok(packet) if packet.header.from == ARBITER && packet.header.kind == ANSWER => packet,
            Ok(_) => return Some(Heard::Odd(format!("{from} sends what no arbiter says"))),
            Err(reject) => return Some(Heard::Odd(format!("in place of the arbiter, {from}: {reject}"))),
        };
        let answer = Answer::decode(&packet.payload).filter(|answer| answer.echo.run == self.run)?;
        Some(match answer.said {
            Said::Here => {
                let rtt_us = (boottime().as_micros() as u64).saturating_sub(answer.echo.asked_us);
                Heard::Here { asked_ms: answer.echo.asked_us / 1000, rtt_us, ledger: answer.ledger }
            }
            Said::Granted(claim) => Heard::Granted(claim),
            Said::Denied(claim) => Heard::Denied(claim),
            Said::OtherLedger(_) => {
                let text = "has forgotten what it has granted, so it cannot say who of this pair may go on";
                Heard::Odd(format!("the arbiter {} {text}", self.server))
            }
        })
    }

    /// To poll for reading.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
impl Inquirer {
    pub(super) fn local_port(&self) -> u16 {
        self.socket.local_addr().expect("a bound socket has an address").port()
    }

    pub(super) fn send_elsewhere(&mut self, server: SocketAddr) {
        self.server = server;
    }
}
