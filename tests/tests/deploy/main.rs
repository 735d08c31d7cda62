//! `s.yaml` against the schema of the deploy tool, and against what the platform's documentation says.
//!
//! The tool validates at debug level only and drops what it does not know, so nobody would be told of a mistake. Beside it the
//! SAM template of AWS Lambda: that nothing is lost there and nobody may more than needed; the policies for both clouds; and
//! `deploy/build.sh` with a binary that is built already. The Terraform modules are checked by `tests/terraform/run`.

#[cfg(test)]
mod lambda;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod prebuilt;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
