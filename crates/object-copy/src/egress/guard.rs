//! Which URLs may be fetched.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use settings::Invalid;
use settings::lenient::shown_url;

use super::Reach;
use crate::transfer::{Admission, Inadmissible};

/// The setting `INGEST_DOMAINS`: names, and `*.example.com` for all names below `example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowList(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exactly(String),
    /// All names with this suffix, which begins with a dot.
    Below(String),
}

impl AllowList {
    /// Reads a list with commas between its names.
    ///
    /// # Errors
    ///
    /// Which entry is not a host name. Addresses are accepted within the private reach only.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, Invalid> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let patterns: Vec<_> = names.map(|name| Pattern::parse(name, reach)).collect::<Result<_, _>>()?;
        if patterns.is_empty() { Err(Invalid::new("names no domain")) } else { Ok(Self(patterns)) }
    }

    fn admits(&self, host: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Exactly(name) => name == host,
            Pattern::Below(end) => host.len() > end.len() && host.ends_with(end.as_str()),
        })
    }
}

impl Pattern {
    fn parse(text: &str, reach: Reach) -> Result<Self, Invalid> {
        let not_a_name = || {
            let invalid = Invalid::new(format_args!("{:?} is not a host name", shown_url(text)));
            match probable_name(text, reach) {
                Some(name) => invalid.probably(&name),
                None => invalid,
            }
        };
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.contains(|character: char| "/?#@\\%:*".contains(character) && !is_v6(name)) {
            return Err(not_a_name());
        }
        let url = Url::parse(&format!("https://{name}/")).map_err(|_| not_a_name())?;
        let host = url.host_str().filter(|host| !host.starts_with('.') && !host.ends_with('.'));
        let host = host.ok_or_else(not_a_name)?;
        match (address(host), below, reach) {
            (Some(_), true, _) => Err(not_a_name()),
            (Some(_), false, Reach::Public) => {
                let what = format!("{text:?} is an address, and INGEST_ALLOW_PRIVATE is not set");
                Err(Invalid::new(what))
            }
            (None, true, _) => Ok(Self::Below(format!(".{host}"))),
            (_, false, _) => Ok(Self::Exactly(host.to_owned())),
        }
    }
}

/// The name in a text that contains more than that: a URL, a host with a port, `.example.com`.
fn probable_name(text: &str, reach: Reach) -> Option<String> {
    let bare = text.trim_end_matches('.');
    let below = bare.strip_prefix('.').map(|name| format!("*.{name}"));
    let bare = below.as_deref().unwrap_or(bare);
    let full = if bare.contains("://") { bare.to_owned() } else { format!("https://{bare}") };
    let url = Url::parse(&full).ok()?;
    let name = url.host_str().filter(|name| *name != text)?;
    // Only a valid name is worth suggesting.
    let has_dot = name.trim_start_matches("*.").contains('.');
    (has_dot && Pattern::parse(name, reach).is_ok()).then(|| name.to_owned())
}

fn is_v6(name: &str) -> bool {
    name.starts_with('[')
}

/// The IP address in the host of a URL. It has one form: the URL parser has normalised all others.
fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Checks URLs before each request: the first one, and those of redirects.
#[derive(Clone, Debug)]
pub struct Guard {
    domains: AllowList,
    reach: Reach,
}

impl Guard {
    /// Admits URLs whose host is on the list and within reach.
    pub fn new(domains: AllowList, reach: Reach) -> Self {
        Self { domains, reach }
    }

    /// Which addresses it admits.
    pub fn reach(&self) -> Reach {
        self.reach
    }
}

