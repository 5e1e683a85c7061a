//! Where things live on a node. Each root can be moved by an environment variable, which is how several
//! nodes share one machine in the lab.

use std::{env, path::PathBuf};

/// The four roots of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Cluster configuration and key: `SAFETUI_ETC`, default `/etc/safetui`.
    pub etc: PathBuf,
    /// Modules, durable records: `SAFETUI_VAR`, default `/var/lib/safetui`.
    pub var: PathBuf,
    /// Control socket, lock, pulse: `SAFETUI_RUN`, default `/run/safetui`.
    pub run: PathBuf,
    /// Logs and script output: `SAFETUI_LOG`, default `/var/log/safetui`.
    pub log: PathBuf,
}

impl Paths {
    /// Reads the environment.
    pub fn from_env() -> Self {
        let root =
            |name: &str, default: &str| env::var_os(name).map_or_else(|| default.into(), PathBuf::from);
        Self {
            etc: root("SAFETUI_ETC", "/etc/safetui"),
            var: root("SAFETUI_VAR", "/var/lib/safetui"),
            run: root("SAFETUI_RUN", "/run/safetui"),
            log: root("SAFETUI_LOG", "/var/log/safetui"),
        }
    }

    /// The cluster's nodes and networks.
    pub fn cluster_xml(&self) -> PathBuf {
        self.etc.join("cluster.xml")
    }

    /// The secret that all nodes share: 32 bytes in hexadecimal, readable by root alone.
    pub fn cluster_key(&self) -> PathBuf {
        self.etc.join("cluster.key")
    }

    /// The name of this node in `cluster.xml`; absent: the node whose address this machine has.
    pub fn node_name(&self) -> PathBuf {
        self.etc.join("node")
    }

    /// Folder of an installed module: `conf/userconfig.xml`, `bin/` with its scripts.
    pub fn module(&self, name: &str) -> PathBuf {
        self.var.join("modules").join(name)
    }

    /// Configuration in force: what `safetui config` accepted last.
    pub fn active(&self, name: &str) -> PathBuf {
        self.module(name).join("active")
    }

    /// Durable state of a module: the record's two slots, the wish to run.
    pub fn state(&self, name: &str) -> PathBuf {
        self.module(name).join("state")
    }

    /// The flight record of a module.
    pub fn flight(&self, name: &str) -> PathBuf {
        self.state(name).join("flight")
    }

    /// Log and script output of a module.
    pub fn module_log(&self, name: &str) -> PathBuf {
        self.log.join(name)
    }

    /// The control socket.
    pub fn socket(&self) -> PathBuf {
        self.run.join("control.sock")
    }

    /// Locked by the one agent of this node.
    pub fn lock(&self) -> PathBuf {
        self.run.join("agent.lock")
    }
}
