//! What travels in the stream: one frame for each operation of the source, one answer for each effect.
//!
//! Numbers are little-endian, byte strings have a 32-bit length before them.

use safetui_core::since::Cut;

use super::backing::{Attr, Fid, Time};
use super::queue::Hello;
use super::session::{Block, Expected, Want};
use super::space::Space;
use super::zones::Zones;

/// One operation, as the receiver has to repeat it. `stamp` times are those that the source's file system gave.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Op {
    /// `name` in `dir` is `node`. `fresh`: the source has just made it, so that it is empty and new here too.
    Entry {
        dir: Fid,
        name: Vec<u8>,
        node: Fid,
        fresh: bool,
        attr: Attr,
        target: Vec<u8>,
        /// Every extended attribute, from a copy; `None` when they are not compared.
        xattrs: Option<Vec<(Vec<u8>, Vec<u8>)>>,
        dir_mtime: Option<Time>,
    },
    /// `gone`: that was the last name, and nobody has the file open.
    Remove {
        dir: Fid,
        name: Vec<u8>,
        node: Fid,
        is_dir: bool,
        gone: bool,
        dir_mtime: Time,
    },
    Rename {
        dir: Fid,
        name: Vec<u8>,
        to: Fid,
        to_name: Vec<u8>,
        flags: u32,
        replaced: Option<Fid>,
        dir_mtime: Time,
        to_mtime: Time,
    },
    Write {
        node: Fid,
        offset: u64,
        mtime: Time,
        data: Vec<u8>,
    },
    /// Owner, mode and times; the size too when `resize`.
    Attr {
        node: Fid,
        attr: Attr,
        resize: bool,
    },
    Allocate {
        node: Fid,
        mode: u32,
        offset: u64,
        length: u64,
        mtime: Time,
    },
    /// The same bytes are in `from` here: nothing of it has to travel.
    CopyRange {
        from: Fid,
        from_offset: u64,
        node: Fid,
        offset: u64,
        length: u64,
        mtime: Time,
    },
    SetXattr {
        node: Fid,
        name: Vec<u8>,
        value: Vec<u8>,
    },
    RemoveXattr {
        node: Fid,
        name: Vec<u8>,
    },
    Sync {
        node: Fid,
    },
    /// The last handle of a file without a name was closed.
    Forget {
        node: Fid,
    },
    /// Copy: these are all names of `dir`; anything else in it goes.
    Listing {
        dir: Fid,
        names: Vec<Vec<u8>>,
        attr: Attr,
    },
    /// Copy: the block at `offset` has this hash; ask for it if yours differs.
    Hash {
        node: Fid,
        offset: u64,
        length: u32,
        hash: [u8; 32],
    },
    /// Copy: the tree is complete; make it durable. It is the first cut of the session.
    Copied(Cut),
    /// Both have carried out the same up to here; make it durable, in the background.
    Cut(Cut),
    /// The source holds this cut.
    Settled(Cut),
    /// Copy: all that differed in the block at `offset` has been sent.
    Served {
        node: Fid,
        offset: u64,
    },
}

/// One operation with its place in the order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) seq: u64,
    pub(super) generation: u64,
    pub(super) term: u64,
    pub(super) op: Op,
}

/// What the receiver says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Everything up to this number is applied.
    Applied(u64),
    /// This one `Sync` is durable.
    Synced(u64),
    Want(Want),
    /// What the source calls `node` was changed here, in these zones.
    Doubt {
        node: Fid,
        size: u64,
        zones: Zones,
    },
    /// The receiver holds this cut.
    Settled(Cut),
    /// The room for each tree.
    Space(Vec<Space>),
    Failed(String),
}

