//! Damaged files are refused or mean something; they never stop the agent.

use std::{fs, time::Instant};

use super::{CLUSTER, THREE, cluster, good::FULL, read_cluster, read_on};
use crate::{
    config::{Cluster, Diagnostics, Loaded, cluster as cluster_file, code},
    fuzz,
};

/// Bytes that mean something in XML or in this language, and some that mean nothing.
const BYTES: &[u8] = b"<>&\"'=/!?-[]%;# \n\tax09._:\x00\x7f";

/// Every prefix, every byte left out, every byte replaced by each of `BYTES`. What is not UTF-8 is refused before it is parsed.
fn damaged(text: &str, mut each: impl FnMut(&str)) {
    let bytes = text.as_bytes();
    for i in 0..bytes.len() {
        each(&text[..i]);
        let mut damaged = bytes.to_vec();
        damaged.remove(i);
        each(&String::from_utf8_lossy(&damaged));
        for byte in BYTES {
            damaged = bytes.to_vec();
            damaged[i] = *byte;
            each(&String::from_utf8_lossy(&damaged));
        }
    }
}

/// A finding must point into the text it is about.
fn lines_exist(found: &Diagnostics, text: &str) {
    let lines = text.split('\n').count() as u32;
    for diagnostic in found {
        if diagnostic.code == code::MORE {
            continue;
        }
        assert!((1..=lines).contains(&diagnostic.line), "{diagnostic}");
        assert!(!diagnostic.message.is_empty());
        assert!(diagnostic.column as usize <= diagnostic.excerpt.chars().count() + 1, "{diagnostic}");
    }
}

/// What holds for every cluster, good or bad.
fn judge_cluster(text: &str, read: &Result<(Cluster, Diagnostics), Diagnostics>) {
    match read {
        Ok((cluster, warnings)) => {
            assert!(cluster.nodes.len() >= 2 && !cluster.lans.is_empty());
            lines_exist(warnings, text);
        }
        Err(found) => {
            assert!(found.has_errors() && !found.to_string().is_empty());
            lines_exist(found, text);
        }
    }
}

/// What holds for every module, good or bad.
fn judge_module(text: &str, read: &Result<Loaded, Diagnostics>) {
    match read {
        Ok(loaded) => {
            assert!(!loaded.module.heart.networks.is_empty());
            lines_exist(&loaded.warnings, text);
        }
        Err(found) => {
            assert!(found.has_errors() && !found.to_string().is_empty());
            lines_exist(found, text);
        }
    }
}

#[test]
fn a_damaged_cluster_never_panics() {
    let (mut good, mut bad) = (0, 0);
    damaged(CLUSTER, |text| {
        let read = read_cluster(text);
        judge_cluster(text, &read);
        *if read.is_ok() { &mut good } else { &mut bad } += 1;
    });
    assert!(good > 50 && bad > 500, "{good} accepted, {bad} refused");
}

#[test]
fn a_damaged_module_never_panics() {
    let (cluster, mut good, mut bad) = (cluster(), 0, 0);
    damaged(FULL, |text| {
        let read = read_on(text, &cluster);
        judge_module(text, &read);
        *if read.is_ok() { &mut good } else { &mut bad } += 1;
    });
    assert!(good > 50 && bad > 500, "{good} accepted, {bad} refused");
}

fuzz::target!(any_text_is_a_cluster_or_refused, [CLUSTER, THREE], |bytes| {
    let text = String::from_utf8_lossy(bytes);
    judge_cluster(&text, &read_cluster(&text));
});

fuzz::target!(any_text_is_a_module_or_refused, [FULL, HEART], |bytes| {
    let text = String::from_utf8_lossy(bytes);
    judge_module(&text, &read_on(&text, &cluster()));
});

/// The smallest module.
const HEART: &str =
    r#"<safe><service mode="mirror"><heart><heartbeat name="default"/></heart></service></safe>"#;

