//! The JSON by which application servers of the vendor's demos pass a form on to their clients.

use serde_json::{Map, Value};

use super::PostForm;
use super::check::bad;
use crate::config::SignatureVersion;
use crate::error::Error;

impl PostForm {
    /// The answer of the vendor's V1 demo servers: `accessid`, `host`, `policy`, `signature`, `expire` (Unix
    /// seconds), `dir`, and `callback` if there is one. Temporary credentials add `security_token`, which
    /// those clients ignore.
    ///
    /// Fails for a form signed by V4, for one key (their clients choose it), and for fields that their
    /// clients do not send.
    ///
    /// [Demo](https://www.alibabacloud.com/help/en/oss/use-cases/add-signatures-on-the-server-configure-upload-callbacks-and-directly-transfer-data).
    pub fn to_v1_demo_json(&self) -> Result<String, Error> {
        self.check_demo(SignatureVersion::V1)?;
        let mut members = self.common_members();
        members.insert("accessid".to_owned(), self.value("OSSAccessKeyId"));
        members.insert("signature".to_owned(), self.value("Signature"));
        members.insert("expire".to_owned(), self.expires_at.timestamp().into());
        Ok(Value::Object(members).to_string())
    }

    /// The answer of the vendor's V4 demo servers: `version` and `x_oss_signature_version` (the same),
    /// `policy`, `x_oss_credential`, `x_oss_date`, `signature`, `dir`, `host`, and `security_token` and
    /// `callback` if there are any.
    ///
    /// Fails for a form signed by V1, for one key (their clients choose it), and for fields that their
    /// clients do not send.
    ///
    /// [Demo](https://help.aliyun.com/en/oss/developer-reference/signature-version-4-recommend).
    pub fn to_v4_demo_json(&self) -> Result<String, Error> {
        self.check_demo(SignatureVersion::V4)?;
        let mut members = self.common_members();
        for (member, field) in [
            ("version", "x-oss-signature-version"),
            ("x_oss_signature_version", "x-oss-signature-version"),
            ("x_oss_credential", "x-oss-credential"),
            ("x_oss_date", "x-oss-date"),
            ("signature", "x-oss-signature"),
        ] {
            members.insert(member.to_owned(), self.value(field));
        }
        Ok(Value::Object(members).to_string())
    }

    fn common_members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("host".to_owned(), self.url.trim_end_matches('/').into());
        members.insert("dir".to_owned(), self.prefix.as_deref().into());
        members.insert("policy".to_owned(), self.value("policy"));
        for (member, field) in [("security_token", "x-oss-security-token"), ("callback", "callback")] {
            if self.field(field).is_some() {
                members.insert(member.to_owned(), self.value(field));
            }
        }
        members
    }

    fn value(&self, field: &str) -> Value {
        self.field(field).into()
    }

    fn check_demo(&self, version: SignatureVersion) -> Result<(), Error> {
        if self.version != version {
            return Err(bad(format!(
                "the form is signed by {:?}, and this JSON is for {version:?}",
                self.version
            )));
        }
        if self.prefix.is_none() {
            return Err(bad(
                "the form is for one key, and clients of this JSON choose the key; sign for a prefix",
            ));
        }
        let extra = self.fields.iter().find(|(name, value)| match name.as_str() {
            "key" | "policy" | "callback" | "OSSAccessKeyId" | "Signature" => false,
            "success_action_status" => value != "200",
            name => {
                !name.starts_with("x-oss-signature")
                    && !["x-oss-credential", "x-oss-date", "x-oss-security-token"].contains(&name)
            }
        });
        match extra {
            Some((name, _)) => {
                Err(bad(format!("clients of this JSON do not send the field {name} as signed")))
            }
            None => Ok(()),
        }
    }
}