#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, v: u8) -> &mut Self {
        self.0.push(v);
        self
    }
    pub(super) fn u32(&mut self, v: u32) -> &mut Self {
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }
    pub(super) fn u64(&mut self, v: u64) -> &mut Self {
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }
    pub(super) fn bytes(&mut self, v: &[u8]) -> &mut Self {
        self.u32(v.len() as u32);
        self.0.extend_from_slice(v);
        self
    }
    fn fid(&mut self, v: Fid) -> &mut Self {
        self.u8(v.tree).u64(v.ino)
    }
    fn time(&mut self, v: Time) -> &mut Self {
        self.u64(v.0 as u64).u32(v.1)
    }
    fn attr(&mut self, v: &Attr) -> &mut Self {
        self.u32(v.mode).u32(v.uid).u32(v.gid).u64(v.rdev).u64(v.size).time(v.atime).time(v.mtime)
    }
    fn block(&mut self, v: &Block) -> &mut Self {
        self.fid(v.node).u64(v.offset).u32(v.length)
    }
    pub(super) fn cut(&mut self, v: Cut) -> &mut Self {
        self.u64(v.session).u64(v.epoch)
    }
    fn zones(&mut self, v: &Zones) -> &mut Self {
        self.u32(v.ranges().len() as u32);
        v.ranges().iter().fold(self, |w, range| w.u64(range.start).u64(range.end))
    }
    fn space(&mut self, v: &Space) -> &mut Self {
        self.u64(v.total).u64(v.free).u64(v.available).u64(v.files).u64(v.free_files)
    }
    pub(super) fn option<T>(&mut self, v: Option<T>, put: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.u8(v.is_some().into());
        if let Some(v) = v {
            put(self, v);
        }
        self
    }
}

/// Reads what `Writer` wrote; `None` when the bytes end too early or make no sense.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }
    pub(super) fn u8(&mut self) -> Option<u8> {
        Some(self.take::<1>()?[0])
    }
    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take()?))
    }
    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take()?))
    }
    pub(super) fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = self.u32()? as usize;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head.to_vec())
    }
    pub(super) fn bool(&mut self) -> Option<bool> {
        Some(self.u8()? != 0)
    }
    fn fid(&mut self) -> Option<Fid> {
        Some(Fid { tree: self.u8()?, ino: self.u64()? })
    }
    fn time(&mut self) -> Option<Time> {
        Some((self.u64()? as i64, self.u32()?))
    }
    fn attr(&mut self) -> Option<Attr> {
        Some(Attr {
            mode: self.u32()?,
            uid: self.u32()?,
            gid: self.u32()?,
            rdev: self.u64()?,
            size: self.u64()?,
            atime: self.time()?,
            mtime: self.time()?,
        })
    }
    fn block(&mut self) -> Option<Block> {
        Some(Block { node: self.fid()?, offset: self.u64()?, length: self.u32()? })
    }
    pub(super) fn cut(&mut self) -> Option<Cut> {
        Some(Cut { session: self.u64()?, epoch: self.u64()? })
    }
    fn zones(&mut self) -> Option<Zones> {
        let mut zones = Zones::default();
        self.list(|r| Some(r.u64()?..r.u64()?))?.into_iter().for_each(|range| zones.insert(range));
        Some(zones)
    }
    fn space(&mut self) -> Option<Space> {
        Some(Space {
            total: self.u64()?,
            free: self.u64()?,
            available: self.u64()?,
            files: self.u64()?,
            free_files: self.u64()?,
        })
    }
    /// None or one, as a list, so that "absent" and "cut off" stay apart.
    pub(super) fn optional<T>(&mut self, get: impl FnOnce(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        if self.bool()? { Some(vec![get(self)?]) } else { Some(Vec::new()) }
    }
    fn list<T>(&mut self, mut get: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32()?;
        (0..count).map(|_| get(self)).collect()
    }
}

impl Frame {
    /// Header, then the operation.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.u64(self.seq).u64(self.generation).u64(self.term);
        self.op.encode(&mut w);
        w.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let r = &mut Reader(bytes);
        let frame = Self { seq: r.u64()?, generation: r.u64()?, term: r.u64()?, op: Op::decode(r)? };
        r.0.is_empty().then_some(frame)
    }
}

