//! Every case of `fixtures/apig`, stage by stage. The origin of each is in its `context.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use apig_signer::{
    Authorization, CanonicalRequest, Credentials, MAX_CLOCK_SKEW, Payload, SignedHeaderSelection,
    SigningParams, Timestamp, sign, verify,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde::Deserialize;

#[derive(Deserialize)]
struct RequestFile {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Deserialize)]
struct ContextFile {
    access_key: String,
    secret_key: String,
    security_token: Option<String>,
    date: String,
    headers: Selection,
    payload: PayloadMode,
    canonical_request_sha256: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Selection {
    Named(String),
    Only(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum PayloadMode {
    Signed,
    Announced,
    Unsigned,
}

struct Case {
    folder: PathBuf,
    request: RequestFile,
    context: ContextFile,
}

impl Case {
    fn load(name: &str) -> Self {
        let folder = fixtures().join(name);
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let request = serde_json::from_str(&read("request.json")).unwrap();
        let context = serde_json::from_str(&read("context.json")).unwrap();
        Self { folder, request, context }
    }

    fn stage(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap()
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.request.headers {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn credentials(&self) -> Credentials {
        let credentials =
            Credentials::new(self.context.access_key.as_str(), self.context.secret_key.as_str());
        match &self.context.security_token {
            Some(token) => credentials.with_security_token(token.as_str()),
            None => credentials,
        }
    }

    fn payload(&self) -> Payload<'_> {
        let body = self.request.body.as_bytes();
        match self.context.payload {
            PayloadMode::Signed => Payload::Bytes(body),
            PayloadMode::Announced => match Payload::Bytes(body).hash() {
                apig_signer::PayloadHash::Sha256(digest) => Payload::Sha256(digest),
                other @ apig_signer::PayloadHash::Unsigned => panic!("bytes hash to {other}"),
            },
            PayloadMode::Unsigned => Payload::Unsigned,
        }
    }
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/apig")
}

fn run(name: &str) {
    let case = Case::load(name);
    let method: Method = case.request.method.parse().unwrap();
    let uri: Uri = case.request.url.parse().unwrap();
    let mut headers = case.headers();
    let credentials = case.credentials();
    let time = Timestamp::parse(&case.context.date).unwrap();
    let names: Vec<HeaderName> = match &case.context.headers {
        Selection::Only(names) => names.iter().map(|name| name.parse().unwrap()).collect(),
        Selection::Named(_) => Vec::new(),
    };
    let selection = match &case.context.headers {
        Selection::Only(_) => SignedHeaderSelection::Only(&names),
        Selection::Named(name) if name == "all" => SignedHeaderSelection::All,
        Selection::Named(name) if name == "minimal" => SignedHeaderSelection::Minimal,
        Selection::Named(name) => panic!("unknown selection {name}"),
    };
    let params = SigningParams::new(&credentials, time.to_datetime()).headers(selection);

    let signed = sign(&method, &uri, &mut headers, case.payload(), &params).unwrap();

    let canonical =
        CanonicalRequest::new(&method, &uri, &headers, signed.signed_headers(), case.payload().hash())
            .unwrap();
    assert_eq!(canonical.to_string(), case.stage("canonical-request.txt"), "{name}: canonical request");
    assert_eq!(
        hex::encode(signed.canonical_request_sha256()),
        case.context.canonical_request_sha256,
        "{name}: hash of the canonical request"
    );
    assert_eq!(
        signed.string_to_sign().to_string(),
        case.stage("string-to-sign.txt"),
        "{name}: string to sign"
    );
    assert_eq!(signed.signature().to_string(), case.stage("signature.txt"), "{name}: signature");
    let authorization = headers[header::AUTHORIZATION].to_str().unwrap();
    assert_eq!(authorization, case.stage("authorization.txt"), "{name}: authorization");
    let parsed = Authorization::parse(authorization).unwrap();
    assert_eq!(parsed.to_string(), authorization, "{name}: authorization, read back");

    let body = case.request.body.as_bytes();
    let now = time.to_datetime();
    let verified = verify(&method, &uri, &headers, body, &credentials, now, MAX_CLOCK_SKEW).unwrap();
    assert_eq!(verified.payload, case.payload().hash(), "{name}: verification");
}

macro_rules! cases {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(&stringify!($name).replace('_', "-"));
        })*

        #[test]
        fn every_folder_is_a_case_that_is_run() {
            let run: BTreeSet<String> = [$(stringify!($name).replace('_', "-")),*].into();
            let folders: BTreeSet<String> = fs::read_dir(fixtures())
                .unwrap()
                .map(|entry| entry.unwrap())
                .filter(|entry| entry.file_type().unwrap().is_dir())
                .map(|entry| entry.file_name().into_string().unwrap())
                .collect();
            assert_eq!(folders, run);
        }
    };
}

cases! {
    all_headers
    announced_payload
    body_longer_than_a_block
    body_utf8
    header_blanks
    header_repeated
    host_header_wins
    host_with_port
    java_sdk_get
    java_sdk_get_query
    java_sdk_post
    oms_sync_content_type
    oms_sync_minimal
    path_dot_segments
    path_empty_segments
    path_encoded
    path_ends_in_slash
    project_and_domain
    python_sdk_get
    python_sdk_post
    query_empty_values
    query_encoded
    query_sorting
    root_without_path
    security_token
    security_token_only_selection
    unsigned_payload
    vendor_docs_example
}
