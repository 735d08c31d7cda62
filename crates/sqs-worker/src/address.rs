//! The URL of a queue: its region and endpoint.

use reqwest::Url;

/// Domains of Amazon, of each of its partitions.
const AMAZONS: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
];

/// The URL of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    text: String,
    url: Url,
}

impl Address {
    /// Parses a URL. `None` if it is not the URL of a queue.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let plain = url.host_str().is_some() && url.username().is_empty() && url.password().is_none();
        plain.then(|| Self { text: text.to_owned(), url })
    }

    /// The URL as it was given, which names the queue.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The region, if the host names it.
    pub fn region(&self) -> Option<&str> {
        let labels: Vec<_> = self.amazons_labels()?;
        match labels[..] {
            ["queue"] => Some("us-east-1"),
            ["sqs" | "sqs-fips", region] | [region, "queue"] | [_, "sqs", region, "vpce"] => Some(region),
            _ => None,
        }
    }

    /// The endpoint for requests, unless it is a public one, which the SDK finds by the region. Endpoints in
    /// a VPC have names of their own.
    pub fn endpoint(&self) -> Option<String> {
        let public = self.amazons_labels().is_some_and(|labels| labels.last() != Some(&"vpce"));
        (!public).then(|| self.origin())
    }

    /// The labels before a domain of Amazon.
    fn amazons_labels(&self) -> Option<Vec<&str>> {
        let host = self.url.host_str()?;
        let before = |domain: &str| host.strip_suffix(domain)?.strip_suffix('.');
        AMAZONS.iter().find_map(|domain| before(domain)).map(|labels| labels.split('.').collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_names_the_region_and_is_the_endpoint_when_it_is_not_amazons() {
        for (url, region, endpoint) in [
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/uploads", Some("eu-west-1"), None),
            ("https://SQS.cn-north-1.amazonaws.com.cn/123456789012/uploads", Some("cn-north-1"), None),
            ("https://sqs-fips.us-west-2.amazonaws.com/123456789012/uploads", Some("us-west-2"), None),
            ("https://sqs.eu-west-1.api.aws/123456789012/uploads", Some("eu-west-1"), None),
            ("https://eu-west-1.queue.amazonaws.com/123456789012/uploads", Some("eu-west-1"), None),
            ("https://queue.amazonaws.com/123456789012/uploads", Some("us-east-1"), None),
            (
                "https://vpce-0ab1-2cd3.sqs.eu-west-1.vpce.amazonaws.com/123456789012/uploads",
                Some("eu-west-1"),
                Some("https://vpce-0ab1-2cd3.sqs.eu-west-1.vpce.amazonaws.com"),
            ),
            ("http://127.0.0.1:5000/123456789012/uploads", None, Some("http://127.0.0.1:5000")),
            ("https://sqs.example.com:443/q", None, Some("https://sqs.example.com")),
            ("https://notamazonaws.com/q", None, Some("https://notamazonaws.com")),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!((address.region(), address.endpoint().as_deref()), (region, endpoint), "{url}");
            assert_eq!(address.as_str(), url);
        }
        for text in ["uploads", "", "arn:aws:sqs:eu-west-1:1:uploads", "ftp://h/q", "https://u:p@h/q"] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
