//! Names of files, and the keys that objects get.

use super::entry::Id;
use super::users::User;

/// Longest name, in bytes.
const LONGEST: usize = 255;

/// Longest extension, in bytes.
const LONGEST_ENDING: usize = 16;

/// The name of a file without any path: 1 to 255 bytes, no control characters, not made of dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

/// The text is not a valid file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid file name: it needs 1 to {LONGEST} bytes after the last slash, not only dots")]
pub(crate) struct InvalidName;

impl Name {
    /// Takes the last segment of a path, with `/` or `\`. Invisible and bidirectional control characters are
    /// removed.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] if nothing is left, or too much.
    pub(crate) fn of(text: &str) -> Result<Self, InvalidName> {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let name: String = last.chars().filter(|character| !is_hidden(*character)).collect();
        let name = name.trim();
        if name.is_empty() || name.len() > LONGEST || name.bytes().all(|byte| byte == b'.') {
            return Err(InvalidName);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name of an object without one.
    pub(crate) fn unknown() -> Self {
        Self("unnamed".to_owned())
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The extension, without the dot and in lower case; empty if there is none.
    pub(crate) fn ext(&self) -> String {
        let good = |ext: &&str| {
            (1..=LONGEST_ENDING).contains(&ext.len()) && ext.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let parts = self.0.rsplit_once('.').filter(|(stem, _)| !stem.is_empty());
        parts.map(|(_, ext)| ext).filter(good).unwrap_or_default().to_ascii_lowercase()
    }

    /// The key of an object: the user's directory, its id, which makes it unique, and its name.
    pub(crate) fn key(&self, prefix: &str, user: &User, id: Id) -> String {
        format!("{prefix}{}/{id}/{}", user.name, self.0)
    }
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::super::users::Role;
    use super::*;

    #[test]
    fn of_a_path_the_last_segment_counts() {
        for (text, name, ext) in [
            ("a.jpg", "a.jpg", "jpg"),
            ("../../etc/passwd", "passwd", ""),
            ("C:\\temp\\Foto 1.JPEG", "Foto 1.JPEG", "jpeg"),
            ("..\\../x", "x", ""),
            (" 测试 a+b%20c.txt\n", "测试 a+b%20c.txt", "txt"),
            ("gpj\u{202e}.exe", "gpj.exe", "exe"),
            (".gitignore", ".gitignore", ""),
            ("a.", "a.", ""),
            ("a.not an ending", "a.not an ending", ""),
            ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>", ""),
        ] {
            let parsed = Name::of(text).unwrap();
            assert_eq!((parsed.as_str(), &*parsed.ext()), (name, ext), "{text:?}");
        }
    }

    #[test]
    fn a_text_without_a_name_is_refused() {
        let long = "x".repeat(LONGEST + 1);
        for text in ["", "/", "a/", ".", "..", "a/..", "...", "\0\n", " ", "\u{200b}", &long] {
            assert_eq!(Name::of(text), Err(InvalidName), "{text:?}");
        }
        assert!(Name::of(&long[1..]).is_ok());
    }

    #[test]
    fn keys_lie_in_the_directory_of_the_user() {
        let user = User { name: "eric".into(), role: Role::Member };
        let id = Id::new(0, [1; 10]);
        let key = Name::of("../mia/x.txt").unwrap().key("uploads/", &user, id);
        assert_eq!(key, "uploads/eric/00000000000001010101010101010101/x.txt");
    }
}
