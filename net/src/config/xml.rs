//! A small tree of elements in which everything knows its place in the text.

use quick_xml::{
    Error, Reader,
    errors::{IllFormedError, SyntaxError},
    escape::unescape,
    events::{BytesStart, Event, attributes::AttrError},
};

use super::{
    code,
    report::{LARGEST, Report},
};

/// The language is six elements deep; a bound keeps every later walk over the tree finite in stack.
const DEEPEST: usize = 16;

/// An element with all that it contains. Offsets are bytes of the text.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    /// Of its `<`.
    pub(super) at: usize,
    pub(super) attributes: Vec<Attribute>,
    pub(super) children: Vec<Element>,
    /// Where text other than white space begins inside it.
    pub(super) text: Option<usize>,
    /// Its `<![CDATA[ ]]>` sections.
    pub(super) cdata: Vec<Cdata>,
}

/// What stands in a `<![CDATA[ ]]>`.
#[derive(Debug)]
pub(super) struct Cdata {
    pub(super) text: String,
    /// Of its first character.
    pub(super) at: usize,
}

#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) at: usize,
    pub(super) value_at: usize,
    /// The value was reported as unusable; readers take the attribute as absent.
    pub(super) broken: bool,
}

impl Element {
    /// A usable attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name && !a.broken)
    }

    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |c| c.name == name)
    }

    pub(super) fn first(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }

    /// Where a message about an attribute points: its value, or the element when it is not written.
    pub(super) fn place(&self, attribute: &str) -> usize {
        self.attributes.iter().find(|a| a.name == attribute).map_or(self.at, |a| a.value_at)
    }

    /// Sixteen hexadecimal digits that are equal for equal content: comments, white space, the order of
    /// attributes and how macros were spelt do not count. Computed on the text's words and not on what this
    /// version makes of them, so that two versions of safetui agree during an upgrade.
    pub(super) fn signature(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        self.digest(&mut hasher);
        hasher.finalize().to_hex()[..16].to_owned()
    }

    fn digest(&self, hasher: &mut blake3::Hasher) {
        let mut attributes: Vec<_> = self.attributes.iter().map(|a| (&a.name, a.value.trim())).collect();
        attributes.sort();
        // Each word with its length, each list with its end: no two trees give the same bytes.
        let mut word = |word: &str| {
            hasher.update(&(word.len() as u64).to_le_bytes()).update(word.as_bytes());
        };
        word(&self.name);
        for (name, value) in attributes {
            word(name);
            word(value);
        }
        for cdata in &self.cdata {
            word(&cdata.text);
        }
        hasher.update(&u64::MAX.to_le_bytes());
        for child in self.children.iter().filter(|c| c.name != "macro") {
            child.digest(hasher);
        }
        hasher.update(&u64::MAX.to_le_bytes());
    }
}

/// Reads the whole text; what is not well-formed is reported and ends the reading.
pub(super) fn parse(text: &str, report: &mut Report<'_>) -> Option<Element> {
    if text.len() > LARGEST {
        report.error(code::FILE, 0, format!("the text is longer than {LARGEST} bytes"));
        return None;
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| forbidden(*c)) {
        let found = format!("control character U+{:04X}", c as u32);
        report.error(code::XML, at, found).help("remove it: XML cannot contain it");
        return None;
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut tree = Tree { text, open: Vec::new(), root: None, failed: false };
    loop {
        let at = reader.buffer_position() as usize;
        match reader.read_event() {
            Ok(Event::Start(tag)) => tree.start(&tag, report)?,
            Ok(Event::Empty(tag)) => {
                tree.start(&tag, report)?;
                tree.close();
            }
            Ok(Event::End(tag)) => tree.end(at, &String::from_utf8_lossy(tag.name().as_ref()), report)?,
            Ok(Event::Text(found)) => tree.text(at, &found, report)?,
            Ok(Event::CData(found)) => tree.cdata(at, &found, report)?,
            Ok(Event::GeneralRef(_)) => tree.text(at, b"?", report)?,
            Ok(Event::Eof) => break,
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Err(error) => {
                syntax(report, reader.error_position() as usize, &error);
                return None;
            }
        }
    }
    tree.finish(report)
}

fn syntax(report: &mut Report<'_>, at: usize, error: &Error) {
    let (message, help) = match error {
        Error::Syntax(SyntaxError::UnclosedTag) => (
            "expected \">\" at the end of this tag, found the end of the file".to_owned(),
            "is a closing quote missing?",
        ),
        Error::Syntax(e) => {
            (e.to_string(), "XML knows <element>, <!-- comment -->, <![CDATA[text]]>, <?instruction?>")
        }
        Error::IllFormed(IllFormedError::UnclosedReference) => {
            ("\"&\" without its \";\"".to_owned(), "a \"&\" that is meant is written &amp;")
        }
        other => (other.to_string(), "correct the markup at this place"),
    };
    report.error(code::XML, at, message).help(help);
}

/// The tree while it grows: elements still open, outermost first.
struct Tree<'a> {
    text: &'a str,
    open: Vec<Element>,
    root: Option<Element>,
    failed: bool,
}

