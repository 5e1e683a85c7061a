//! Telling the network where a virtual IP is: gratuitous ARP, unsolicited neighbour advertisements.

use std::{net::IpAddr, time::Duration};

use super::{Interface, Mac, VipError, frame, packet::ClaimSocket};

/// When to announce: at once, then at growing distances in case a frame is lost or a switch is still
/// learning, then every minute. Moments are times on the caller's own clock, whatever its origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    started: Duration,
    next: Option<Duration>,
}

impl Schedule {
    const BURST: [Duration; 6] = [
        Duration::ZERO,
        Duration::from_millis(100),
        Duration::from_millis(300),
        Duration::from_secs(1),
        Duration::from_secs(2),
        Duration::from_secs(5),
    ];
    const EVERY: Duration = Duration::from_secs(60);
    /// Two nodes that contest an address must not fill the network with their dispute.
    const CALM: Duration = Duration::from_secs(1);

    /// Begins announcing: the first one is due now.
    pub fn start(&mut self, now: Duration) {
        *self = Self { started: now, next: Some(now) };
    }

    /// Ends announcing.
    pub fn stop(&mut self) {
        self.next = None;
    }

    /// Begins again, since somebody else claimed the address; at most once a second.
    pub fn contested(&mut self, now: Duration) {
        if self.next.is_some() && now >= self.started + Self::CALM {
            self.start(now);
        }
    }

    /// When the next announcement is due; `None` while not announcing.
    pub fn next_due(&self) -> Option<Duration> {
        self.next
    }

    /// Whether an announcement is due; the next one is then in the future, however late the caller is.
    pub fn take_due(&mut self, now: Duration) -> bool {
        let due = self.next.is_some_and(|next| now >= next);
        if due {
            let after = now.saturating_sub(self.started);
            let rest = Self::BURST.into_iter().find(|at| *at > after).map(|at| self.started + at);
            self.next = Some(rest.unwrap_or(now + Self::EVERY));
        }
        due
    }
}

/// Announces one address on one interface, when its schedule says so.
#[derive(Debug)]
pub struct Announcer {
    socket: ClaimSocket,
    ip: IpAddr,
    mac: Mac,
    /// When to announce. The caller starts it, stops it and waits for it.
    pub schedule: Schedule,
}

impl Announcer {
    /// Opens the socket; announces nothing yet.
    pub fn open(ip: IpAddr, interface: &Interface) -> Result<Self, VipError> {
        let socket = ClaimSocket::open(ip, interface.index).map_err(|source| {
            VipError::kernel(format!("open a packet socket on {} to announce {ip}", interface.name), source)
        })?;
        Ok(Self { socket, ip, mac: interface.mac, schedule: Schedule::default() })
    }

    /// Announces now, whatever the schedule says.
    pub fn announce(&self) -> Result<(), VipError> {
        for frame in frame::announcements(self.ip, self.mac) {
            self.socket
                .send(&frame)
                .map_err(|source| VipError::kernel(format!("announce {}", self.ip), source))?;
        }
        Ok(())
    }

    /// Announces if that is due; `true` if it was.
    pub fn announce_due(&mut self, now: Duration) -> Result<bool, VipError> {
        let due = self.schedule.take_due(now);
        if due {
            self.announce()?;
        }
        Ok(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The moments at which a caller who is never late announces, up to `end`.
    fn moments(schedule: &mut Schedule, end: Duration) -> Vec<Duration> {
        let mut moments = Vec::new();
        while let Some(next) = schedule.next_due().filter(|next| *next <= end) {
            assert!(schedule.take_due(next));
            moments.push(next);
        }
        moments
    }

    #[test]
    fn announcements_come_in_a_burst_and_then_every_minute() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.next_due(), None);
        schedule.start(ms(700));
        let expected = [700, 800, 1000, 1700, 2700, 5700, 65_700, 125_700].map(ms);
        assert_eq!(moments(&mut schedule, ms(130_000)), expected);
    }

    #[test]
    fn a_late_caller_announces_once_and_goes_on() {
        let mut schedule = Schedule::default();
        schedule.start(ms(0));
        assert!(schedule.take_due(ms(1500)));
        assert!(!schedule.take_due(ms(1500)));
        assert_eq!(schedule.next_due(), Some(ms(2000)));
    }

    #[test]
    fn a_contest_starts_the_burst_again_but_not_without_end() {
        let mut schedule = Schedule::default();
        schedule.start(ms(0));
        assert_eq!(moments(&mut schedule, ms(10_000)).len(), 6);
        schedule.contested(ms(10_000));
        assert_eq!(schedule.next_due(), Some(ms(10_000)));
        assert!(schedule.take_due(ms(10_000)));
        schedule.contested(ms(10_020));
        assert_eq!(schedule.next_due(), Some(ms(10_100)));
    }

    #[test]
    fn a_contest_does_not_wake_a_stopped_schedule() {
        let mut schedule = Schedule::default();
        schedule.start(ms(0));
        schedule.stop();
        schedule.contested(ms(5000));
        assert_eq!(schedule.next_due(), None);
    }
}