impl Admission for Guard {
    fn admit(&self, url: &Url) -> Result<(), Inadmissible> {
        let refuse = |why: String| Err(Inadmissible::new(why));
        match (url.scheme(), self.reach) {
            ("https", _) | ("http", Reach::Private) => {}
            (scheme, _) => return refuse(format!("{scheme} is not fetched, only https")),
        }
        let host = url.host_str().unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(format!("a URL on {host:?} with a user in it is not fetched"));
        }
        if url.port().is_some() && self.reach == Reach::Public {
            return refuse(format!("{host:?} with a port is not fetched"));
        }
        if address(host).is_some_and(|address| !self.reach.admits(address)) {
            return refuse(format!("{host} is not a public address"));
        }
        if !self.domains.admits(host) {
            return refuse(format!("{host:?} is not in INGEST_DOMAINS"));
        }
        Ok(())
    }
}

/// Finds the addresses of a name.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Resolves names to those of their addresses that are within reach. The connection uses the addresses that
/// it returns, so nothing can change between check and connection (DNS rebinding).
#[derive(Clone)]
pub struct Resolver {
    lookup: Lookup,
    reach: Reach,
}

impl Resolver {
    /// Uses the system's resolver.
    pub fn system(reach: Reach) -> Self {
        Self::new(Arc::new(|name| Box::pin(system(name))), reach)
    }

    /// Uses `lookup`.
    pub fn new(lookup: Lookup, reach: Reach) -> Self {
        Self { lookup, reach }
    }

    /// The addresses of a host, a name or an address, that would be connected to.
    ///
    /// # Errors
    ///
    /// When it has no address. The inner error says that none of them is within reach.
    pub async fn addresses(&self, host: &str) -> io::Result<Result<Vec<IpAddr>, Inadmissible>> {
        let mut addresses = match address(host) {
            Some(address) => vec![address],
            None => (self.lookup)(host.to_owned()).await?,
        };
        addresses.retain(|address| self.reach.admits(*address));
        if addresses.is_empty() {
            return Ok(Err(Inadmissible::new(format!("{host:?} has no public address"))));
        }
        Ok(Ok(addresses))
    }
}

