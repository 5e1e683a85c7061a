//! Probes: who answers for an address, asked all the time.
//!
//! [`Probe::udp`] asks the [`crate::ledger`] service every millisecond; [`Probe::arp`] asks the kernels of all
//! hosts on the network, and so also finds a holder of the address whom the network sends no other question.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::{
    net::if_::if_nametoindex,
    sys::{
        socket::{setsockopt, sockopt},
        time::TimeVal,
    },
};

use crate::{Error, Host, Moment, Result, ledger::echo, outage::Recording, sys};

const UDP_PERIOD: Duration = Duration::from_millis(1);
const ARP_PERIOD: Duration = Duration::from_millis(10);
/// After this long a listener looks whether it shall end.
const PATIENCE: Duration = Duration::from_millis(50);

/// A probe that runs until it is finished or dropped.
pub struct Probe {
    seen: Arc<Mutex<Recording>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Probe {
    /// Asks the service at `target` from `host` every millisecond.
    pub fn udp(host: &Host, target: SocketAddrV4) -> Result<Self> {
        let open = || -> io::Result<_> {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            // Connected, so that nobody but the target is heard.
            socket.connect(target)?;
            Ok((socket.try_clone()?, socket))
        };
        let what = format!("a probe of {target} on {}", host.name());
        let (asking, listening) = host.enter(open)?.map_err(Error::os(what))?;
        let mut sequence = 0_u64;
        // While nobody has the address, both sending and receiving fail: that is what is being recorded.
        let ask = move || {
            sequence += 1;
            let _ = asking.send(&sequence.to_be_bytes());
        };
        let listen = move |note: &dyn Fn(&str, Moment)| {
            let mut buffer = [0; echo::LONGEST];
            if let Ok(length) = listening.recv(&mut buffer)
                && let Some((node, answered)) = echo::read(&buffer[..length])
            {
                note(node, answered);
            }
        };
        Ok(Self::start(UDP_PERIOD, ask, listen))
    }

    /// Asks every host in the network of `host`'s `interface` for the hardware address of `target`, every ten
    /// milliseconds. Answers of hardware addresses that are not in `nodes` are recorded by that address.
    pub fn arp(
        host: &Host,
        interface: &str,
        target: Ipv4Addr,
        nodes: Vec<([u8; 6], String)>,
    ) -> Result<Self> {
        let port = host.port(interface)?;
        let question = arp_question(port.hardware(), port.address().parse().unwrap_or(target), target);
        let open = || sys::packet_socket(if_nametoindex(interface)?, libc::ETH_P_ARP as u16);
        let what = || format!("an ARP probe of {target} on {}", host.name());
        let socket: OwnedFd = host.enter(open)?.map_err(Error::os(what()))?;
        let patience = TimeVal::new(0, PATIENCE.as_micros() as i64);
        setsockopt(&socket, sockopt::ReceiveTimeout, &patience).map_err(Error::os(what()))?;
        let mut asking = File::from(socket);
        let mut listening = asking.try_clone().map_err(Error::os(what()))?;
        let ask = move || {
            let _ = asking.write(&question);
        };
        let listen = move |note: &dyn Fn(&str, Moment)| {
            let mut frame = [0; 128];
            let Ok(length) = listening.read(&mut frame) else { return };
            let Some(hardware) = arp_answer(&frame[..length], target) else { return };
            let now = Moment::now();
            match nodes.iter().find(|(known, _)| *known == hardware) {
                Some((_, node)) => note(node, now),
                None => note(&format!("{hardware:02x?}"), now),
            }
        };
        Ok(Self::start(ARP_PERIOD, ask, listen))
    }

    fn start(
        period: Duration,
        mut ask: impl FnMut() + Send + 'static,
        mut listen: impl FnMut(&dyn Fn(&str, Moment)) + Send + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Recording { period, ..Recording::default() }));
        let stop = Arc::new(AtomicBool::new(false));
        let (asker_stop, listener_stop, record) = (Arc::clone(&stop), Arc::clone(&stop), Arc::clone(&seen));
        let asker = thread::spawn(move || {
            sys::before_others();
            let mut next = Instant::now();
            while !asker_stop.load(Ordering::Relaxed) {
                ask();
                // Questions that were slept through are not made up for.
                next = (next + period).max(Instant::now());
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        let listener = thread::spawn(move || {
            sys::before_others();
            while !listener_stop.load(Ordering::Relaxed) {
                listen(&|node, answered| {
                    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
                    record.note(node, answered, Moment::now());
                });
            }
        });
        Self { seen, stop, threads: vec![asker, listener] }
    }

    /// What was seen so far.
    pub fn so_far(&self) -> Recording {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Name of the node that answered last, if that is at most `age` ago.
    pub fn answering(&self, age: Duration) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.answers.last()?;
        (Moment::now() - last.received <= age).then(|| seen.nodes[last.node].clone())
    }

    /// Stops asking; everything that was seen.
    pub fn finish(mut self) -> Recording {
        self.end();
        self.so_far()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.end();
    }
}

/// An ARP request as a whole Ethernet frame, to everybody.
fn arp_question(hardware: [u8; 6], address: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(hardware);
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1]);
    frame.extend(hardware);
    frame.extend(address.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

/// Hardware address of the sender, if this is an ARP reply that claims `target`.
fn arp_answer(frame: &[u8], target: Ipv4Addr) -> Option<[u8; 6]> {
    let reply = frame.get(20..22)? == [0, 2] && frame.get(28..32)? == target.octets();
    reply.then(|| frame.get(22..28)?.try_into().ok()).flatten()
}
