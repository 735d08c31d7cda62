//! The users of a desk.

use std::sync::Arc;

use http::HeaderValue;

use http_listener::token::{SHORTEST, Token};
use settings::Invalid;

/// Longest name of a user, in bytes.
const LONGEST_NAME: usize = 64;

/// Most names in a summary.
const SHOWN: usize = 5;

/// The users of a desk and their tokens. A user may have several: the old and the new one, while they change.
#[derive(Clone, Debug)]
pub struct Users(Arc<[(Token, Arc<User>)]>);

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// The name, which is that of its directory too.
    pub(crate) name: String,
    /// Its role.
    pub(crate) role: Role,
}

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// May upload, and see its own objects.
    Member,
    /// May create buckets, too.
    Admin,
}

impl Users {
    /// Reads `name:token` or `name:token:admin`, one on each line or with commas between. Lines that begin
    /// with `#` are comments.
    ///
    /// # Errors
    ///
    /// Which entry is wrong, and why. The message contains no token.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut users: Vec<(Token, Arc<User>)> = Vec::new();
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        for entry in lines.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty()) {
            let (token, user) = parse(entry)?;
            if let Some((_, other)) = users.iter().find(|(other, _)| other.is(&token)) {
                return Err(Invalid::new(format_args!(
                    "{:?} and {:?} have the same token",
                    other.name, user.name
                )));
            }
            users.push((token, Arc::new(user)));
        }
        if users.is_empty() { Err(Invalid::new("names no user")) } else { Ok(Self(users.into())) }
    }

    /// Who may sign in, for people to read: the first few names. A name as long as a token is left out, since
    /// a token may stand in its place.
    pub(crate) fn summary(&self) -> String {
        let mut names: Vec<_> = self.0.iter().map(|(_, user)| user).collect();
        names.dedup();
        let shown = names.iter().filter(|user| user.name.len() < SHORTEST).take(SHOWN);
        let shown: Vec<_> = shown
            .map(|user| match user.role {
                Role::Member => user.name.clone(),
                Role::Admin => format!("{} (admin)", user.name),
            })
            .collect();
        match names.len() - shown.len() {
            0 => shown.join(", "),
            more if shown.is_empty() => format!("{more} users"),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// The user with the token in a header `Authorization`, in constant time.
    pub(crate) fn who(&self, authorization: Option<&HeaderValue>) -> Option<&Arc<User>> {
        let presented = Token::presented(authorization)?;
        self.0.iter().fold(None, |found, (token, user)| if token.is(&presented) { Some(user) } else { found })
    }
}

fn parse(entry: &str) -> Result<(Token, User), Invalid> {
    let mut parts = entry.splitn(3, ':').map(str::trim);
    let name = parts.next().unwrap_or_default();
    if !is_name(name) {
        // The text is not quoted: if the name was forgotten, it is the token.
        return Err(Invalid::new(format_args!(
            "an entry does not begin with a user name (1 to {LONGEST_NAME} of a-z, A-Z, 0-9, '-', '_' and '.')"
        )));
    }
    // A text as long as a token may be one in the place of a name.
    let whose = if name.len() < SHORTEST { format!("{name:?}") } else { "an entry".to_owned() };
    let token =
        parts.next().ok_or_else(|| Invalid::new(format_args!("{whose} has no token: write name:token")))?;
    let token =
        Token::parse(token).map_err(|error| Invalid::new(format_args!("the token of {whose} is {error}")))?;
    let role = match parts.next() {
        None => Role::Member,
        Some("admin") => Role::Admin,
        Some(_) => {
            return Err(Invalid::new(format_args!("what follows the token of {whose} is not \"admin\"")));
        }
    };
    Ok((token, User { name: name.to_owned(), role }))
}

/// A name is a directory in keys, so it has no slash and is not made of dots.
fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(good)
        && !name.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_a_few_users_and_no_token() {
        let summary = |text: &str| Users::parse(text).unwrap().summary();
        let token = |number: usize| format!("token-number-{number:04}");
        assert_eq!(summary(&format!("eric:{},eric:{}", token(1), token(2))), "eric");
        assert_eq!(summary(&format!("eric:{},root:{}:admin", token(1), token(2))), "eric, root (admin)");
        let many: Vec<_> = (0..8).map(|number| format!("u{number}:{}", token(number))).collect();
        assert_eq!(summary(&many.join(",")), "u0, u1, u2, u3, u4 and 3 more");
        assert_eq!(summary(&format!("{}:{}", token(1), token(2))), "1 users");
    }

    const ERIC: &str = "eric:0123456789abcdef";

    fn who(users: &str, token: &str) -> Option<(String, Role)> {
        let users = Users::parse(users).unwrap();
        let header = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        users.who(Some(&header)).map(|user| (user.name.clone(), user.role))
    }

    #[test]
    fn a_token_identifies_its_user() {
        let users =
            "# staff\neric:0123456789abcdef, mia:fedcba9876543210:admin\n\neric:00112233445566778899\n";
        assert_eq!(who(users, "0123456789abcdef"), Some(("eric".into(), Role::Member)));
        assert_eq!(who(users, "00112233445566778899"), Some(("eric".into(), Role::Member)));
        assert_eq!(who(users, "fedcba9876543210"), Some(("mia".into(), Role::Admin)));
        assert_eq!(who(users, "0123456789abcdee"), None);
        assert_eq!(Users::parse(ERIC).unwrap().who(None), None);
    }

    #[test]
    fn invalid_entries_are_reported_without_their_token() {
        for (text, expected) in [
            ("", "names no user"),
            ("# eric:0123456789abcdef", "names no user"),
            (
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef+",
                "does not begin with a user name",
            ),
            ("..:0123456789abcdef", "does not begin with a user name"),
            ("a/b:0123456789abcdef", "does not begin with a user name"),
            ("eric", "\"eric\" has no token"),
            ("0123456789abcdefX", "an entry has no token"),
            ("0123456789abcdefX:eric", "the token of an entry is shorter"),
            ("eric:0123456789abcde", "the token of \"eric\" is shorter"),
            ("eric:0123456789abcdef:root", "not \"admin\""),
            ("eric:0123456789abcdef,mia:0123456789abcdef", "\"eric\" and \"mia\" have the same token"),
        ] {
            let error = Users::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("0123456789abcde"), "{error}");
        }
    }
}
