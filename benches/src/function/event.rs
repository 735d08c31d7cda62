//! The invocations: what Function Compute sends for an object that was put.

use std::fmt;

/// Bucket of the objects.
pub const BUCKET: &str = "holiday-photos";

/// Whose credentials an invocation brings.
pub struct Role {
    /// Access key id.
    pub id: String,
    /// Secret key.
    pub secret: String,
    /// Security token.
    pub token: String,
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Role").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Role {
    /// A made-up role, with a token as long as they are.
    pub fn example() -> Self {
        Self {
            id: "STS.NTtExampleExampleExample".to_owned(),
            secret: "7jExampleExampleExampleExampleExampleExample".to_owned(),
            token: "CAISExample+/token".repeat(40),
        }
    }
}

/// Key of object `number`. All are equally long, so that all requests are.
pub fn key(number: usize) -> String {
    format!("2024/summer/rome/IMG_{number:04}.jpg")
}

/// A whole request for object `number`: head and body.
pub fn request(number: usize, role: &Role) -> Vec<u8> {
    let event = event(&key(number));
    let Role { id, secret, token } = role;
    let length = event.len();
    format!(
        "POST /invoke HTTP/1.1\r\n\
         host: 127.0.0.1:9000\r\n\
         user-agent: Go-http-client/1.1\r\n\
         content-length: {length}\r\n\
         content-type: application/octet-stream\r\n\
         x-fc-control-path: /invoke\r\n\
         x-fc-request-id: 1-65937a25-a9e64a3c-0b1c2d3e4f50\r\n\
         x-fc-access-key-id: {id}\r\n\
         x-fc-access-key-secret: {secret}\r\n\
         x-fc-security-token: {token}\r\n\
         x-fc-function-handler: not-used\r\n\
         x-fc-function-memory: 128\r\n\
         x-fc-function-name: oms-bridge\r\n\
         x-fc-region: cn-hangzhou\r\n\
         x-fc-account-id: 1000000000000001\r\n\
         x-fc-qualifier: LATEST\r\n\
         x-fc-version-id: LATEST\r\n\
         x-fc-service-logproject: example-project\r\n\
         x-fc-service-logstore: example-store\r\n\
         accept-encoding: gzip\r\n\r\n{event}"
    )
    .into_bytes()
}

fn event(key: &str) -> String {
    format!(
        r#"{{"events":[{{"eventName":"ObjectCreated:PutObject","eventSource":"acs:oss","eventTime":"2024-01-02T03:04:05.000Z","eventVersion":"1.0","oss":{{"bucket":{{"arn":"acs:oss:cn-hangzhou:1000000000000001:{BUCKET}","name":"{BUCKET}","ownerIdentity":"1000000000000001","virtualBucket":""}},"object":{{"deltaSize":122539,"eTag":"688A7BF4F233DC9C88A80BF985AB7329","key":"{key}","objectMeta":{{"mimeType":"image/jpeg","userMeta":{{"x-oss-meta-camera":"xyz"}}}},"size":122539}},"ossSchemaVersion":"1.0","ruleId":"9adac8e253828f4f7c0466d941fa3db81161e853"}},"region":"cn-hangzhou","requestParameters":{{"sourceIPAddress":"140.205.128.221"}},"responseElements":{{"requestId":"58F9FF2D3DF792092E12044C"}},"userIdentity":{{"principalId":"262561392693583141"}}}}]}}"#
    )
}
