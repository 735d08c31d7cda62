//! Whose request it is. Read once its signature is verified, from where that was found.

use http::HeaderMap;

use crate::form_fields::FormFields;
use crate::wire::{Query, header};

/// The access key of a request to OSS or OBS, signed in its header or its URL.
pub(crate) fn of_request(headers: &HeaderMap, query: &Query) -> Option<String> {
    let authorization = header(headers, "authorization");
    if let Some((scheme, rest)) = authorization.split_once(' ') {
        return match scheme {
            "OSS4-HMAC-SHA256" | "AWS4-HMAC-SHA256" => {
                let credential = rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
                of_credential(credential)
            }
            _ => rest.trim().split_once(':').map(|(access_key, _)| access_key.to_owned()),
        };
    }
    if let Some(credential) = query.get("x-oss-credential") {
        return of_credential(credential);
    }
    ["OSSAccessKeyId", "AccessKeyId", "AWSAccessKeyId"]
        .into_iter()
        .find_map(|name| query.get(name))
        .map(str::to_owned)
}

/// That of a form.
pub(crate) fn of_form(fields: &FormFields) -> Option<String> {
    match fields.get("x-oss-credential") {
        Some(credential) => of_credential(credential),
        None => fields.get("ossaccesskeyid").map(str::to_owned),
    }
}

/// That of a request to the gateway of OMS.
pub(crate) fn of_apig(headers: &HeaderMap) -> Option<String> {
    let authorization = header(headers, "authorization");
    let (_, rest) = authorization.split_once(' ')?;
    rest.split(',').find_map(|part| part.trim().strip_prefix("Access=")).map(str::to_owned)
}

/// `access key/date/region/service/terminator`; the key may have slashes.
fn of_credential(credential: &str) -> Option<String> {
    credential.rsplitn(5, '/').nth(4).map(str::to_owned)
}