impl Op {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Entry { dir, name, node, fresh, attr, target, xattrs, dir_mtime } => {
                w.u8(0).fid(*dir).bytes(name).fid(*node).u8((*fresh).into()).attr(attr).bytes(target);
                w.option(xattrs.as_ref(), |w, all| {
                    w.u32(all.len() as u32);
                    for (name, value) in all {
                        w.bytes(name).bytes(value);
                    }
                });
                w.option(*dir_mtime, |w, t| {
                    w.time(t);
                });
            }
            Self::Remove { dir, name, node, is_dir, gone, dir_mtime } => {
                w.u8(1)
                    .fid(*dir)
                    .bytes(name)
                    .fid(*node)
                    .u8((*is_dir).into())
                    .u8((*gone).into())
                    .time(*dir_mtime);
            }
            Self::Rename { dir, name, to, to_name, flags, replaced, dir_mtime, to_mtime } => {
                w.u8(2).fid(*dir).bytes(name).fid(*to).bytes(to_name).u32(*flags);
                w.option(*replaced, |w, fid| {
                    w.fid(fid);
                });
                w.time(*dir_mtime).time(*to_mtime);
            }
            Self::Write { node, offset, mtime, data } => {
                w.0.reserve(data.len() + 48);
                w.u8(3).fid(*node).u64(*offset).time(*mtime).bytes(data);
            }
            Self::Attr { node, attr, resize } => {
                w.u8(4).fid(*node).attr(attr).u8((*resize).into());
            }
            Self::Allocate { node, mode, offset, length, mtime } => {
                w.u8(5).fid(*node).u32(*mode).u64(*offset).u64(*length).time(*mtime);
            }
            Self::SetXattr { node, name, value } => {
                w.u8(6).fid(*node).bytes(name).bytes(value);
            }
            Self::RemoveXattr { node, name } => {
                w.u8(7).fid(*node).bytes(name);
            }
            Self::Sync { node } => {
                w.u8(8).fid(*node);
            }
            Self::Forget { node } => {
                w.u8(9).fid(*node);
            }
            Self::Listing { dir, names, attr } => {
                w.u8(10).fid(*dir).u32(names.len() as u32);
                for name in names {
                    w.bytes(name);
                }
                w.attr(attr);
            }
            Self::Hash { node, offset, length, hash } => {
                w.u8(11).fid(*node).u64(*offset).u32(*length).0.extend_from_slice(hash);
            }
            Self::Copied(at) => {
                w.u8(12).cut(*at);
            }
            Self::Cut(at) => {
                w.u8(14).cut(*at);
            }
            Self::Settled(at) => {
                w.u8(15).cut(*at);
            }
            Self::Served { node, offset } => {
                w.u8(16).fid(*node).u64(*offset);
            }
            Self::CopyRange { from, from_offset, node, offset, length, mtime } => {
                w.u8(13).fid(*from).u64(*from_offset).fid(*node).u64(*offset).u64(*length).time(*mtime);
            }
        }
    }

    fn decode(r: &mut Reader) -> Option<Self> {
        Some(match r.u8()? {
            0 => Self::Entry {
                dir: r.fid()?,
                name: r.bytes()?,
                node: r.fid()?,
                fresh: r.bool()?,
                attr: r.attr()?,
                target: r.bytes()?,
                xattrs: r.optional(|r| r.list(|r| Some((r.bytes()?, r.bytes()?))))?.pop(),
                dir_mtime: r.optional(Reader::time)?.pop(),
            },
            1 => Self::Remove {
                dir: r.fid()?,
                name: r.bytes()?,
                node: r.fid()?,
                is_dir: r.bool()?,
                gone: r.bool()?,
                dir_mtime: r.time()?,
            },
            2 => Self::Rename {
                dir: r.fid()?,
                name: r.bytes()?,
                to: r.fid()?,
                to_name: r.bytes()?,
                flags: r.u32()?,
                replaced: r.optional(Reader::fid)?.pop(),
                dir_mtime: r.time()?,
                to_mtime: r.time()?,
            },
            3 => Self::Write { node: r.fid()?, offset: r.u64()?, mtime: r.time()?, data: r.bytes()? },
            4 => Self::Attr { node: r.fid()?, attr: r.attr()?, resize: r.bool()? },
            5 => Self::Allocate {
                node: r.fid()?,
                mode: r.u32()?,
                offset: r.u64()?,
                length: r.u64()?,
                mtime: r.time()?,
            },
            6 => Self::SetXattr { node: r.fid()?, name: r.bytes()?, value: r.bytes()? },
            7 => Self::RemoveXattr { node: r.fid()?, name: r.bytes()? },
            8 => Self::Sync { node: r.fid()? },
            9 => Self::Forget { node: r.fid()? },
            10 => Self::Listing { dir: r.fid()?, names: r.list(Reader::bytes)?, attr: r.attr()? },
            11 => Self::Hash { node: r.fid()?, offset: r.u64()?, length: r.u32()?, hash: r.take()? },
            12 => Self::Copied(r.cut()?),
            13 => Self::CopyRange {
                from: r.fid()?,
                from_offset: r.u64()?,
                node: r.fid()?,
                offset: r.u64()?,
                length: r.u64()?,
                mtime: r.time()?,
            },
            14 => Self::Cut(r.cut()?),
            15 => Self::Settled(r.cut()?),
            16 => Self::Served { node: r.fid()?, offset: r.u64()? },
            _ => return None,
        })
    }
}

