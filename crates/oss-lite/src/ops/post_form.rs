//! Forms by which browsers upload.

use crate::bucket::Bucket;
use crate::error::Error;
use crate::post_policy::{PostForm, PostPolicy, PostTarget};

impl Bucket {
    /// Signs a form by which anybody can upload within the policy; makes no request. It names the
    /// [public endpoint](crate::ClientConfig::with_public_endpoint). OSS only.
    ///
    /// [PostObject](https://www.alibabacloud.com/help/en/oss/developer-reference/postobject).
    pub fn post_form(&self, policy: &PostPolicy) -> Result<PostForm, Error> {
        let shared = self.shared();
        let url = self.public_url();
        let target = PostTarget { bucket: self.name().as_str(), url: &url };
        policy.sign(target, &self.signer().params(shared.now()))
    }
}
