//! Where OMS listens: the setting `SYNC_URL`.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use reqwest::Url;
use thiserror::Error;

/// OMS "synchronization request receiving address":
/// `https://oms.<region>.myhuaweicloud.com/v2/<project_id>/sync-tasks/<sync_task_id>/events`.
///
/// The ids are not validated: the vendor's own examples disagree about their shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncUrl {
    url: Url,
    uri: Uri,
    task: String,
}

/// What is wrong with a `SYNC_URL`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0}; expected https://oms.<region>.myhuaweicloud.com/v2/<project_id>/sync-tasks/<sync_task_id>/events, \
     the \"synchronization request receiving address\" on the task's page"
)]
pub struct BadSyncUrl(&'static str);

impl SyncUrl {
    /// Parses the setting.
    ///
    /// # Errors
    ///
    /// [`BadSyncUrl`] when it is no HTTP URL of that form.
    pub fn parse(text: &str) -> Result<Self, BadSyncUrl> {
        let url = Url::parse(text.trim()).map_err(|_| BadSyncUrl("not a URL"))?;
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return Err(BadSyncUrl("not an http(s) URL"));
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(BadSyncUrl("has a query, fragment or user"));
        }
        let segments: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
        let [.., "sync-tasks", task, "events"] = segments.as_slice() else {
            return Err(BadSyncUrl("the path does not end in /sync-tasks/<sync_task_id>/events"));
        };
        if task.is_empty() {
            return Err(BadSyncUrl("the sync task id is empty"));
        }
        let uri = url.as_str().parse().map_err(|_| BadSyncUrl("not a URL"))?;
        let task = (*task).to_owned();
        Ok(Self { url, uri, task })
    }

    /// The sync task's id: the last but one segment of the path.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// Whether the address is served over TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether nothing but this machine is on the way: secrets may be sent there without TLS.
    pub fn is_local(&self) -> bool {
        let host = self.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The host it names.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Where the task itself is: the address without its last segment.
    pub(crate) fn task_url(&self) -> Url {
        let mut url = self.url.clone();
        // The address has a path of at least three segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop();
        }
        url
    }

    /// Where the migration tasks of the same project are.
    pub(super) fn migration_tasks_url(&self) -> Url {
        let mut url = self.task_url();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop().pop().push("tasks");
        }
        url
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Display for SyncUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_is_the_last_but_one_segment() {
        let url =
            SyncUrl::parse(" https://oms.cn-north-4.myhuaweicloud.com/v2/p1/sync-tasks/31e9-b7/events ")
                .unwrap();
        assert_eq!(url.task(), "31e9-b7");
        assert!(url.is_https());
        assert_eq!(url.task_url().path(), "/v2/p1/sync-tasks/31e9-b7");
        assert_eq!(url.migration_tasks_url().path(), "/v2/p1/tasks");
        assert_eq!(url.uri().path(), "/v2/p1/sync-tasks/31e9-b7/events");
    }

    #[test]
    fn an_address_of_this_machine_is_local() {
        let is_local =
            |host| SyncUrl::parse(&format!("http://{host}/v2/p1/sync-tasks/t/events")).unwrap().is_local();
        assert!(["127.0.0.1:80", "[::1]:9", "localhost"].into_iter().all(is_local));
        for host in ["oms.cn-north-4.myhuaweicloud.com", "10.0.0.1", "127.0.0.1.example.com", "[2001:db8::1]"]
        {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn other_addresses_are_refused_with_the_reason() {
        for (text, reason) in [
            ("oms.cn-north-4.myhuaweicloud.com", "not a URL"),
            ("ftp://x/v2/p/sync-tasks/t/events", "not an http(s) URL"),
            ("https://x/v2/p/sync-tasks/t", "does not end in"),
            ("https://x/v2/p/sync-tasks//events", "id is empty"),
            ("https://x/v2/p/sync-tasks/t/events?x=1", "query"),
            ("https://ak:sk@x/v2/p/sync-tasks/t/events", "user"),
        ] {
            let message = SyncUrl::parse(text).unwrap_err().to_string();
            assert!(message.contains(reason), "{text}: {message}");
            assert!(!message.contains("sk@"), "{message}");
        }
    }
}