impl Answer {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Self::Applied(seq) => w.u8(0).u64(*seq),
            Self::Synced(seq) => w.u8(1).u64(*seq),
            Self::Want(Want { block, pages }) => {
                w.u8(2).block(block).u32(pages.len() as u32);
                w.0.extend_from_slice(pages.as_flattened());
                &mut w
            }
            Self::Failed(why) => w.u8(3).bytes(why.as_bytes()),
            Self::Space(spaces) => {
                w.u8(4).u32(spaces.len() as u32);
                for space in spaces {
                    w.space(space);
                }
                &mut w
            }
            Self::Doubt { node, size, zones } => w.u8(5).fid(*node).u64(*size).zones(zones),
            Self::Settled(at) => w.u8(6).cut(*at),
        };
        w.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let r = &mut Reader(bytes);
        let answer = match r.u8()? {
            0 => Self::Applied(r.u64()?),
            1 => Self::Synced(r.u64()?),
            2 => Self::Want(Want { block: r.block()?, pages: r.list(Reader::take)? }),
            3 => Self::Failed(String::from_utf8_lossy(&r.bytes()?).into_owned()),
            4 => Self::Space(r.list(Reader::space)?),
            5 => Self::Doubt { node: r.fid()?, size: r.u64()?, zones: r.zones()? },
            6 => Self::Settled(r.cut()?),
            _ => return None,
        };
        r.0.is_empty().then_some(answer)
    }
}

impl Hello {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        let Expected { boot, generation, term } = self.named;
        w.u32(boot)
            .u64(generation)
            .u64(term)
            .u64(self.session)
            .u64(self.applied)
            .u32(self.wants.len() as u32);
        for block in &self.wants {
            w.block(block);
        }
        w.u32(self.held.len() as u32);
        for &cut in &self.held {
            w.cut(cut);
        }
        w.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let r = &mut Reader(bytes);
        let hello = Self {
            named: Expected { boot: r.u32()?, generation: r.u64()?, term: r.u64()? },
            session: r.u64()?,
            applied: r.u64()?,
            wants: r.list(Reader::block)?,
            held: r.list(Reader::cut)?,
        };
        r.0.is_empty().then_some(hello)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    const DIR: Fid = Fid { tree: 0, ino: 1 };
    const NODE: Fid = Fid { tree: 1, ino: u64::MAX };
    const TIME: Time = (-1, 999_999_999);
    const ATTR: Attr = Attr { mode: 0o100_644, uid: 1, gid: 2, rdev: 3, size: 4, atime: TIME, mtime: (5, 6) };
    const BLOCK: Block = Block { node: NODE, offset: 1 << 40, length: 1 << 17 };

