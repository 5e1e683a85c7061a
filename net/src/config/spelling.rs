//! The nearest known word to a misspelt one.

/// Longest word that is looked at: comparing takes the product of two lengths.
const LONGEST: usize = 64;

/// The word among `known` that `word` was most likely meant to be.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Two letters are within one mistake of anything: "no" must not be taken for "on".
    let length = word.chars().count();
    let longest_mistake = length / 3;
    if length > LONGEST {
        return None;
    }
    known
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= longest_mistake)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(d, _)| *d <= longest_mistake)
        .min_by_key(|(d, _)| *d)
        .map(|(_, candidate)| candidate)
}

/// "did you mean …?" for the nearest word.
pub(super) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean \"{near}\"?"))
}

/// Letters to insert, remove, replace or swap with their neighbour; case does not count.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not_offered() {
        let known = ["heart", "heartbeat", "rfs", "vip"];
        assert_eq!(nearest("heartbaet", known), Some("heartbeat"));
        assert_eq!(nearest("Haert", known), Some("heart"));
        assert_eq!(nearest("vips", known), Some("vip"));
        assert_eq!(nearest("database", known), None);
        assert_eq!(nearest("no", ["on", "off"]), None);
        assert_eq!(nearest("ON", ["on", "off"]), Some("on"));
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
