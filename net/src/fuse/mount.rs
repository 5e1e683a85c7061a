//! Covering a directory.

use std::fs;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::mount::MsFlags;
use nix::unistd::{getgid, getuid};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::device::Device;

/// The program that mounts for users who may not.
const HELPER: &str = "fusermount3";
/// The kernel checks permissions, for all users.
const OPTIONS: &str = "default_permissions,allow_other";

/// Covers `path` with a file system that the tables of the kernel call `name`. Somebody has to serve it then.
pub(crate) fn mount(path: &Path, name: &str) -> io::Result<Device> {
    let device = Device::open()?;
    let (fd, mode) = (device.as_fd().as_raw_fd(), fs::metadata(path)?.mode());
    let options = format!("fd={fd},rootmode={mode:o},user_id={},group_id={},{OPTIONS}", getuid(), getgid());
    match nix::mount::mount(Some(name), path, Some("fuse"), MsFlags::empty(), Some(options.as_str())) {
        Ok(()) => Ok(device),
        Err(Errno::EPERM) => by_helper(path, name),
        Err(errno) => Err(errno.into()),
    }
}

/// The helper opens the device itself and sends it over a socket, whose number it is told.
pub(super) fn by_helper(path: &Path, name: &str) -> io::Result<Device> {
    let (socket, theirs) = UnixStream::pair()?;
    let helper = Command::new(HELPER)
        .arg("-o")
        .arg(format!("fsname={name},{OPTIONS},suid,dev"))
        .arg("--")
        .arg(path)
        .env("_FUSE_COMMFD", "0")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::piped())
        .spawn()?;
    let device = receive(&socket);
    let output = helper.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{HELPER}: {}", said.trim())));
    }
    device
}

fn receive(socket: &UnixStream) -> io::Result<Device> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut descriptors = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut descriptors, RecvFlags::CMSG_CLOEXEC)?;
    let sent = descriptors.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sent) => sent.next(),
        _ => None,
    });
    sent.map(Device::from).ok_or_else(|| io::Error::other(format!("{HELPER} sent no descriptor")))
}
