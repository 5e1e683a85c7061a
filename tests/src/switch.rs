//! A switch: a bridge whose packet filter loses frames on request, without anybody noticing otherwise.

use nix::unistd::Pid;

use crate::{Disks, Error, Host, Result};

/// What the filter drops: everything of `dead` ports, one direction of `pairs`, UDP to `services`, and whatever
/// passes between two `isolated` ports.
const FILTER: &str = "table bridge fault {
  set dead { type ifname; }
  set pairs { type ifname . ifname; }
  set services { type inet_service; }
  set isolated { type ifname; }
  chain forward { type filter hook forward priority 0; policy accept;
    iifname @dead drop
    oifname @dead drop
    iifname . oifname @pairs drop
    udp dport @services drop
    iifname @isolated oifname @isolated drop
  }
}
";

pub struct Switch {
    host: Host,
}

impl Switch {
    pub fn new(name: &str, disks: &Disks) -> Result<Self> {
        let host = Host::plain(name, disks)?;
        host.ip("link add br0 type bridge stp_state 0 forward_delay 0\nlink set br0 up\n")?;
        let switch = Self { host };
        switch.filter(FILTER)?;
        Ok(switch)
    }

    /// Name of the port where the host `host` is plugged in.
    pub fn port_of(host: &str) -> String {
        format!("p-{host}")
    }

    pub(crate) fn pid(&self) -> Result<Pid> {
        self.host.pid()
    }

    pub(crate) fn attach(&self, port: &str) -> Result<()> {
        self.host.ip(&format!("link set {port} master br0 up\n"))
    }

    pub(crate) fn detach(&self, port: &str) -> Result<()> {
        // The end inside the host may have taken it along.
        match self.host.ip(&format!("link delete {port}\n")) {
            Err(Error::Tool { stderr, .. }) if stderr.contains("Cannot find device") => Ok(()),
            other => other,
        }
    }

    pub(crate) fn set_port(&self, port: &str, state: &str) -> Result<()> {
        self.host.ip(&format!("link set {port} {state}\n"))
    }

    /// Loses every frame from and to `port`; its carrier stays.
    pub fn silence(&self, port: &str) -> Result<()> {
        self.add("dead", port)
    }

    pub fn hear(&self, port: &str) -> Result<()> {
        self.remove("dead", port)
    }

    /// Loses every frame from port `from` to port `to`, and only in that direction.
    pub fn cut(&self, from: &str, to: &str) -> Result<()> {
        self.add("pairs", &format!("{from} . {to}"))
    }

    pub fn mend(&self, from: &str, to: &str) -> Result<()> {
        self.remove("pairs", &format!("{from} . {to}"))
    }

    /// Loses UDP datagrams to this port, such as the heartbeats.
    pub fn block(&self, udp_port: u16) -> Result<()> {
        self.add("services", &udp_port.to_string())
    }

    pub fn unblock(&self, udp_port: u16) -> Result<()> {
        self.remove("services", &udp_port.to_string())
    }

    /// Loses what passes directly between isolated ports; both still reach all others.
    pub fn isolate(&self, port: &str) -> Result<()> {
        self.add("isolated", port)
    }

    pub fn join(&self, port: &str) -> Result<()> {
        self.remove("isolated", port)
    }

    fn add(&self, set: &str, element: &str) -> Result<()> {
        self.filter(&format!("add element bridge fault {set} {{ {element} }}\n"))
    }

    /// Deleting an absent element would fail, so it is added first: both in one transaction.
    fn remove(&self, set: &str, element: &str) -> Result<()> {
        let element = format!("element bridge fault {set} {{ {element} }}\n");
        self.filter(&format!("add {element}delete {element}"))
    }

    fn filter(&self, rules: &str) -> Result<()> {
        self.host.feed("nft", &["-f", "-"], rules)
    }
}
