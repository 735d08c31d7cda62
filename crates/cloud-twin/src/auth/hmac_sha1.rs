//! The HMAC-SHA1 family: `OSS AK:sig` (signature V1), `OBS AK:sig` and `AWS AK:sig` (AWS V2), header and URL.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use sha1::Sha1;

use super::{
    AuthRules, SignedParts, account, check_skew, expired, hmac, locked, mismatch, time_required,
    unsupported_authorization, v1_refused,
};
use crate::config::SignatureV1;
use crate::dialect::{Dialect, HeaderPrefix};
use crate::error::{ApiError, Outcome};
use crate::time::parse_http_time;
use crate::wire::{Slash, encode, header};

/// Query parameters that OSS signs in V1, besides every `x-oss-*`.
const OSS_SUB_RESOURCES: &str = "\
    accessPoint accessPointConfigForObjectProcess accessPointForObjectProcess accessPointPolicy \
    accessPointPolicyForObjectProcess acl append asyncFetch bucketArchiveDirectRead bucketInfo \
    callback callback-var cleanRestoredObject cloudboxes cname comp continuation-token cors delete \
    encryption endTime group httpsConfig img inventory inventoryId legalHold lifecycle link live \
    location logging metaQuery objectInfo objectMeta objectWorm overwriteConfig partNumber policy \
    policyStatus position processConfiguration publicAccessBlock qos qosInfo qosRequester \
    redundancyTransition referer regionList regions replication replicationLocation \
    replicationProgress requesterQosInfo requestPayment resourceGroup resourcePool resourcePoolBuckets \
    resourcePoolInfo response-cache-control response-content-disposition response-content-encoding \
    response-content-language response-content-type response-expires responseHeader restore retention \
    rtc seal security-token sequential startTime stat status style styleName symlink tagging \
    transferAcceleration udf udfApplication udfApplicationLog udfId udfImage udfImageDesc udfName \
    uploadId uploads userDefinedLogFieldsConfig versionId versioning versions vip vod vpcip website \
    withHashContext worm wormExtend wormId";

/// Query parameters that OBS signs, besides every `x-obs-*`; case does not matter.
const OBS_SUB_RESOURCES: &str = "\
    acl append attname backtosource bucketStatus CDNNotifyConfiguration cors customdomain delete \
    deletebucket directcoldaccess disPolicy encryption fileinterface getcontentsummary \
    ignore-sign-in-query inventory length lifecycle listcontentsummary location logging metadata \
    mirrorBackToSource mirrorrefresh modify multilistcontentsummary name notification \
    object-lock obsalias obsbucketalias obscompresspolicy obsworkflowtriggerpolicy partNumber \
    policy policyStatus position publicAccessBlock quota readAhead rename replication \
    replication_progress requestPayment response-cache-control response-content-disposition \
    response-content-encoding response-content-language response-content-type response-expires \
    restore retention select select-type storageClass storageinfo storagePolicy symlink tagging \
    torrent truncate uploadId uploads versionId versioning versions website x-image-process \
    x-image-save-bucket x-image-save-object x-oss-process x-workflow-execution-state \
    x-workflow-execution-type x-workflow-graph-name x-workflow-limit x-workflow-next-marker \
    x-workflow-prefix x-workflow-start x-workflow-template-name";

/// Where the signature was found and what it was made with.
struct PresentedSignature<'a> {
    prefix: HeaderPrefix,
    access_key: &'a str,
    signature: &'a str,
    date_line: String,
    token: Option<String>,
}

pub(super) fn verify(
    dialect: Dialect,
    request: SignedParts<'_>,
    rules: AuthRules<'_>,
    authorization: &str,
) -> Outcome<HeaderPrefix> {
    if dialect == Dialect::Oss && rules.v1 == SignatureV1::Refused {
        return Err(v1_refused());
    }
    let presented = if authorization.is_empty() {
        from_url(dialect, request, rules)?
    } else {
        from_header(dialect, request, rules, authorization)?
    };
    let failures = rules.failures;
    if failures.is_some_and(|failures| failures.is_locked(presented.access_key, rules.now)) {
        return Err(locked());
    }
    let account = account(dialect, rules.accounts, presented.access_key, presented.token.as_deref())?;
    let resources = resources(dialect, request);
    let mut first = None;
    for resource in &resources {
        let string_to_sign = string_to_sign(dialect, request, &presented, resource);
        let mac = hmac::<Sha1>(account.secret_key.as_bytes(), string_to_sign.as_bytes());
        if STANDARD.encode(mac) == presented.signature {
            if let Some(failures) = failures {
                failures.succeeded(presented.access_key);
            }
            return Ok(presented.prefix);
        }
        first.get_or_insert(string_to_sign);
    }
    if let Some(failures) = failures {
        failures.failed(presented.access_key, rules.now);
    }
    Err(mismatch(dialect, presented.access_key, presented.signature, &first.unwrap_or_default()))
}

