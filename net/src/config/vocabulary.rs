//! The words of `cluster.xml` and `userconfig.xml`, SafeKit's and ours.

use super::{
    language::{Tag, later, no_effect, only, only_time, optional, required, tag},
    units::Unit::{Hours, Milliseconds, Minutes, Seconds},
};

const NO_MEMBERSHIP: &str =
    "safetui has no cluster-wide membership; <heart> of each module decides about loss";
const NO_PERIOD: &str = "rules are read whenever a resource changes, not from time to time";
const OBSOLETE: &str = "obsolete since SafeKit 8.2; it can be removed";
const ONE_PORT: &str =
    "heartbeats of all modules use the port of <lans> in cluster.xml: open that one in firewalls";

pub(super) static CLUSTER: Tag = tag("cluster", &[optional("name")], &[&LANS]);
static LANS: Tag = tag(
    "lans",
    &[
        optional("port"),
        no_effect("pulse", NO_MEMBERSHIP),
        no_effect("mlost_count", NO_MEMBERSHIP),
        no_effect("slost_count", NO_MEMBERSHIP),
    ],
    &[&LAN],
);
static LAN: Tag = tag(
    "lan",
    &[
        required("name"),
        optional("command"),
        no_effect("console", OBSOLETE),
        no_effect("framework", OBSOLETE),
    ],
    &[&NODE],
)
.many();
static NODE: Tag = tag("node", &[required("name"), required("addr"), optional("laddr")], &[]).many();

pub(super) static SAFE: Tag = tag("safe", &[], &[&MACRO, &SERVICE]);
static MACRO: Tag = tag("macro", &[required("name"), required("value")], &[]).many();
static SERVICE: Tag = tag(
    "service",
    &[
        required("mode"),
        optional("boot"),
        optional("boot_delay"),
        optional("failover"),
        optional("record"),
        only("defaultprim", &["alone"]),
        only("maxloop", &["3"]).or_read(),
        only_time("loop_interval", 24, Hours).or_read(),
        only("automatic_reboot", &["off"]),
    ],
    &[&HEART, &FARM, &VIP, &RFS, &USER, &VHOST, &ERRD, &CHECK, &FAILOVER],
);

static HEART: Tag = tag(
    "heart",
    &[
        optional("pulse"),
        optional("timeout"),
        optional("guard"),
        optional("profile"),
        no_effect("port", ONE_PORT),
        only("permanent_arp", &["on", "off"]),
    ],
    &[&HEARTBEAT],
);
static HEARTBEAT: Tag = tag(
    "heartbeat",
    &[required("name"), optional("ident"), optional("pulse"), optional("timeout")],
    &[&SERVER],
)
.many();
static SERVER: Tag = later("server", &["addr"], &[]);

static FARM: Tag = later("farm", &["port", "pulse", "mlost_count", "slost_count"], &[&FARM_LAN]);
static FARM_LAN: Tag = later("lan", &["name"], &[&FARM_NODE]);
static FARM_NODE: Tag = later("node", &["name", "addr"], &[]);

static VIP: Tag = tag(
    "vip",
    &[only("tcpreset", &["on"]), only("scriptcontrol", &["off"])],
    &[&INTERFACE_LIST, &LOADBALANCING_LIST],
);
static INTERFACE_LIST: Tag = tag("interface_list", &[], &[&INTERFACE]);
static INTERFACE: Tag = tag(
    "interface",
    &[
        optional("name"),
        only("check", &["on"]),
        // Either way the address is announced when it is taken, and again after conflicts.
        only("arpreroute", &["off", "on"]),
        only_time("arpinterval", 60, Seconds),
        only_time("arpelapse", 1200, Seconds),
    ],
    &[&REAL_INTERFACE, &VIRTUAL_INTERFACE],
)
.many();
static REAL_INTERFACE: Tag = tag("real_interface", &[], &[&VIRTUAL_ADDR]).many();
static VIRTUAL_ADDR: Tag = tag(
    "virtual_addr",
    &[
        required("addr"),
        optional("where"),
        optional("netmask"),
        only("check", &["on"]),
        only("connections", &["off"]),
    ],
    &[],
)
.many();
static VIRTUAL_INTERFACE: Tag = later("virtual_interface", &["type", "addr"], &[&FARM_ADDR]);
static FARM_ADDR: Tag = later("virtual_addr", &["addr", "where", "check", "connections", "netmask"], &[]);
static LOADBALANCING_LIST: Tag = later("loadbalancing_list", &[], &[&GROUP]);
static GROUP: Tag = later("group", &["name"], &[&GROUP_CLUSTER, &RULE]);
static GROUP_CLUSTER: Tag = later("cluster", &[], &[&HOST]);
static HOST: Tag = later("host", &["name", "power"], &[]);
static RULE: Tag = later("rule", &["virtual_addr", "port", "proto", "filter"], &[]);

