//! The stable error codes, with what `safetui explain CODE` says about each.

use safetui_net::api::exit::Exit;

/// One kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) id: &'static str,
    pub(crate) exit: Exit,
    pub(crate) text: &'static str,
}

macro_rules! codes {
    ($($name:ident = $id:literal, $exit:ident, $text:literal;)*) => {
        $(pub(crate) const $name: Code = Code { id: $id, exit: Exit::$exit, text: $text };)*

        /// Every code but those of configuration files, in order.
        pub(crate) const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    WHICH_MODULE = "E0001", Usage,
        "The verb needs a module and none was named. With exactly one module installed it is taken, otherwise -m or SAFEMODULE must name it.";
    CONFIRM_NEEDED = "E0002", Usage,
        "The verb would change more than a safe one, as the agent computed from the state. It needs the operator's word: at a prompt, or with the named flag.";
    CONFIRM_DIFFERS = "E0003", Usage,
        "The text that confirms must be the one that was asked for, letter by letter: it proves that the operator means this module.";
    NOT_SUPPORTED = "E0004", Usage,
        "This version of safetui does not do that yet.";
    NO_TOPIC = "E0005", NotFound,
        "There is no explanation of that name.";
    BAD_NAME = "E0006", Usage,
        "Names of modules are made of letters, digits, `-` and `_`, at most 32 of them, and begin with a letter or digit: they become file and directory names.";
    NO_STATE = "E0007", Usage,
        "A state to wait for is a role (STOP, WAIT, ALONE, UP, PRIM, SECOND), with a readiness if need be, or READY for any role that is.";
    NO_TERMINAL = "E0008", Usage,
        "The dashboard draws on a terminal and reads its keys, so both standard input and output must be one.";
    NO_MODULE = "E0201", NotFound,
        "No module of that name is installed on this node.";
    NO_NODE = "E0202", NotFound,
        "The module has no instance on a node of that name.";
    BAD_CONFIG = "E0203", Failed,
        "The configuration was read and found wrong. What is in force stays in force.";
    NO_READ = "E0204", Failed,
        "A file or directory that the command needs could not be read.";
    NO_WRITE = "E0205", Failed,
        "A file or directory could not be written. Files are replaced in one step: what was in force stays in force.";
    STARTED = "E0206", Unsafe,
        "A module's files are not exchanged under a running module: stop it first.";
    INSTALLED = "E0207", Unsafe,
        "A module of that name is already installed; it is not overwritten.";
    HAS_KEY = "E0208", Unsafe,
        "The cluster already has a key. Nodes with different keys do not hear each other, which stops replication.";
    NO_CLUSTER = "E0209", Unsafe,
        "A module is checked against the cluster's nodes and networks, which are not configured yet.";
    NOT_TAKEN = "E0210", Failed,
        "The new configuration is in place and the running agent did not take it; it will when it starts next.";
    NO_RECORD = "E0211", NotFound,
        "The module's core has no flight record here: its agent has not run, or its folder was emptied.";
    BAD_RECORD = "E0212", Failed,
        "The file is no flight record, not whole, or of another version. Nothing is concluded from a part of one.";
    SAME_NODE = "E0213", Usage,
        "Two records are compared as those of the two nodes of a pair; these are of the same node.";
    REFUSED = "E0301", Unsafe,
        "A rule of the core forbids the verb in the present state. `safetui why` shows the conditions and the ways out.";
    STALE = "E0302", Stale,
        "The state has changed since the one named by --if-state; what was decided on it may be wrong now.";
    TOO_LATE = "E0303", Timeout,
        "The target was not reached in time. The operation goes on; only the waiting ended.";
    ENDED_STOPPED = "E0304", Failed,
        "The module stopped on its way to the target: a script failed, a rule stopped it, or another operator did.";
    INTERRUPTED = "E0305", Interrupted,
        "The waiting was interrupted from the keyboard. What the agent has taken, it carries out.";
    OTHER_NODE = "E0306", Unsafe,
        "A command is carried out by the agent of the node that it is for. A dashboard gives orders to its own agent only.";
    NO_AGENT = "E0401", Unreachable,
        "Nobody listens on the control socket: the agent does not run, or runs with another SAFETUI_RUN. Nothing was sent.";
    NOT_ALLOWED = "E0402", Denied,
        "The control socket belongs to root alone: who may use it can stop the application.";
    NO_ANSWER = "E0403", Unreachable,
        "The agent took the connection and did not answer. A hung agent is ended by its guard; what it held expires by itself.";
    NOT_UNDERSTOOD = "E0404", Usage,
        "The agent could not read the request: client and agent are of different versions.";
    NO_REQUEST = "E0405", NotFound,
        "The agent has no such request: client and agent are of different versions.";
    OUTCOME_UNKNOWN = "E0406", Unknown,
        "A command was sent and the connection ended before its outcome was seen. It may have been carried out, wholly or not at all: look at the state before repeating it.";
    GARBLED = "E0407", Failed,
        "The agent's answer has a form that this version does not know: client and agent are of different versions.";
    NO_OUTPUT = "E0408", Failed,
        "The result could not be written to the standard output.";
    WISH = "E0501", Failed,
        "The command was taken, but that the module is to run, or not to run, could not be written down: a reboot forgets it.";
    UNANSWERED = "E0502", Unknown,
        "A module decides nothing while its last decision is not yet on the disk. The command waits behind it.";
    SECOND_AGENT = "E0510", Failed,
        "One agent acts for a node. Two would fight over its addresses and its data.";
    NOT_CONFIGURED = "E0511", Failed,
        "The agent needs a valid cluster.xml: it says who the nodes are and how they reach each other.";
    NO_KEY = "E0512", Failed,
        "Nodes trust who has the cluster key. It must be there, whole, and readable by root alone.";
    STRANGER = "E0513", Failed,
        "The agent finds out which node it runs on by the addresses of the machine, or by the file `node` beside cluster.xml.";
    PORT_TAKEN = "E0514", Failed,
        "The heartbeats' UDP port belongs to another program.";
    NOT_ROOT = "E0515", Denied,
        "Virtual addresses, mounts and packet filters belong to root.";
    NO_START = "E0516", Failed,
        "The agent could not be started; the cause stands beside.";
    NO_WITNESS = "E0520", Failed,
        "The witness server could not be started, or cannot go on; the cause stands beside. It grants nothing meanwhile.";
    SECOND_WITNESS = "E0521", Failed,
        "One witness server keeps a directory of grants. Two would each grant what the other has granted already.";
    WITNESS_PORT = "E0522", Failed,
        "The witness server cannot have the UDP address and port that --listen names.";
    WITNESS_LEDGER = "E0523", Failed,
        "The grants that the witness server has made cannot be read. It does not guess: whom it forgot, it could betray.";
    NO_LAB = "E0601", Failed,
        "The demo builds two nodes in namespaces of this machine, with FUSE, `ip` and `nft`, and something of that failed. Nothing of it stays behind.";
    DRILL_FAILED = "E0602", Failed,
        "A drill is passed when no acknowledged entry is lost, the two nodes never answer at the same time, and the pair is PRIM and SECOND again at the end.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_ordered() {
        for pair in ALL.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
        }
    }

    #[test]
    fn no_code_is_one_of_configuration_files_too() {
        for (id, _) in safetui_net::config::code::ALL {
            assert!(ALL.iter().all(|code| code.id != *id), "{id}");
        }
    }
}