fn from_header<'a>(
    dialect: Dialect,
    request: SignedParts<'_>,
    rules: AuthRules<'_>,
    authorization: &'a str,
) -> Outcome<PresentedSignature<'a>> {
    let unsupported = || unsupported_authorization(dialect);
    let (scheme, credentials) = authorization.split_once(' ').ok_or_else(unsupported)?;
    let prefix = match (dialect, scheme) {
        (Dialect::Oss, "OSS") => HeaderPrefix::OSS,
        (Dialect::Obs, "OBS") => HeaderPrefix::OBS,
        (Dialect::Obs, "AWS") => HeaderPrefix::AMZ,
        _ => return Err(unsupported()),
    };
    let (access_key, signature) = credentials.trim().split_once(':').ok_or_else(unsupported)?;
    let own_date = header(request.headers, prefix.name("date").as_str());
    let date = header(request.headers, "date");
    let (shown, date_line) = match (own_date.is_empty(), dialect) {
        (true, _) => (date.clone(), date),
        (false, Dialect::Oss) => (own_date.clone(), own_date),
        (false, Dialect::Obs) => (own_date, String::new()),
    };
    check_skew(parse_http_time(&shown).ok_or_else(time_required)?, rules.now)?;
    let token = prefix.name("security-token");
    let token = request.headers.contains_key(&token).then(|| header(request.headers, token.as_str()));
    Ok(PresentedSignature { prefix, access_key, signature, date_line, token })
}

fn from_url<'a>(
    dialect: Dialect,
    request: SignedParts<'a>,
    rules: AuthRules<'_>,
) -> Outcome<PresentedSignature<'a>> {
    let query = request.query;
    let (prefix, access_key, token) = match dialect {
        Dialect::Oss => (HeaderPrefix::OSS, query.get("OSSAccessKeyId"), query.get("security-token")),
        Dialect::Obs if query.has("AWSAccessKeyId") => {
            (HeaderPrefix::AMZ, query.get("AWSAccessKeyId"), query.get("x-amz-security-token"))
        }
        Dialect::Obs => (HeaderPrefix::OBS, query.get("AccessKeyId"), query.get("x-obs-security-token")),
    };
    let (Some(access_key), Some(signature), Some(expires)) =
        (access_key, query.get("Signature"), query.get("Expires"))
    else {
        return Err(ApiError::forbidden(
            "AccessDenied",
            "Query-string authentication requires the Signature, Expires and AccessKeyId parameters.",
        ));
    };
    if dialect == Dialect::Oss && request.target.key.is_none() {
        return Err(ApiError::forbidden(
            "AccessDenied",
            "Bucket operations do not support V1 signatures in the URL.",
        )
        .ec("0002-00000079"));
    }
    let deadline = expires.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let deadline = deadline
        .ok_or_else(|| ApiError::forbidden("AccessDenied", "Invalid date (should be seconds since epoch)"))?;
    if rules.now > deadline {
        return Err(expired(deadline, rules.now));
    }
    Ok(PresentedSignature {
        prefix,
        access_key,
        signature,
        date_line: expires.to_owned(),
        token: token.map(str::to_owned),
    })
}

/// The resource texts a correct client may have signed. OSS signs the raw key. OBS signs the encoded one, as
/// on the wire; where a client hides slashes of the key as `%2F`, also with the slashes.
fn resources(dialect: Dialect, request: SignedParts<'_>) -> Vec<String> {
    match dialect {
        Dialect::Oss => vec![request.target.resource(str::to_owned)],
        Dialect::Obs => {
            let mut resources = vec![format!("{}{}", request.target.resource_root, request.raw_path)];
            if request.target.resource_root.is_empty() {
                resources.push(request.target.resource(|text| encode(text, Slash::Keep)));
            } else if let Some(key) = &request.target.key {
                resources.push(format!("{}/{}", request.target.resource_root, encode(key, Slash::Keep)));
            }
            resources.dedup();
            resources
        }
    }
}

fn string_to_sign(
    dialect: Dialect,
    request: SignedParts<'_>,
    presented: &PresentedSignature<'_>,
    resource: &str,
) -> String {
    let headers = request.headers;
    let mut text = format!(
        "{}\n{}\n{}\n{}\n",
        request.method,
        header(headers, "content-md5"),
        header(headers, "content-type"),
        presented.date_line
    );
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.retain(|name| name.starts_with(presented.prefix.as_str()));
    names.sort_unstable();
    for name in names {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name}:{}", header(headers, name).trim());
    }
    text.push_str(resource);
    let mut signed: Vec<_> =
        request.query.iter().filter(|(name, _)| is_signed(dialect, presented.prefix, name)).collect();
    signed.sort_unstable();
    for (at, (name, value)) in signed.into_iter().enumerate() {
        let separator = if at == 0 { '?' } else { '&' };
        let _ = match value {
            "" => write!(text, "{separator}{name}"),
            value => write!(text, "{separator}{name}={value}"),
        };
    }
    text
}

fn is_signed(dialect: Dialect, prefix: HeaderPrefix, name: &str) -> bool {
    match dialect {
        Dialect::Oss => name.starts_with("x-oss-") || OSS_SUB_RESOURCES.split(' ').any(|known| known == name),
        Dialect::Obs => {
            name.to_ascii_lowercase().starts_with(prefix.as_str())
                || OBS_SUB_RESOURCES.split(' ').any(|known| known.eq_ignore_ascii_case(name))
        }
    }
}