impl Tree<'_> {
    fn start(&mut self, tag: &BytesStart<'_>, report: &mut Report<'_>) -> Option<()> {
        let at = self.offset(tag).saturating_sub(1);
        let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
        if name.is_empty() {
            report.error(code::XML, at, "expected the name of an element after \"<\"");
            return None;
        }
        if self.root.is_some() {
            let message = format!("<{name}> stands after the end of the document");
            report.error(code::XML, at, message).help("a file has one outermost element");
            return None;
        }
        if self.open.len() == DEEPEST {
            report.error(code::XML, at, format!("elements are nested more than {DEEPEST} deep"));
            return None;
        }
        let attributes = self.attributes(tag, report);
        self.open.push(Element { name, at, attributes, children: Vec::new(), text: None, cdata: Vec::new() });
        Some(())
    }

    fn end(&mut self, at: usize, found: &str, report: &mut Report<'_>) -> Option<()> {
        let Some(element) = self.open.last() else {
            report.error(code::XML, at, format!("</{found}> closes an element that is not open"));
            return None;
        };
        if element.name != found {
            let opened = report.line(element.at);
            report
                .error(code::XML, at, format!("expected </{}>, found </{found}>", element.name))
                .help(format!("<{}> was opened in line {opened}", element.name));
            return None;
        }
        self.close();
        Some(())
    }

    /// Moves the innermost open element into its parent.
    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, at: usize, found: &[u8], report: &mut Report<'_>) -> Option<()> {
        let Some(skipped) =
            found.iter().position(|b| !b.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(b))
        else {
            return Some(());
        };
        if let Some(element) = self.open.last_mut() {
            element.text.get_or_insert(at + skipped);
            return Some(());
        }
        let message = "text outside the outermost element";
        report.error(code::XML, at + skipped, message).help("expected \"<\"");
        None
    }

    fn cdata(&mut self, at: usize, found: &[u8], report: &mut Report<'_>) -> Option<()> {
        let Some(element) = self.open.last_mut() else { return self.text(at, b"?", report) };
        let text = String::from_utf8_lossy(found).into_owned();
        element.cdata.push(Cdata { text, at: at + "<![CDATA[".len() });
        Some(())
    }

    fn finish(mut self, report: &mut Report<'_>) -> Option<Element> {
        if let Some(open) = self.open.pop() {
            let message = format!("<{}> is never closed", open.name);
            let help = format!("expected </{}> before the end of the file", open.name);
            report.error(code::XML, open.at, message).help(help);
        } else if self.root.is_none() {
            report.error(code::XML, 0, "the file contains no element");
        }
        self.root.filter(|_| !self.failed)
    }

    fn attributes(&mut self, tag: &BytesStart<'_>, report: &mut Report<'_>) -> Vec<Attribute> {
        let inside = self.offset(tag);
        let mut read = Vec::new();
        for found in tag.attributes() {
            let found = match found {
                Ok(found) => found,
                Err(error) => {
                    self.failed = true;
                    bad_attribute(report, inside, &error);
                    continue;
                }
            };
            let (at, value_at) = (self.offset(found.key.as_ref()), self.offset(&found.value));
            let name = String::from_utf8_lossy(found.key.as_ref()).into_owned();
            let raw = String::from_utf8_lossy(&found.value);
            match plain(&raw) {
                Ok(value) => read.push(Attribute { name, value, at, value_at, broken: false }),
                Err(bad) => {
                    self.failed = true;
                    let message = format!("{} in the value of \"{name}\"", bad.what);
                    report.error(code::XML, value_at + bad.at, message).help(bad.help);
                }
            }
        }
        read
    }

    /// Where a piece of the text lies in it; the reader hands out slices of the text itself.
    fn offset(&self, piece: &[u8]) -> usize {
        (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len())
    }
}

/// Why the raw value of an attribute is none.
struct BadValue {
    at: usize,
    what: &'static str,
    help: &'static str,
}

/// The value that is meant: line breaks are spaces, `&` sequences are characters.
fn plain(raw: &str) -> Result<String, BadValue> {
    if let Some(at) = raw.find('<') {
        let help = "is the closing quote missing? A \"<\" that is meant is written &lt;";
        return Err(BadValue { at, what: "\"<\"", help });
    }
    let at = raw.find('&').unwrap_or(0);
    let spaced = raw.replace(['\t', '\n', '\r'], " ");
    let Ok(value) = unescape(&spaced) else {
        let help = "XML knows &amp; &lt; &gt; &quot; &apos; and numbers such as &#65;";
        return Err(BadValue { at, what: "unknown \"&\" sequence", help });
    };
    if value.contains(forbidden) {
        return Err(BadValue { at, what: "control character", help: "remove it: XML cannot contain it" });
    }
    Ok(value.into_owned())
}

/// Control characters that XML cannot contain, not even as numbers.
fn forbidden(c: char) -> bool {
    c < ' ' && !matches!(c, '\t' | '\n' | '\r') || c == '\u{7f}'
}

fn bad_attribute(report: &mut Report<'_>, inside: usize, error: &AttrError) {
    let (at, message) = match error {
        AttrError::ExpectedEq(at) => (*at, "expected \"=\" after the name of the attribute".to_owned()),
        AttrError::ExpectedValue(at) => (*at, "expected a value after \"=\"".to_owned()),
        AttrError::UnquotedValue(at) => (*at, "expected a value in quotes".to_owned()),
        AttrError::ExpectedQuote(at, quote) => (*at, format!("expected a closing {}", char::from(*quote))),
        AttrError::Duplicated(at, _) => (*at, "the attribute is given twice".to_owned()),
    };
    report.error(code::XML, inside + at, message);
}
