//! Names and texts come from other machines: what could move the cursor or turn the reading direction is taken out
//! once, at the door, so that no panel has to think of it.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The same value with every text in it, map keys included, safe to draw.
pub(crate) fn clean<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let mut json = serde_json::to_value(value).expect("a shape of the control API is JSON");
    scrub(&mut json);
    serde_json::from_value(json).expect("a shape of the control API survives its own round trip")
}

fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => *text = plain(text),
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(map) => {
            *map = std::mem::take(map)
                .into_iter()
                .map(|(key, mut value)| {
                    scrub(&mut value);
                    (plain(&key), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// White space of any kind becomes one blank per character; control, direction and invisible characters go.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .filter(|&c| c.is_whitespace() || !hidden(c))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect()
}

fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}31mc\rd"), "a[2Jb31mc d");
        assert_eq!(plain("stop\u{202e}txt\u{2066}\u{200b}."), "stoptxt.");
        assert_eq!(plain("line\nline\tcell"), "line line cell");
        assert_eq!(plain("映画 café ✓"), "映画 café ✓");
    }

    #[test]
    fn every_text_of_a_value_is_cleaned_keys_too() {
        let dirty = serde_json::json!({ "a\u{7}": ["x\u{1b}]0;", { "b": "\u{202e}y" }], "n": 3 });
        assert_eq!(clean(&dirty), serde_json::json!({ "a": ["x]0;", { "b": "y" }], "n": 3 }));
    }
}
