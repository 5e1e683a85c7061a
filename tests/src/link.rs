//! A link: a host's interface, the cable, and the port of the switch at its other end.

use std::{net::Ipv4Addr, sync::Arc};

use crate::{Host, Result, Switch};

#[derive(Clone)]
pub struct Port {
    /// Interface on the switch.
    name: String,
    interface: String,
    address: String,
    gateway: Option<String>,
    switch: Arc<Switch>,
}

impl Port {
    pub(crate) fn new(
        host: &Host,
        interface: &str,
        address: &str,
        gateway: Option<&str>,
        switch: &Arc<Switch>,
    ) -> Self {
        Self {
            name: Switch::port_of(host.name()),
            interface: interface.into(),
            address: address.into(),
            gateway: gateway.map(Into::into),
            switch: Arc::clone(switch),
        }
    }

    /// Name of the port on the switch.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the interface on the host.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Address of the host here, without the prefix length.
    pub fn address(&self) -> &str {
        self.address.split_once('/').map_or(&self.address, |(address, _)| address)
    }

    /// Hardware address: made from the address, so that it stays when the host boots again.
    pub fn hardware(&self) -> [u8; 6] {
        let [a, b, c, d] = self.address().parse::<Ipv4Addr>().map_or([0; 4], |address| address.octets());
        // Locally administered, unicast.
        [0x02, 0x5a, a, b, c, d]
    }

    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    pub(crate) fn connect(&self, host: &Host) -> Result<()> {
        let Self { name, interface, address, .. } = self;
        let switch = self.switch.pid()?;
        let hardware = self.hardware().map(|byte| format!("{byte:02x}")).join(":");
        host.ip(&format!(
            "link add {interface} address {hardware} type veth peer name {name} netns {switch}\n"
        ))?;
        self.switch.attach(name)?;
        let route = self.gateway.as_ref().map(|gateway| format!("route add default via {gateway}\n"));
        host.ip(&format!(
            "address add {address} dev {interface}\nlink set {interface} up\n{}",
            route.unwrap_or_default()
        ))
    }

    /// Destroys the cable with both its ends, now.
    pub(crate) fn remove(&self) -> Result<()> {
        self.switch.detach(&self.name)
    }

    /// Takes the carrier away: the host sees its interface go down.
    pub fn down(&self) -> Result<()> {
        self.switch.set_port(&self.name, "down")
    }

    pub fn up(&self) -> Result<()> {
        self.switch.set_port(&self.name, "up")
    }
}
