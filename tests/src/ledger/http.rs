//! As much HTTP/1.1 as the ledger needs: one request per connection, bodies with a length.

use std::io::{self, BufRead, BufReader, Read, Write};

/// No body is longer.
const LONGEST: u64 = 1 << 30;

/// Start line and body of a request or an answer.
pub(super) struct Message {
    pub(super) start: String,
    pub(super) body: Vec<u8>,
}

pub(super) fn write(stream: &mut impl Write, start: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    let head = format!("{start}\r\nHost: ledger\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())?;
    stream.flush()
}

/// Reads one message; an end before its end is an error.
pub(super) fn read(stream: impl Read) -> io::Result<Message> {
    let mut reader = BufReader::new(stream);
    let start = line(&mut reader)?;
    let mut length = 0;
    loop {
        let header = line(&mut reader)?;
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(|_| bad("a length that is no number"))?;
        }
    }
    if length > LONGEST {
        return Err(bad("a body that is too long"));
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    if body.len() as u64 == length {
        Ok(Message { start, body })
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.take(8192).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(whole) => Ok(whole.trim_end_matches('\r').to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
