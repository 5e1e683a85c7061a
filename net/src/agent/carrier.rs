//! The links that the clients of each module come by.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::{AsFd, BorrowedFd},
};

use crate::{
    config::Vip,
    driver::address::interface_of,
    vip::{LinkEvent, LinkMonitor, Route, VipError},
};

/// Follows the interfaces of all virtual IPs.
pub(super) struct Carriers {
    monitor: LinkMonitor,
    /// Names of the interfaces of each module.
    interfaces: BTreeMap<u64, BTreeSet<String>>,
}

impl Carriers {
    pub(super) fn open() -> Result<Self, VipError> {
        Ok(Self { monitor: LinkMonitor::open(&[])?, interfaces: BTreeMap::new() })
    }

    /// Follows the interfaces of this module from now on; says whether all of them have a link now. An interface
    /// that cannot be found has no say: claiming the address will tell.
    pub(super) fn follow(&mut self, module: u64, vips: &[Vip]) -> Result<bool, VipError> {
        let mut route = Route::open()?;
        let names = vips.iter().filter_map(|vip| interface_of(&mut route, vip).ok()).map(|it| it.name);
        self.interfaces.insert(module, names.collect());
        Ok(self.linked(module))
    }

    pub(super) fn forget(&mut self, module: u64) {
        self.interfaces.remove(&module);
    }

    /// The modules whose links have changed, and whether all of a module's links are there now.
    pub(super) fn drain(&mut self) -> Result<Vec<(u64, bool)>, VipError> {
        let mut changed = BTreeSet::new();
        for event in self.monitor.drain()? {
            match event {
                LinkEvent::Carrier { interface, .. } => {
                    let with = self.interfaces.iter().filter(|(_, names)| names.contains(&interface));
                    changed.extend(with.map(|(module, _)| *module));
                }
                LinkEvent::AddressGone(_) => {}
            }
        }
        Ok(changed.into_iter().map(|module| (module, self.linked(module))).collect())
    }

    fn linked(&self, module: u64) -> bool {
        let mut names = self.interfaces.get(&module).into_iter().flatten();
        names.all(|name| self.monitor.is_up(name) != Some(false))
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.monitor.as_fd()
    }
}
