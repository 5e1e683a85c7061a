//! The stable codes of configuration diagnostics. A code never changes its meaning and is never reused.

pub const FILE: &str = "E0101";
pub const XML: &str = "E0102";
pub const UNKNOWN_ELEMENT: &str = "E0103";
pub const UNKNOWN_ATTRIBUTE: &str = "E0104";
pub const UNSUPPORTED: &str = "E0105";
pub const MISSING_ATTRIBUTE: &str = "E0106";
pub const MISSING_ELEMENT: &str = "E0107";
pub const VALUE: &str = "E0108";
pub const TIME: &str = "E0109";
pub const MACRO: &str = "E0110";
pub const REPEATED: &str = "E0111";
pub const TEXT: &str = "E0112";
pub const UNKNOWN_LAN: &str = "E0113";
pub const NODES: &str = "E0114";
pub const DUPLICATE_NAME: &str = "E0115";
pub const ADDRESS: &str = "E0116";
pub const TIMERS: &str = "E0117";
pub const DIRECTORY: &str = "E0118";
pub const VIRTUAL_ADDRESS: &str = "E0119";
pub const WITNESS: &str = "E0120";
pub const CONFLICT: &str = "E0121";
pub const MACHINE: &str = "E0122";
pub const RULE: &str = "E0123";
pub const NO_EFFECT: &str = "W0101";
pub const ROUNDED: &str = "W0102";
pub const RESOLVED: &str = "W0103";
pub const MORE: &str = "W0104";
pub const ONLY_READ: &str = "W0105";

/// Every code with what it means, for `safetui explain` and the manual page.
pub const ALL: &[(&str, &str)] = &[
    (FILE, "the file cannot be read, or is not UTF-8 text"),
    (XML, "the file is not well-formed XML"),
    (UNKNOWN_ELEMENT, "the element does not exist, or not at this place"),
    (UNKNOWN_ATTRIBUTE, "the element has no such attribute"),
    (UNSUPPORTED, "SafeKit knows this, safetui does not support it yet"),
    (MISSING_ATTRIBUTE, "a mandatory attribute is missing"),
    (MISSING_ELEMENT, "a mandatory element is missing"),
    (VALUE, "the value of the attribute is not one of its possible values"),
    (TIME, "the value is not a time, or its unit is too fine for the attribute"),
    (MACRO, "a macro is used without being defined, or grows without bound"),
    (REPEATED, "an element that may occur once occurs several times"),
    (TEXT, "text stands where only elements may stand"),
    (UNKNOWN_LAN, "the network is not in cluster.xml"),
    (NODES, "a network or a module has the wrong number of nodes"),
    (DUPLICATE_NAME, "a name is used twice"),
    (ADDRESS, "the address of a node is used twice or cannot be the address of a node"),
    (TIMERS, "the timers of the heartbeats cannot work together"),
    (DIRECTORY, "the replicated directories contradict each other or themselves"),
    (VIRTUAL_ADDRESS, "the virtual address is used twice, or belongs to a node"),
    (WITNESS, "the witness cannot be a witness"),
    (CONFLICT, "two modules claim the same directory or virtual address"),
    (MACHINE, "a replicated directory is not usable on this machine"),
    (RULE, "the failover rules or their resources cannot be understood"),
    (NO_EFFECT, "accepted for compatibility, without effect"),
    (ROUNDED, "a time was rounded to the unit of its attribute"),
    (RESOLVED, "a host name was resolved once, later changes are not followed"),
    (MORE, "so much was found that the rest is not shown"),
    (ONLY_READ, "read to be verified; the agent does not carry it out yet"),
];
