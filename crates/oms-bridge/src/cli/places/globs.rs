//! `--include` and `--exclude` of commands that compare them with names below SRC.

use bridge_core::policy::KeyFilter;
use settings::{Invalid, Reader};

use bridge_config::table::oms::{EXCLUDE, INCLUDE};

/// What both let through. A glob that is wrong is a problem.
pub(in crate::cli) fn filter(
    r: &mut Reader,
    include: Option<&str>,
    exclude: Option<&str>,
) -> Option<KeyFilter> {
    if include.or(exclude).is_some() {
        // Whoever gives these knows that the settings of the same names do not hold here.
        r.text(&INCLUDE.spec);
        r.text(&EXCLUDE.spec);
    }
    // Each by itself first, so that the problem names the right option.
    for (name, globs) in [("--include", include), ("--exclude", exclude)] {
        r.accept(name, KeyFilter::new(globs, None).map_err(Invalid::new));
    }
    KeyFilter::new(include, exclude).ok()
}
