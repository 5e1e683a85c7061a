//! `/dev/fuse`: one descriptor of a mount, over which requests come and answers go.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::uio::writev;
use nix::unistd::read;

const PATH: &str = "/dev/fuse";

/// A request has to be answered over the descriptor that it came from.
#[derive(Debug)]
pub(crate) struct Device(OwnedFd);

impl From<OwnedFd> for Device {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Device {
    /// Not of any mount yet.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self(File::options().read(true).write(true).open(PATH)?.into()))
    }

    /// Another descriptor of the same mount, with requests of its own.
    #[expect(unsafe_code, reason = "nix knows no request that is special to a device")]
    pub(super) fn another(&self) -> io::Result<Self> {
        nix::ioctl_read!(fuse_dev_ioc_clone, 229, 0, u32);
        let (other, mut this) = (Self::open()?, self.0.as_raw_fd() as u32);
        // SAFETY: the request reads one u32, the number of a descriptor that is open.
        unsafe { fuse_dev_ioc_clone(other.0.as_raw_fd(), &raw mut this) }?;
        Ok(other)
    }

    /// Waits for the next request, which fits in `LONGEST_REQUEST` bytes; `None` once the mount is gone.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        loop {
            match read(&self.0, buffer) {
                Ok(length) => return Ok(Some(&buffer[..length])),
                // ENOENT: who asked has been killed before the request was read.
                Err(Errno::ENOENT | Errno::EINTR | Errno::EAGAIN) => {}
                Err(Errno::ENODEV) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Takes all or nothing.
    pub(super) fn send(&self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        writev(&self.0, parts)?;
        Ok(())
    }
}
