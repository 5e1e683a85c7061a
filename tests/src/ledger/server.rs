//! The service: blocking threads, nothing clever, so that what it loses was lost by the file system.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    net::{SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{echo, http};
use crate::Moment;

/// A client that says nothing for this long is dropped.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves `file` at `address` in the name of `node`, for ever.
///
/// The address may appear a moment after the start; only when it is not there after ten seconds is that an
/// error, as is a file that cannot be opened.
pub fn serve(address: SocketAddrV4, file: &Path, node: &str) -> io::Result<()> {
    let book = Arc::new(Mutex::new(Book::open(file)?));
    let echo = bound(|| UdpSocket::bind(address))?;
    let listener = bound(|| TcpListener::bind(address))?;
    let name = node.to_owned();
    thread::spawn(move || answer_probes(&echo, &name));
    for stream in listener.incoming().flatten() {
        let book = Arc::clone(&book);
        // A connection that breaks is its client's business.
        thread::spawn(move || {
            let _ = answer(stream, &book);
        });
    }
    Ok(())
}

fn bound<T>(bind: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let began = Instant::now();
    loop {
        match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable && began.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(2));
            }
            other => return other,
        }
    }
}

fn answer_probes(socket: &UdpSocket, node: &str) {
    let mut question = [0; echo::LONGEST];
    loop {
        if let Ok((_, from)) = socket.recv_from(&mut question) {
            // It fails while the address is being taken away; the probe counts that as no answer.
            let _ = socket.send_to(&echo::write(node, Moment::now()), from);
        }
    }
}

fn answer(mut stream: TcpStream, book: &Mutex<Book>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let request = http::read(&stream)?;
    let book = || book.lock().unwrap_or_else(PoisonError::into_inner);
    let done = match request.start.split(' ').take(2).collect::<Vec<_>>()[..] {
        ["POST", "/append"] => match entry(&request.body) {
            Some(line) => book().append(line).map(|number| format!("{number}\n").into_bytes()),
            None => return http::write(&mut stream, "HTTP/1.1 400 Bad Request", b"one line, please\n"),
        },
        ["GET", "/all"] => book().all(),
        _ => return http::write(&mut stream, "HTTP/1.1 404 Not Found", b"POST /append or GET /all\n"),
    };
    match done {
        Ok(body) => http::write(&mut stream, "HTTP/1.1 200 OK", &body),
        Err(error) => {
            http::write(&mut stream, "HTTP/1.1 500 Internal Server Error", format!("{error}\n").as_bytes())
        }
    }
}

fn entry(body: &[u8]) -> Option<&[u8]> {
    let line = body.strip_suffix(b"\n").unwrap_or(body);
    (!line.is_empty() && !line.contains(&b'\n')).then_some(line)
}

struct Book {
    file: File,
    lines: u64,
    /// The file does not end with the end of a line: what comes next must not become part of a torn one.
    torn: bool,
}

impl Book {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).read(true).append(true).open(path)?;
        let mut book = Self { file, lines: 0, torn: false };
        let text = book.all()?;
        book.lines =
            text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).count() as u64;
        book.torn = text.last().is_some_and(|byte| *byte != b'\n');
        Ok(book)
    }

    /// The number of the line, once it is durable.
    fn append(&mut self, line: &[u8]) -> io::Result<u64> {
        let start: &[u8] = if self.torn { b"\n" } else { b"" };
        let torn = std::mem::replace(&mut self.torn, true);
        self.file.write_all(&[start, line, b"\n"].concat())?;
        self.file.sync_all()?;
        self.torn = false;
        self.lines += 1 + u64::from(torn);
        Ok(self.lines)
    }

    fn all(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut text)?;
        Ok(text)
    }
}
