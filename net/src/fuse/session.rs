//! The threads that serve a mount.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::device::Device;
use super::init;
use super::protocol::LONGEST_REQUEST;
use super::reply::Reply;
use super::request::{Message, Request, decode};

/// More threads than that brought nothing measurable.
const THREADS: usize = 4;

/// The file system. Asked on several threads at once.
pub(crate) trait Server: Send + Sync + 'static {
    fn serve(&self, request: Request<'_>, reply: Reply);

    /// The kernel has forgotten so many of its look-ups of `node`.
    fn forget(&self, node: u64, lookups: u64);
}

/// Runs until the last user of the mount lets go, also when it is dropped.
pub(crate) struct Session(Vec<JoinHandle<()>>);

impl Session {
    /// Serves a mount that has just been made.
    pub(crate) fn start(device: Device, server: impl Server) -> io::Result<Self> {
        init::agree(&device)?;
        let mut devices = Vec::new();
        for _ in 1..THREADS {
            devices.push(device.another()?);
        }
        devices.push(device);
        let server = Arc::new(server);
        let threads = devices.into_iter().enumerate().map(|(number, device)| {
            let server = Arc::clone(&server);
            thread::Builder::new()
                .name(format!("fuse {number}"))
                .spawn(move || run(&Arc::new(device), &*server))
        });
        threads.collect::<io::Result<_>>().map(Self)
    }

    /// Has the kernel let go of it?
    pub(crate) fn is_over(&self) -> bool {
        self.0.iter().all(JoinHandle::is_finished)
    }
}

fn run(device: &Arc<Device>, server: &impl Server) {
    let mut buffer = vec![0; LONGEST_REQUEST];
    loop {
        let received = match device.receive(&mut buffer) {
            Ok(Some(received)) => received,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "no more requests from the kernel"),
        };
        match decode(received) {
            Some(Message::Request(request)) => {
                let reply = Reply::new(device, request.unique);
                server.serve(request, reply);
            }
            Some(Message::Forget(forgets)) => {
                forgets.for_each(|(node, lookups)| server.forget(node, lookups));
            }
            Some(Message::Refuse { unique, errno }) => Reply::new(device, unique).error(errno as i32),
            None => tracing::warn!(length = received.len(), "the kernel sent what is no request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use nix::mount::{MntFlags, umount2};

    use super::super::mount::{self, by_helper};
    use super::super::{Attr, Op};
    use super::*;

    const ROOT: Attr = Attr {
        ino: 1,
        size: 0,
        blocks: 0,
        atime: (1, 2),
        mtime: (-3, 4),
        ctime: (5, 6),
        mode: libc::S_IFDIR | 0o750,
        nlink: 2,
        uid: 7,
        gid: 8,
        rdev: 0,
        block_size: 4096,
    };

    /// Has a root, and loses all other requests.
    struct Forgetful;

    impl Server for Forgetful {
        fn serve(&self, request: Request<'_>, reply: Reply) {
            if let (Op::GetAttr, 1) = (request.op, request.node) {
                reply.attr(Duration::ZERO, &ROOT);
            }
        }

        fn forget(&self, _: u64, _: u64) {}
    }

    fn serves(mount: fn(&Path, &str) -> io::Result<Device>) {
        let folder = tempfile::tempdir().unwrap();
        let session = Session::start(mount(folder.path(), "test").unwrap(), Forgetful).unwrap();
        let meta = fs::metadata(folder.path()).unwrap();
        assert_eq!((meta.mode(), meta.uid(), meta.gid()), (0o40750, 7, 8));
        assert_eq!((meta.mtime(), meta.mtime_nsec()), (-3, 4));
        let lost = fs::metadata(folder.path().join("file")).unwrap_err();
        assert_eq!(lost.raw_os_error(), Some(libc::EIO));
        umount2(folder.path(), MntFlags::empty()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !session.is_over() {
            assert!(Instant::now() < deadline, "it goes on without a mount");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn what_root_has_mounted_is_served_and_no_request_stays_without_an_answer() {
        serves(mount::mount);
    }

    #[test]
    fn what_the_helper_has_mounted_is_served_too() {
        serves(by_helper);
    }
}
