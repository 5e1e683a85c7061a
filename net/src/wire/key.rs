//! The secret that makes machines a cluster.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    str::FromStr,
};

const LEN: usize = 32;

/// 32 random bytes that all nodes of a cluster share; who has them is a node. On disk: 64 hexadecimal
/// digits and a line feed, readable by its owner alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterKey([u8; LEN]);

/// Why there is no usable key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "no cluster key at {}: make one with `safetui cluster genkey`, or copy the file from another node", .0.display()
    )]
    Missing(PathBuf),
    #[error(
        "the cluster key {} can be read by others (mode {mode:04o}): treat it as known to them, make a new one \
         with `safetui cluster genkey`, or run `chmod 600` on it if nobody else has an account here", path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "the cluster key {} is not a key ({why}): copy the file again from a node that works", path.display()
    )]
    Garbage { path: PathBuf, why: BadHex },
    #[error("the cluster key {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHex {
    #[error("{0} characters where 64 hexadecimal digits belong")]
    Length(usize),
    #[error("character {} is not a hexadecimal digit", .0 + 1)]
    Digit(usize),
}

impl ClusterKey {
    /// A new key from the kernel's random source.
    pub fn generate() -> Self {
        let mut bytes = [0; LEN];
        getrandom::fill(&mut bytes).expect("every Linux that can run this has a random source");
        Self(bytes)
    }

    /// Reads the key, and refuses one that others on this machine could have read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => KeyError::Missing(path.into()),
            _ => KeyError::Io { path: path.into(), error },
        };
        let file = fs::File::open(path).map_err(io)?;
        let mode = file.metadata().map_err(io)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.into(), mode });
        }
        // A wrong file may be huge: a little more than a key is enough to tell.
        let mut text = Vec::new();
        file.take(4 * LEN as u64).read_to_end(&mut text).map_err(io)?;
        String::from_utf8_lossy(&text)
            .trim()
            .parse()
            .map_err(|why| KeyError::Garbage { path: path.into(), why })
    }

    /// Writes the key, mode 0600, all or nothing: a crash leaves the old file or the new one.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let io = |error| KeyError::Io { path: path.into(), error };
        let fresh = path.with_extension("key.new");
        let _ = fs::remove_file(&fresh);
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(io)?;
        file.write_all(format!("{}\n", self.to_hex()).as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        fs::rename(&fresh, path).map_err(io)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(io)
    }

    /// 64 lower-case hexadecimal digits. Whoever sees them can be a node.
    pub fn to_hex(&self) -> String {
        self.0.map(|byte| format!("{byte:02x}")).concat()
    }

    /// A key for one purpose, from which neither this key nor another purpose's can be computed.
    pub(super) fn derive(&self, purpose: &str) -> [u8; LEN] {
        blake3::derive_key(purpose, &self.0)
    }
}

impl FromStr for ClusterKey {
    type Err = BadHex;

    fn from_str(text: &str) -> Result<Self, BadHex> {
        let digits = text.chars().enumerate().map(|(at, digit)| digit.to_digit(16).ok_or(BadHex::Digit(at)));
        let digits = digits.collect::<Result<Vec<_>, _>>()?;
        let pairs: Vec<u8> = digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect();
        if digits.len() != 2 * LEN {
            return Err(BadHex::Length(digits.len()));
        }
        Ok(Self(pairs.try_into().expect("64 digits are 32 bytes")))
    }
}

/// Hides the secret: keys end up in logs through `{:?}`.
impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    fuzz::target!(any_text_is_a_key_or_an_error, ["07".repeat(32)], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(key) = text.parse::<ClusterKey>() {
            assert_eq!(key.to_hex(), text.to_lowercase());
        }
    });

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn write(path: &Path, text: &[u8], mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_saved_key_comes_back_and_only_its_owner_can_read_it() {
        let folder = folder();
        let path = folder.path().join("cluster.key");
        let key = ClusterKey::generate();
        write(&path, b"what was there before", 0o644);
        key.save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(ClusterKey::load(&path).unwrap(), key);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn two_generated_keys_differ() {
        assert_ne!(ClusterKey::generate(), ClusterKey::generate());
    }

    #[test]
    fn a_key_does_not_show_itself_in_logs() {
        let key = ClusterKey::generate();
        assert!(!format!("{key:?}").contains(&key.to_hex()[..8]));
    }

    #[test]
    fn a_missing_key_says_how_to_make_one() {
        let path = folder().path().join("cluster.key");
        let error = ClusterKey::load(&path).unwrap_err();
        assert!(matches!(error, KeyError::Missing(_)), "{error:?}");
        assert!(error.to_string().contains("genkey"), "{error}");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = folder();
        let path = folder.path().join("cluster.key");
        let key = ClusterKey::generate().to_hex();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o666] {
            write(&path, key.as_bytes(), mode);
            let error = ClusterKey::load(&path).unwrap_err();
            assert!(matches!(error, KeyError::Exposed { mode: seen, .. } if seen == mode), "{error:?}");
        }
        write(&path, key.as_bytes(), 0o400);
        ClusterKey::load(&path).unwrap();
    }

    #[test]
    fn garbage_is_named_as_what_it_is() {
        let folder = folder();
        let path = folder.path().join("cluster.key");
        let why = |text: &[u8]| {
            write(&path, text, 0o600);
            match ClusterKey::load(&path) {
                Err(KeyError::Garbage { why, .. }) => why,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(why(b""), BadHex::Length(0));
        assert_eq!(why(&[b'a'; 63]), BadHex::Length(63));
        assert_eq!(why(&[b'a'; 65]), BadHex::Length(65));
        assert_eq!(why(&[b'a'; 66]), BadHex::Length(66));
        assert_eq!(why(b"abcg"), BadHex::Digit(3));
        assert!(matches!(why(&[0xff; 64]), BadHex::Digit(0)));
        assert!(matches!(why(&[b'a'; 10_000]), BadHex::Length(_)));
    }
}
