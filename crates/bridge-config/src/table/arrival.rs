//! Settings of what is confirmed to have arrived.

use std::time::Duration;

use settings::setting::{Section, Spec, Unset, text};
use settings::{Invalid, table, time};

const SECTION: Section = Section {
    title: text("Proof of arrival", "到达确认"),
    intro: text(
        "OMS answers that a key was accepted, and copies it later. What [arrived](../arrival.md) is looked up at the destination.",
        "OMS 回应的是键已被接受，之后才复制。[是否到达](../arrival.zh-CN.md)由本程序在目标端查看。",
    ),
};

const BASE: Spec =
    Spec { section: &SECTION, commands: &["serve", "confirm", "status", "report"], ..Spec::BASE };

table! {
    /// Until when a key has to arrive, and how long that is known.
    pub static TABLE;

    ARRIVE_WITHIN: Duration = within, Spec {
        value: "TIME",
        about: text(
            "Time that an accepted key has to arrive before it is late: `90s`, `15m`, `2h`",
            "被接受的键应在多长时间内到达，超过即为迟到：`90s`、`15m`、`2h`",
        ),
        unset: Unset::Is(text("`15m`", "`15m`")),
        ..BASE
    };
    KEEP_RECORDS: Duration = time::length, Spec {
        value: "TIME",
        about: text(
            "How long the records of keys that arrived are kept; `0`: for good",
            "已到达的键的记录保留多久；`0` 为永久保留",
        ),
        unset: Unset::Is(text("`7d`", "`7d`")),
        ..BASE
    };
}

fn within(text: &str) -> Result<Duration, Invalid> {
    let length = time::length(text)?;
    if length < Duration::from_secs(1) {
        return Err(Invalid::new("is no time to arrive in: 1s or more"));
    }
    Ok(length)
}
