//! What happened, for people: a file per module in SafeKit's form, and the newest lines in memory.
//!
//! Who has something to say hands it over and goes on: files are written by a thread of their own.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::SystemTime,
};

use crate::{api::shape::Happened, paths::Paths};

/// Lines kept in memory.
const KEPT: usize = 500;

/// SafeKit's levels of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Critical,
    Event,
    User,
    Script,
    Information,
}

impl Level {
    /// The letter in the log.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Critical => "C",
            Self::Event => "E",
            Self::User => "U",
            Self::Script => "S",
            Self::Information => "I",
        }
    }
}

/// One line, of a module or of the agent itself.
#[derive(Clone, Debug)]
struct Line {
    at: SystemTime,
    module: Option<String>,
    origin: &'static str,
    level: Level,
    text: String,
}

enum Order {
    Write(Line),
    /// Answered when everything before it is written.
    Flush(mpsc::SyncSender<()>),
}

/// Takes lines from every thread.
#[derive(Clone)]
pub struct Journal {
    orders: mpsc::Sender<Order>,
    /// The writer alone adds; a reader copies what is there.
    ring: Arc<Mutex<VecDeque<Happened>>>,
}

impl Journal {
    /// Starts the writer. `node` is this node's name.
    pub fn open(paths: &Paths, node: &str) -> Self {
        let (orders, taken) = mpsc::channel();
        let ring = Arc::new(Mutex::new(VecDeque::with_capacity(KEPT)));
        let writer = Writer {
            log: paths.log.clone(),
            node: node.into(),
            files: BTreeMap::new(),
            ring: ring.clone(),
            seq: 0,
        };
        thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(&taken))
            .expect("a starting agent has a thread left");
        Self { orders, ring }
    }

    /// Says something about a module, or about the agent itself.
    pub fn say(&self, module: Option<&str>, origin: &'static str, level: Level, text: impl Into<String>) {
        let line = Line {
            at: SystemTime::now(),
            module: module.map(str::to_owned),
            origin,
            level,
            text: text.into(),
        };
        // The writer ends with the process.
        _ = self.orders.send(Order::Write(line));
    }

    /// Waits until all that was said is written.
    pub fn flush(&self) {
        let (done, wait) = mpsc::sync_channel(1);
        if self.orders.send(Order::Flush(done)).is_ok() {
            _ = wait.recv();
        }
    }

    /// The newest `lines` records, oldest first; of one module, or of all.
    pub fn newest(&self, module: Option<&str>, lines: usize) -> Vec<Happened> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |line: &&Happened| module.is_none() || line.module.as_deref() == module;
        let mut found: Vec<_> = ring.iter().rev().filter(wanted).take(lines).cloned().collect();
        found.reverse();
        found
    }
}

struct Writer {
    log: PathBuf,
    node: String,
    files: BTreeMap<PathBuf, File>,
    ring: Arc<Mutex<VecDeque<Happened>>>,
    seq: u64,
}

impl Writer {
    fn run(mut self, orders: &mpsc::Receiver<Order>) {
        for order in orders {
            match order {
                Order::Write(line) => self.write(line),
                Order::Flush(done) => _ = done.send(()),
            }
        }
    }

    fn write(&mut self, line: Line) {
        let time = humantime::format_rfc3339_micros(line.at);
        let text = format!("| {time} | {} | {} | {} |\n", line.origin, line.level.letter(), line.text);
        let path = match &line.module {
            Some(module) => self.log.join(module).join("module.log"),
            None => self.log.join("agent.log"),
        };
        // A log that cannot be written is no reason to stop serving.
        if let Some(file) = self.file(&path) {
            _ = file.write_all(text.as_bytes());
        }
        self.seq += 1;
        let happened = Happened {
            seq: self.seq,
            time: humantime::format_rfc3339_millis(line.at).to_string(),
            node: self.node.clone(),
            module: line.module,
            level: line.level.letter().into(),
            text: line.text,
        };
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(happened);
    }

    /// The open file, opened anew if somebody moved it away.
    fn file(&mut self, path: &Path) -> Option<&mut File> {
        if !path.exists() {
            self.files.remove(path);
        }
        if !self.files.contains_key(path) {
            path.parent().map(fs::create_dir_all)?.ok()?;
            let file = OpenOptions::new().create(true).append(true).open(path).ok()?;
            self.files.insert(path.to_owned(), file);
        }
        self.files.get_mut(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(dir: &Path) -> Paths {
        Paths { etc: dir.into(), var: dir.into(), run: dir.into(), log: dir.join("log") }
    }

    #[test]
    fn a_line_is_in_its_module_s_file_in_safekit_s_form_and_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(&paths(dir.path()), "one");
        journal.say(Some("am"), "heart", Level::Event, "Local state ALONE Ready");
        journal.say(None, "agent", Level::Information, "started");
        journal.flush();
        let text = fs::read_to_string(dir.path().join("log/am/module.log")).unwrap();
        let fields: Vec<&str> = text.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(fields[1..], ["heart", "E", "Local state ALONE Ready"]);
        assert!(humantime::parse_rfc3339(fields[0]).is_ok(), "{text}");
        assert_eq!(journal.newest(Some("am"), 10).len(), 1);
        assert_eq!(journal.newest(None, 10).len(), 2);
    }

    #[test]
    fn memory_keeps_the_newest_lines_and_files_moved_away_are_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(&paths(dir.path()), "one");
        for number in 0..=KEPT {
            journal.say(Some("am"), "agent", Level::Information, number.to_string());
        }
        journal.flush();
        let kept = journal.newest(None, 2 * KEPT);
        assert_eq!((kept.len(), kept[0].text.as_str()), (KEPT, "1"));
        let file = dir.path().join("log/am/module.log");
        fs::rename(&file, dir.path().join("old")).unwrap();
        journal.say(Some("am"), "agent", Level::Information, "again");
        journal.flush();
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1);
    }
}