    const CUT: Cut = Cut { session: 3, epoch: u64::MAX };

    fn name() -> Vec<u8> {
        b"name".to_vec()
    }

    /// One of each.
    fn ops() -> [Op; 18] {
        let entry = |xattrs, dir_mtime| Op::Entry {
            dir: DIR,
            name: name(),
            node: NODE,
            fresh: true,
            attr: ATTR,
            target: b"target".to_vec(),
            xattrs,
            dir_mtime,
        };
        [
            entry(None, Some(TIME)),
            entry(Some(vec![(name(), b"value".to_vec()), (name(), Vec::new())]), None),
            Op::Remove { dir: DIR, name: name(), node: NODE, is_dir: false, gone: true, dir_mtime: TIME },
            Op::Rename {
                dir: DIR,
                name: name(),
                to: NODE,
                to_name: name(),
                flags: 1,
                replaced: Some(NODE),
                dir_mtime: TIME,
                to_mtime: TIME,
            },
            Op::Write { node: NODE, offset: 5, mtime: TIME, data: vec![7; 40] },
            Op::Attr { node: NODE, attr: ATTR, resize: true },
            Op::Allocate { node: NODE, mode: 1, offset: 2, length: 3, mtime: TIME },
            Op::SetXattr { node: NODE, name: name(), value: b"value".to_vec() },
            Op::RemoveXattr { node: NODE, name: name() },
            Op::Sync { node: NODE },
            Op::Forget { node: NODE },
            Op::Listing { dir: DIR, names: vec![name(), Vec::new()], attr: ATTR },
            Op::Hash { node: NODE, offset: 1, length: 2, hash: [3; 32] },
            Op::Copied(CUT),
            Op::Cut(CUT),
            Op::Settled(CUT),
            Op::Served { node: NODE, offset: 9 },
            Op::CopyRange { from: DIR, from_offset: 1, node: NODE, offset: 2, length: 3, mtime: TIME },
        ]
    }

    fn frames() -> impl Iterator<Item = Frame> {
        ops().into_iter().map(|op| Frame { seq: 1, generation: u64::MAX, term: 3, op })
    }

    fn answers() -> [Answer; 7] {
        let space = Space { total: 1, free: 2, available: 3, files: u64::MAX, free_files: 5 };
        [
            Answer::Applied(7),
            Answer::Synced(u64::MAX),
            Answer::Want(Want { block: BLOCK, pages: vec![[7; 16], [8; 16]] }),
            Answer::Failed("why".into()),
            Answer::Space(vec![space, Space::default()]),
            Answer::Doubt { node: NODE, size: 4, zones: Zones::whole() },
            Answer::Settled(CUT),
        ]
    }

    fn hello() -> Hello {
        let named = Expected { boot: 1, generation: 2, term: 3 };
        Hello { named, session: 4, applied: 5, wants: vec![BLOCK; 3], held: vec![CUT; 2] }
    }

    #[test]
    fn everything_comes_back_as_it_was() {
        frames().for_each(|frame| assert_eq!(Frame::decode(&frame.encode()), Some(frame)));
        for answer in answers() {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
        assert_eq!(Hello::decode(&hello().encode()), Some(hello()));
    }

    fuzz::target!(any_bytes_are_a_frame_or_nothing, frames().map(|frame| frame.encode()), |bytes| {
        if let Some(frame) = Frame::decode(bytes) {
            assert_eq!(frame.encode().len(), bytes.len());
            assert_eq!(Frame::decode(&frame.encode()), Some(frame));
        }
    });

    fuzz::target!(any_bytes_are_an_answer_or_nothing, answers().map(|answer| answer.encode()), |bytes| {
        if let Some(answer) = Answer::decode(bytes) {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
    });

    fuzz::target!(any_bytes_are_a_hello_or_nothing, [hello().encode()], |bytes| {
        if let Some(hello) = Hello::decode(bytes) {
            assert_eq!(hello.encode().len(), bytes.len());
            assert_eq!(Hello::decode(&hello.encode()), Some(hello));
        }
    });
}