static RFS: Tag = tag(
    "rfs",
    &[
        optional("async"),
        only("mountoversuffix", &["_For_SafeKit_Replication"]),
        only("mountover", &["off"]),
        only("acl", &["off"]),
        only("reipacketsize", &["8388608"]),
        only("ruzone_blocksize", &["8388608"]),
        only_time("iotimeout", 300, Seconds),
        only("roflags", &["0x10"]),
        only_time("locktimeout", 100, Seconds),
        only_time("sendtimeout", 30, Seconds),
        only("nbrei", &["6", "3"]),
        only("namespacepolicy", &["4"]),
        only_time("reitimeout", 150, Seconds),
        only("reicommit", &["0"]),
        only("reidetail", &["off"]),
        only("allocthreshold", &["0"]),
        only("nbremconn", &["1"]),
        only_time("checktime", 220_000, Milliseconds),
        only_time("checkintv", 120, Seconds),
        only("nfsbox_options", &["cross"]),
        only("scripts", &["off"]),
        only_time("syncdelta", 0, Minutes),
    ],
    &[&FLOW, &REPLICATED],
)
.and_later(&["packetsize", "reiallowedbw", "syncat"]);
static FLOW: Tag = later("flow", &["name"], &[]);
static REPLICATED: Tag =
    tag("replicated", &[required("dir"), optional("mode")], &[&NOTREPLICATED, &TOCHECK]).many();
static NOTREPLICATED: Tag = later("notreplicated", &["path", "regexpath"], &[]);
static TOCHECK: Tag = later("tocheck", &["path"], &[]);

static USER: Tag = tag(
    "user",
    &[
        optional("starttimeout"),
        optional("nicestoptimeout"),
        optional("forcestoptimeout"),
        optional("logging"),
        only("userlogsize", &["2048"]),
    ],
    &[&VAR],
);
static VAR: Tag = tag("var", &[required("name"), required("value")], &[]).many();

static VHOST: Tag = later("vhost", &[], &[&VIRTUALHOSTNAME]);
static VIRTUALHOSTNAME: Tag = later("virtualhostname", &["name", "envfile", "when"], &[]);

static ERRD: Tag = later("errd", &["polltimer"], &[&PROC]);
static PROC: Tag = later(
    "proc",
    &[
        "name",
        "service",
        "nameregex",
        "argregex",
        "class",
        "action",
        "restart_services",
        "start_after",
        "atleast",
        "atmax",
    ],
    &[],
);

static CHECK: Tag = tag("check", &[], &[&SPLITBRAIN, &TCP, &PING, &INTF, &IP, &CUSTOM, &MODULE]);
static SPLITBRAIN: Tag = tag(
    "splitbrain",
    &[
        required("ident"),
        required("arg"),
        only("exec", &["ping", "arbiter"]),
        only("when", &["pre"]),
        optional("gap"),
        optional("relay"),
    ],
    &[],
);
static TCP: Tag =
    tag("tcp", &[required("ident"), optional("when"), optional("action")], &[&TCP_TO]).many().only_read();
static TCP_TO: Tag =
    tag("to", &[required("addr"), required("port"), optional("interval"), optional("timeout")], &[])
        .only_read();
static PING: Tag =
    tag("ping", &[required("ident"), optional("when"), optional("action")], &[&PING_TO]).many().only_read();
static PING_TO: Tag =
    tag("to", &[required("addr"), optional("interval"), optional("timeout")], &[]).only_read();
static INTF: Tag = tag("intf", &[required("ident"), optional("when")], &[&INTF_TO]).many().only_read();
static INTF_TO: Tag = tag("to", &[required("local_addr")], &[]).only_read();
static IP: Tag = tag("ip", &[required("ident"), optional("when")], &[&IP_TO]).many().only_read();
static IP_TO: Tag = tag("to", &[required("addr"), optional("interval")], &[]).only_read();
static CUSTOM: Tag = tag(
    "custom",
    &[required("ident"), required("when"), required("exec"), optional("arg"), optional("action")],
    &[],
)
.many()
.only_read();
static MODULE: Tag = tag("module", &[required("name"), optional("ident")], &[&MODULE_TO]).many().only_read();
static MODULE_TO: Tag = tag(
    "to",
    &[
        required("addr"),
        optional("port"),
        optional("interval"),
        optional("timeout"),
        only("secure", &["off"]),
    ],
    &[],
)
.only_read();

static FAILOVER: Tag =
    tag("failover", &[optional("extends"), no_effect("period", NO_PERIOD), optional("handle_time")], &[])
        .with_cdata()
        .only_read();