async fn system(name: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str()).await??;
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("reach", &self.reach).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(domains: &str, reach: Reach) -> Guard {
        Guard::new(AllowList::parse(domains, reach).unwrap(), reach)
    }

    fn judge(guard: &Guard, url: &str) -> Result<(), String> {
        guard.admit(&Url::parse(url).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn names_on_the_list_are_admitted_and_no_others() {
        let guard = guard("cdn.example.com, *.Example.org,bücher.example", Reach::Public);
        for url in [
            "https://cdn.example.com/a?b",
            "https://CDN.example.com:443/",
            "https://a.b.example.org/",
            "https://xn--bcher-kva.example/",
            "https://BÜCHER.example/",
        ] {
            assert_eq!(judge(&guard, url), Ok(()), "{url}");
        }
        for url in [
            "https://example.com/",
            "https://evil-cdn.example.com/",
            "https://cdn.example.com.evil.net/",
            "https://cdn.example.com./",
            "https://example.org/",
            "https://evilexample.org/",
            "https://localhost/",
        ] {
            assert!(judge(&guard, url).unwrap_err().contains("is not in INGEST_DOMAINS"), "{url}");
        }
    }

    #[test]
    fn only_https_on_its_own_port_and_without_a_user_is_admitted() {
        let guard = guard("a.example", Reach::Public);
        for url in [
            "http://a.example/",
            "ftp://a.example/",
            "https://a.example:8443/",
            "https://u@a.example/",
            "https://:p@a.example/",
        ] {
            assert!(judge(&guard, url).unwrap_err().contains("not fetched"), "{url}");
        }
    }

    #[test]
    fn addresses_in_every_notation_are_refused() {
        let guard = guard("*.example", Reach::Public);
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "①②⑦.0.0.1",
            "127。0。0。1",
            "%31%32%37.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[fd00::1]",
            "10.0.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "0",
        ] {
            let refused = judge(&guard, &format!("https://{host}/")).unwrap_err();
            assert!(refused.contains("is not a public address"), "{host}: {refused}");
        }
        let public = judge(&guard, "https://8.8.8.8/").unwrap_err();
        assert!(public.contains("is not in INGEST_DOMAINS"), "{public}");
    }

    #[test]
    fn the_private_reach_admits_what_is_on_the_list_but_no_metadata() {
        let guard = guard("127.0.0.1,[::1],localhost,169.254.169.254", Reach::Private);
        for url in
            ["http://127.0.0.1:8080/", "http://[::1]/", "https://localhost:1/", "http://2130706433:8080/"]
        {
            assert_eq!(judge(&guard, url), Ok(()), "{url}");
        }
        for url in ["http://10.0.0.1/", "http://169.254.169.254/", "http://u@localhost/", "ftp://localhost/"]
        {
            assert!(judge(&guard, url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_list_with_anything_but_names_is_refused() {
        for text in [
            "",
            " , ",
            "*",
            "a/b",
            "https://a.example",
            "a@b.example",
            "a.example:8",
            "a.*.b",
            "*.127.0.0.1",
            "a.",
        ] {
            assert!(AllowList::parse(text, Reach::Private).is_err(), "{text}");
        }
        for text in ["127.0.0.1", "[::1]", "0x7f.1"] {
            let error = AllowList::parse(text, Reach::Public).unwrap_err();
            assert!(error.what().contains("is an address"), "{error}");
        }
    }

    #[test]
    fn a_name_with_more_around_it_is_recognised() {
        for (text, name) in [
            ("https://cdn.example.com", "cdn.example.com"),
            ("https://u:hush@cdn.example.com/a?token=hush", "cdn.example.com"),
            ("cdn.example.com:8443", "cdn.example.com"),
            ("cdn.example.com/a/", "cdn.example.com"),
            ("https://*.example.com/", "*.example.com"),
            (".example.com", "*.example.com"),
            ("example.com.", "example.com"),
        ] {
            let error = AllowList::parse(text, Reach::Public).unwrap_err().to_string();
            assert!(error.ends_with(&format!(" is not a host name: probably {name:?} is meant")), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
        for text in ["*", "https://", "a.*.b", "https://127.0.0.1/"] {
            assert_eq!(AllowList::parse(text, Reach::Public).unwrap_err().remedy(), None, "{text}");
        }
    }

    async fn resolve(addresses: &[&str], reach: Reach) -> Result<Vec<SocketAddr>, String> {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let lookup: Lookup = Arc::new(move |name| {
            assert_eq!(name, "rebound.example");
            let addresses = addresses.clone();
            Box::pin(async { Ok(addresses) })
        });
        let found = Resolver::new(lookup, reach).resolve("rebound.example".parse().unwrap()).await;
        found.map(Iterator::collect).map_err(|error| {
            assert!(error.downcast_ref::<Inadmissible>().is_some(), "{error}");
            error.to_string()
        })
    }

    #[tokio::test]
    async fn names_resolve_only_to_their_public_addresses() {
        let public = ["1.1.1.1:0".parse().unwrap(), "[2606:4700::1]:0".parse().unwrap()];
        let mixed = ["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1", "169.254.169.254"];
        assert_eq!(resolve(&mixed, Reach::Public).await, Ok(public.to_vec()));
        for private in [&["127.0.0.1"][..], &["::ffff:10.0.0.1", "fe80::1"], &["100.100.100.200"]] {
            let refused = resolve(private, Reach::Public).await.unwrap_err();
            assert_eq!(refused, "\"rebound.example\" has no public address");
        }
        assert_eq!(resolve(&["10.0.0.1"], Reach::Private).await, Ok(vec!["10.0.0.1:0".parse().unwrap()]));
        assert!(resolve(&["169.254.169.254"], Reach::Private).await.is_err());
    }

    #[tokio::test]
    async fn names_of_this_machine_have_no_public_address() {
        let resolver = Resolver::system(Reach::Public);
        let refused = resolver.resolve("localhost".parse().unwrap()).await.err().unwrap();
        assert!(refused.downcast_ref::<Inadmissible>().is_some(), "{refused}");
        assert!(Resolver::system(Reach::Private).resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
