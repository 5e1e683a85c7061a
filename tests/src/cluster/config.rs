//! What is written on the nodes: `cluster.xml`, the key, the module `demo` with its scripts.

use std::{
    fmt::Write,
    fs::File,
    io::Read,
    net::{Ipv4Addr, SocketAddrV4},
    path::PathBuf,
    time::Duration,
};

use crate::{Error, Result};

/// Name of the module.
pub const MODULE: &str = "demo";
/// Address and port of the service.
pub const VIP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);
pub const PORT: u16 = 9000;
/// Address of the router in the nodes' network.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Where the arbiter listens, on a host in the nodes' network.
pub const ARBITER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 3), 4802);
/// UDP port of the heartbeats, as `cluster.xml` says.
pub const HEART_PORT: u16 = 4800;

/// Who decides when the nodes do not hear each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Witness {
    None,
    #[default]
    Router,
    Arbiter,
}

/// How a demo cluster is configured.
#[derive(Clone, Debug)]
pub struct Options {
    pub pulse: Duration,
    pub timeout: Duration,
    /// By how much the secondary's window is longer. Default: the product's.
    pub guard: Option<Duration>,
    pub witness: Witness,
    /// May heartbeats be reflected by the router?
    pub relay: bool,
    /// Are the flight records decided again when the cluster is given up?
    pub replay: bool,
    /// The product. Default: `SAFETUI_BIN`, else `safetui` near this program.
    pub safetui: Option<PathBuf>,
    /// The ledger, with arguments that come before its own. Default: `ledger` near this program.
    pub ledger: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pulse: Duration::from_millis(100),
            timeout: Duration::from_secs(1),
            guard: None,
            witness: Witness::Router,
            relay: true,
            replay: true,
            safetui: None,
            ledger: Vec::new(),
        }
    }
}

pub(super) const CLUSTER: &str = r#"<?xml version="1.0"?>
<cluster>
  <lans port="4800">
    <lan name="default">
      <node name="n1" addr="10.77.0.11"/>
      <node name="n2" addr="10.77.0.12"/>
    </lan>
    <lan name="private">
      <node name="n1" addr="10.78.0.11"/>
      <node name="n2" addr="10.78.0.12"/>
    </lan>
  </lans>
</cluster>
"#;

/// After a crash the module starts by itself if it ran before.
pub(super) fn userconfig(options: &Options) -> String {
    let (pulse, timeout) = (options.pulse.as_millis(), options.timeout.as_millis());
    let guard = options.guard.map(|guard| format!(r#" guard="{}ms""#, guard.as_millis())).unwrap_or_default();
    let relay = if options.relay { "" } else { r#" relay="off""# };
    let check = |witness: &str| {
        format!("    <check>\n      <splitbrain ident=\"witness\" {witness}/>\n    </check>\n")
    };
    let check = match options.witness {
        Witness::None => String::new(),
        Witness::Router => check(&format!("exec=\"ping\" arg=\"{ROUTER}\"{relay}")),
        Witness::Arbiter => check(&format!("exec=\"arbiter\" arg=\"{ARBITER}\"")),
    };
    format!(
        r#"<!DOCTYPE safe>
<safe>
  <service mode="mirror" boot="auto" defaultprim="alone">
    <heart pulse="{pulse}ms" timeout="{timeout}ms"{guard}>
      <heartbeat name="default"/>
      <heartbeat name="private" ident="flow"/>
    </heart>
    <rfs>
      <replicated dir="/srv/ledger" mode="read_only"/>
    </rfs>
    <vip>
      <interface_list>
        <interface check="on" arpreroute="on">
          <real_interface>
            <virtual_addr addr="{VIP}" where="one_side_alias"/>
          </real_interface>
        </interface>
      </interface_list>
    </vip>
    <user nicestoptimeout="5s" forcestoptimeout="5s"/>
{check}  </service>
</safe>
"#
    )
}

pub(super) fn start_prim(ledger: &[String], node: &str) -> String {
    let quote = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
    let ledger = ledger.iter().map(quote).collect::<Vec<_>>().join(" ");
    format!(
        "#!/bin/sh\n{ledger} {VIP}:{PORT} /srv/ledger/ledger.txt {node} >>/var/log/safetui/ledger.log 2>&1 &\n\
         echo $! >/run/safetui/ledger.pid\n"
    )
}

/// Also `prestart`: what runs from before is stopped. With the argument `force` it is killed.
pub(super) const STOP_PRIM: &str = r#"#!/bin/sh
[ -e /run/safetui/ledger.pid ] || exit 0
read -r pid </run/safetui/ledger.pid
signal=TERM
[ "$1" = force ] && signal=KILL
kill -$signal "$pid" 2>/dev/null
while kill -0 "$pid" 2>/dev/null; do sleep 0.001; done
rm -f /run/safetui/ledger.pid
"#;

/// A new cluster key: 32 random bytes in hexadecimal.
pub(super) fn key() -> Result<String> {
    let mut bytes = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    read.map_err(Error::os("read /dev/urandom"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
