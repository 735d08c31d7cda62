//! Tables for people, an object for programs, and what is too far off.

use serde_json::{Value, json};

use crate::Scale;
use crate::database::Engine;
use crate::floor::Commits;
use crate::load::CONNECTIONS;
use crate::rounds::{Figures, Side};

/// How long OSS waits for an answer, on its way there and back.
const OSS_MS: f64 = 5000.0;

/// The least that callbacks may be, as a share of commits of single rows. On a disk that takes its time they are several times
/// as many; in memory HTTP and RSA are what counts.
const LEAST: f64 = 0.25;

pub(crate) struct Report {
    pub(crate) scale: Scale,
    pub(crate) rows: Vec<(Engine, Side, Figures)>,
}

impl Report {
    pub(crate) fn print(&self) {
        let Scale { rows, alone, rounds } = self.scale;
        println!(
            "Medians of {rounds} rounds by turns; {rows} rows each, {alone} where each is a commit; {CONNECTIONS} connections.\n"
        );
        println!(
            "{:<9}{:<36}{:>10}{:>8}{:>9}{:>8}{:>9}{:>9}{:>11}",
            "", "", "per s", "ratio", "p50 ms", "p99 ms", "max ms", "CPU us", "settled/s"
        );
        for (engine, side, figures) in &self.rows {
            let shown = |figure: Option<f64>, places: usize| {
                figure.map(|figure| format!("{figure:.places$}")).unwrap_or_default()
            };
            println!(
                "{:<9}{:<36}{:>10.0}{:>8.2}{:>9}{:>8}{:>9}{:>9}{:>11}",
                engine.name(),
                side.name(),
                figures.per_second,
                figures.per_second / self.alone(*engine),
                shown(figures.median_ms, 1),
                shown(figures.p99_ms, 1),
                shown(figures.longest_ms, 1),
                shown(figures.cpu_us, 0),
                shown(figures.settled_per_second, 0)
            );
        }
    }

    pub(crate) fn json(&self) -> Value {
        let rows = self.rows.iter().map(|(engine, side, figures)| {
            json!({"database": engine.name(), "side": side.name(), "figures": figures,
                "ratio": figures.per_second / self.alone(*engine)})
        });
        json!({"rounds": self.scale.rounds, "rows": self.scale.rows, "results": rows.collect::<Vec<_>>()})
    }

    /// What is far from where it was.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (engine, side, figures) in &self.rows {
            let what = format!("{}, {}", engine.name(), side.name());
            if figures.longest_ms.is_some_and(|longest| longest >= OSS_MS) {
                broken.push(format!("{what}: a callback took as long as OSS waits"));
            }
            if figures.per_second < LEAST * self.alone(*engine) {
                broken.push(format!("{what}: under {LEAST} of single commits"));
            }
        }
        broken
    }

    /// Rows per second of commits one by one.
    fn alone(&self, engine: Engine) -> f64 {
        let alone =
            |(of, side, _): &&(Engine, Side, Figures)| *of == engine && *side == Side::Floor(Commits::Alone);
        self.rows.iter().find(alone).map_or(1.0, |(_, _, figures)| figures.per_second)
    }
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Floor(Commits::Alone) => "floor: a commit for each row",
            Self::Floor(Commits::Parallel) => "floor: the same over 64 connections",
            Self::Floor(Commits::Grouped) => "floor: 64 rows a commit",
            Self::Callbacks => "desk, callbacks only",
            Self::Desk => "desk, with looks at the bucket",
        }
    }
}
