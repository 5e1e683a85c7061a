//! Somebody without privilege who changes a file, and the privilege in the file that goes with that.

use super::backing::Attr;

/// A process, as the kernel names it in a request, that has not the rights of root.
#[derive(Clone, Copy)]
pub(super) struct Unprivileged {
    pub(super) gid: u32,
    pub(super) pid: u32,
}

impl Unprivileged {
    /// What is left of the mode of a file when its content changes.
    pub(super) fn after_change(self, attr: &Attr) -> u32 {
        if !attr.is_file() {
            return attr.mode;
        }
        let is_program = attr.mode & libc::S_IXGRP != 0;
        let group = if is_program { attr.mode & !libc::S_ISGID } else { self.after_list(attr) };
        group & !libc::S_ISUID
    }

    /// What is left of it when the file gets an access control list.
    pub(super) fn after_list(self, attr: &Attr) -> u32 {
        let loses = attr.mode & libc::S_ISGID != 0 && !self.is_in(attr.gid);
        if loses { attr.mode & !libc::S_ISGID } else { attr.mode }
    }

    /// Of other groups than the first the kernel does not tell. The process waits for its answer, so that the number
    /// is still its own.
    fn is_in(self, group: u32) -> bool {
        let is_other = |status: String| {
            let groups = status.lines().find_map(|line| line.strip_prefix("Groups:"));
            groups.is_some_and(|groups| groups.split_whitespace().any(|gid| gid.parse() == Ok(group)))
        };
        self.gid == group || std::fs::read_to_string(format!("/proc/{}/status", self.pid)).is_ok_and(is_other)
    }
}
