//! Damaged files are refused or mean something; they never stop the agent.

use super::{CLUSTER, cluster, good::FULL, read_cluster, read_on};

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
fn lines_exist(found: &super::Diagnostics, text: &str) {
    let lines = text.split('\n').count() as u32;
    for diagnostic in found {
        assert!((1..=lines).contains(&diagnostic.line), "{diagnostic}");
        assert!(!diagnostic.message.is_empty());
        assert!(diagnostic.column as usize <= diagnostic.excerpt.chars().count() + 1, "{diagnostic}");
    }
}

#[test]
fn a_damaged_cluster_never_panics() {
    let (mut good, mut bad) = (0, 0);
    damaged(CLUSTER, |text| match read_cluster(text) {
        Ok((cluster, warnings)) => {
            good += 1;
            assert!(cluster.nodes.len() >= 2 && !cluster.lans.is_empty());
            lines_exist(&warnings, text);
        }
        Err(found) => {
            bad += 1;
            assert!(found.has_errors() && !found.to_string().is_empty());
            lines_exist(&found, text);
        }
    });
    assert!(good > 50 && bad > 500, "{good} accepted, {bad} refused");
}

#[test]
fn a_damaged_module_never_panics() {
    let (cluster, mut good, mut bad) = (cluster(), 0, 0);
    damaged(FULL, |text| match read_on(text, &cluster) {
        Ok(loaded) => {
            good += 1;
            assert!(!loaded.module.heart.networks.is_empty());
            lines_exist(&loaded.warnings, text);
        }
        Err(found) => {
            bad += 1;
            assert!(found.has_errors() && !found.to_string().is_empty());
            lines_exist(&found, text);
        }
    });
    assert!(good > 50 && bad > 500, "{good} accepted, {bad} refused");
}

#[test]
fn macros_of_macros_and_deep_nests_are_bounded() {
    let doubling = (1..60).map(|i| format!("<macro name=\"m{i}\" value=\"%m{0}%%m{0}%\"/>", i - 1));
    let text = format!("<safe><macro name=\"m0\" value=\"x\"/>{}</safe>", doubling.collect::<String>());
    let found = read_on(&text, &cluster()).expect_err("refused").to_string();
    assert!(found.contains("longer than 16384 bytes"), "{found}");

    let deep = format!("<safe>{}", "<a>".repeat(100_000));
    let found = read_on(&deep, &cluster()).expect_err("refused").to_string();
    assert!(found.contains("nested more than 16 deep"), "{found}");
}
