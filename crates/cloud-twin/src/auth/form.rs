//! Signatures of forms: over the text of the policy as it was sent, with V4 or V1.

use chrono::TimeDelta;
use sha1::Sha1;
use sha2::Sha256;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::oss_v4::{ALGORITHM, KeyCache, Scope};
use super::{AuthRules, MAX_SKEW, account, expired, hmac, mismatch, skewed, time_required};
use crate::config::SignatureV1;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::form_fields::FormFields;
use crate::time::parse_basic_time;

const MAX_AGE: TimeDelta = TimeDelta::days(7);

/// Which kind of signature a form carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormSignature {
    V1,
    V4,
}

/// Verifies the signature of the form over `document`, its policy still encoded.
pub(crate) fn verify_form(
    fields: &FormFields,
    document: &str,
    rules: AuthRules<'_>,
    keys: &KeyCache,
) -> Outcome<FormSignature> {
    match fields.get("x-oss-signature-version") {
        None => verify_v1(fields, document, rules).map(|()| FormSignature::V1),
        Some(ALGORITHM) => verify_v4(fields, document, rules, keys).map(|()| FormSignature::V4),
        Some(_) => {
            Err(ApiError::invalid_argument("The x-oss-signature-version is invalid.").ec("0002-00000701"))
        }
    }
}

/// A field that a signature needs. The code says whether it is missing or empty.
fn signature<'a>(fields: &'a FormFields, name: &'static str, shown: &str) -> Outcome<&'a str> {
    let ec = match fields.get(name) {
        Some("") => "0002-00000704",
        None => "0002-00000703",
        Some(value) => return Ok(value),
    };
    Err(required(shown).ec(ec))
}

fn required(name: &str) -> ApiError {
    ApiError::invalid_argument(format!(
        "Bucket POST must contain a field named '{name}'. If it is specified, please check the order of the fields."
    ))
    .detail("ArgumentName", name)
}

fn verify_v1(fields: &FormFields, document: &str, rules: AuthRules<'_>) -> Outcome<()> {
    if rules.v1 == SignatureV1::Refused {
        return Err(super::v1_refused());
    }
    let provided = signature(fields, "signature", "Signature")?;
    let access_key = fields.get("ossaccesskeyid").ok_or_else(|| required("OSSAccessKeyId"))?;
    let token = fields.get("x-oss-security-token");
    let account = account(Dialect::Oss, rules.accounts, access_key, token)?;
    let mac = hmac::<Sha1>(account.secret_key.as_bytes(), document.as_bytes());
    if STANDARD.encode(mac) == provided {
        return Ok(());
    }
    Err(mismatch(Dialect::Oss, access_key, provided, document).ec("0002-00000705"))
}

fn verify_v4(fields: &FormFields, document: &str, rules: AuthRules<'_>, keys: &KeyCache) -> Outcome<()> {
    let provided = signature(fields, "x-oss-signature", "x-oss-signature")?;
    let field = |name: &str| fields.get(name).ok_or_else(|| required(name));
    let credential = field("x-oss-credential")?;
    let scope = Scope::parse(credential).map_err(|error| error.ec("0002-00000710"))?;
    let token = fields.get("x-oss-security-token");
    let account = account(Dialect::Oss, rules.accounts, scope.access_key, token)?;
    let time = field("x-oss-date")?;
    let signed_at = parse_basic_time(time).ok_or_else(time_required)?;
    scope.check(time, rules.region)?;
    if signed_at > rules.now + MAX_SKEW {
        return Err(skewed(signed_at, rules.now));
    }
    if rules.now > signed_at + MAX_AGE {
        return Err(expired(signed_at + MAX_AGE, rules.now));
    }
    let key = keys.signing_key(account, &scope);
    if hex::encode(hmac::<Sha256>(&key, document.as_bytes())) == provided {
        return Ok(());
    }
    Err(mismatch(Dialect::Oss, scope.access_key, provided, document).ec("0002-00000705"))
}

/// Whether the form claims to be signed at all.
pub(crate) fn is_signed(fields: &FormFields) -> bool {
    ["ossaccesskeyid", "signature", "x-oss-credential", "x-oss-signature", "x-oss-signature-version"]
        .into_iter()
        .any(|name| fields.get(name).is_some())
}
