//! The settings of a command as options.

use std::env;
use std::fmt;
use std::marker::PhantomData;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use settings::setting::Given;
use settings::values::By;
use settings::{Spec, Values};

use super::table;
use super::table::is_required;

/// A command that has settings.
pub trait WithSettings {
    /// Its name, by which rows of the table have it.
    const NAME: &'static str;
    /// The one heading of its settings in help texts, where the headings of the table are too many.
    const HEADING: Option<&'static str> = None;
}

/// The settings of the command `C`: each an environment variable and an option of the same name, as the table
/// says.
pub struct SettingsOf<C> {
    values: Values,
    command: PhantomData<C>,
}

impl<C> fmt::Debug for SettingsOf<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SettingsOf").field(&self.values).finish()
    }
}

impl<C> SettingsOf<C> {
    /// What is given for them.
    pub fn values(&self) -> Values {
        self.values.clone()
    }
}

fn specs<C: WithSettings>() -> impl Iterator<Item = &'static Spec> {
    table::of_commands().filter(|spec| spec.is_of(C::NAME) && table::is_built(spec))
}

fn option<C: WithSettings>(spec: &'static Spec) -> Arg {
    Arg::new(spec.name)
        .long(spec.option())
        .env(spec.name)
        .hide_env_values(true)
        .value_name(spec.value)
        .action(ArgAction::Set)
        .help(spec.help())
        .hide(!spec.is_used_by(C::NAME))
        .hide_short_help(is_required(spec) || !spec.short_help.contains(&C::NAME))
        .help_heading(C::HEADING.unwrap_or(spec.section.title.en))
}

impl<C: WithSettings> Args for SettingsOf<C> {
    fn augment_args(command: clap::Command) -> clap::Command {
        let given = specs::<C>().filter(|spec| spec.given == Given::VariableOrOption);
        command.args(given.map(option::<C>))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl<C: WithSettings> FromArgMatches for SettingsOf<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Self { values: Values::default(), command: PhantomData };
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for spec in specs::<C>() {
            let value = match spec.given {
                Given::VariableOrOption => matches.get_one::<String>(spec.name).cloned(),
                Given::Variable => env::var(spec.name).ok(),
            };
            let is_option = spec.given == Given::VariableOrOption
                && matches.value_source(spec.name) == Some(ValueSource::CommandLine);
            let by = if is_option { By::Option(format!("--{}", spec.option()).into()) } else { By::Variable };
            if let Some(value) = value {
                self.values.set_for(C::NAME, spec, &value, by);
            }
        }
        // What the command does not have, and its user may expect it to heed.
        let others =
            table::of_commands().filter(|spec| !spec.is_of(C::NAME) && spec.missed_by.contains(&C::NAME));
        for (spec, value) in others.filter_map(|spec| Some((spec, env::var(spec.name).ok()?))) {
            self.values.set_for(C::NAME, spec, &value, By::Variable);
        }
        Ok(())
    }
}