/// `piece` with its number for `#`, over and over, as often as there is room.
fn flood(piece: &str, room: usize) -> String {
    let pieces = (0..).map(|number: u32| piece.replace('#', &number.to_string()));
    let mut left = room;
    pieces.take_while(|piece| left.checked_sub(piece.len()).map(|less| left = less).is_some()).collect()
}

#[test]
fn no_file_takes_long_or_much_memory() {
    /// What a file may have, but for the ends of the document.
    const ROOM: usize = (64 << 10) - 100;
    const HALF: usize = ROOM / 2;
    let cluster = cluster();
    let defined = flood("<macro name=\"m#\" value=\"\"/>", HALF);
    let (long, other) = ("x".repeat(HALF - 50), "y".repeat(HALF - 50));
    for text in [
        format!("<safe{}/>", flood(" a#=\"\"", ROOM)),
        format!("<safe>{}</safe>", flood("<a#/>", ROOM)),
        format!("<safe>{}</safe>", flood("<service/>", ROOM)),
        format!("<safe>{}</safe>", flood("\n<service>\n<rfs/></service>", ROOM)),
        format!("<safe>{defined}<macro name=\"m\" value=\"{}\"/></safe>", flood("%n#%", HALF)),
        format!("<safe>{defined}<macro name=\"m\" value=\"{}\"/></safe>", flood("%m#%", HALF)),
        format!("<safe><macro name=\"{long}\" value=\"\"/><macro name=\"m\" value=\"%{other}%\"/></safe>"),
        format!("<safe>{}</safe>", flood("<macro name=\"m\" value=\"%n%\"/>", ROOM)),
        format!("<safe boot=\"{}\"/>", flood("&#", ROOM)),
        format!("<{}/>", flood("x", ROOM)),
    ] {
        fuzz::bounded(text.as_bytes(), |_| judge_module(&text, &read_on(&text, &cluster)));
    }
    let one = "<cluster><lans><lan name=\"l\">";
    for text in [
        format!("<cluster><lans>{}</lans></cluster>", flood("<lan name=\"l#\"/>", ROOM)),
        format!("{one}{}</lan></lans></cluster>", flood("<node name=\"n#\" addr=\"::#\"/>", ROOM)),
        format!("{one}{}</lan></lans></cluster>", flood("<node name=\"n\" addr=\"::1\"/>", ROOM)),
        format!("<cluster><lans>{}</lans></cluster>", flood("<lan console=\"on\"/>", ROOM)),
    ] {
        fuzz::bounded(text.as_bytes(), |_| judge_cluster(&text, &read_cluster(&text)));
    }
}

#[test]
fn a_large_file_is_refused_before_it_is_parsed() {
    let text = format!("<cluster>{}</cluster>", "<lans a=\"1\"/>".repeat(800_000));
    assert!(text.len() > 10_000_000);
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("cluster.xml");
    fs::write(&path, &text).unwrap();
    let begun = Instant::now();
    let used = allocation_counter::measure(|| {
        let found = cluster_file::load(&path).unwrap_err().to_string();
        assert!(found.contains("larger than 65536 bytes"), "{found}");
    });
    assert!(begun.elapsed().as_secs() < 1 && used.bytes_max < 1 << 20, "{used:?}");
    // As a text that did not come from a file.
    fuzz::bounded(b"", |_| {
        let found = read_cluster(&text).unwrap_err();
        assert_eq!(found.iter().next().unwrap().message, "the text is longer than 65536 bytes");
    });
}

#[test]
fn macros_of_macros_and_deep_nests_are_bounded() {
    let doubling = (1..60).map(|i| format!("<macro name=\"m{i}\" value=\"%m{0}%%m{0}%\"/>", i - 1));
    let text = format!("<safe><macro name=\"m0\" value=\"x\"/>{}</safe>", doubling.collect::<String>());
    let found = read_on(&text, &cluster()).expect_err("refused").to_string();
    assert!(found.contains("longer than 16384 bytes"), "{found}");

    let deep = format!("<safe>{}", "<a>".repeat(20_000));
    let found = read_on(&deep, &cluster()).expect_err("refused").to_string();
    assert!(found.contains("nested more than 16 deep"), "{found}");
}
