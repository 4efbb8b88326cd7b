//! The command line: composes everything else into verbs, one file each.
//!
//! A verb opens the ledger, also while a server runs on it, does one thing through the ledger or with the
//! read models at the head of the log, and prints what a person wants to see next; with `--json`, what a program
//! needs. What goes wrong is said on stderr, with the flag or the field to mend.

mod config;
mod demo;
mod doctor;
mod events;
mod exit;
mod import;
mod invite_link;
mod keys;
mod letters;
mod migrate;
mod org;
mod projections;
mod roles;
mod serve;
mod token;
mod transfer;
mod user;

mod lock;
mod names;
mod open;
mod progress;
mod screen;
mod signals;
mod switch;
mod telemetry;
mod words;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Parser, Subcommand};

use self::{
    config::{Flags, Settings},
    screen::Screen,
};

use crate::database;

pub use exit::{Exit, report};

/// What is logged while a verb runs that ends by itself: what the log refuses to it, it says as its own error.
const LOGGED_BY_VERBS: &str = "warn,muster::store=error";

/// Who belongs to which organization and team, with which role, who changed it, when and why.
///
/// Every change is an event in one append-only log; everything that is shown is derived from it. Start with
/// `muster demo`.
#[derive(Debug, Parser)]
#[command(name = "muster", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show what muster does: imports an example organization, changes roles, prints the history, then serves
    Demo(demo::Demo),
    /// Serve the HTTP API and keep the read models up to date
    Serve(serve::Serve),
    /// Load organizations, teams, users, members and tokens from a JSON file
    Import(import::Import),
    /// Read the log: what happened, in order
    #[command(subcommand)]
    Events(events::Events),
    /// Show or define the roles of this deployment
    #[command(subcommand)]
    Roles(roles::Roles),
    /// Issue, list and revoke API tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Add, list and change people's accounts
    #[command(subcommand)]
    User(user::User),
    /// Create, list and administer organizations
    #[command(subcommand)]
    Org(org::Org),
    /// How the read models stand; build them anew, compare them with the log, take up what was set aside
    #[command(subcommand)]
    Projections(projections::Projections),
    /// List letters, look at one, send parked ones again, preview what they say
    #[command(subcommand)]
    Letters(letters::Letters),
    /// Print the link of an invitation, for installations that send no mail
    InviteLink(invite_link::InviteLink),
    /// Make, check and rotate the master key
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Write a backup of the whole ledger into a directory, while a server runs
    Backup(transfer::Backup),
    /// Put a backup back
    Restore(transfer::Restore),
    /// Move the whole ledger to another store
    Copy(transfer::Copy),
    /// Bring the schema of the log, the keys and the read models up to date
    Migrate(migrate::Migrate),
    /// Check the log, its proofs, the claims, the read models and the keys; says what to mend
    Doctor(doctor::Doctor),
}

/// Runs the verb that the arguments name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<()> {
    let Cli { verb, flags } = Cli::try_parse_from(arguments)?;
    let settings = Settings::from_flags(flags)?;
    let logged_by_servers = format!("info,{}=warn", database::REMARKS);
    let is_server = matches!(verb, Verb::Serve(_));
    telemetry::start(&settings, if is_server { &logged_by_servers } else { LOGGED_BY_VERBS })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut screen = Screen::new();
    let done = runtime.block_on(verb.run(&settings, &mut screen));
    // What was printed before a refusal is seen before it.
    let flushed = screen.flush();
    done.and(Ok(flushed?))
}

impl Verb {
    async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::Demo(demo) => demo.run(settings, screen).await,
            Self::Serve(serve) => serve.run(settings, screen).await,
            Self::Import(import) => import.run(settings, screen).await,
            Self::Events(events) => events.run(settings, screen).await,
            Self::Roles(roles) => roles.run(settings, screen).await,
            Self::Token(token) => token.run(settings, screen).await,
            Self::User(user) => user.run(settings, screen).await,
            Self::Org(org) => org.run(settings, screen).await,
            Self::Projections(projections) => projections.run(settings, screen).await,
            Self::Letters(letters) => letters.run(settings, screen).await,
            Self::InviteLink(invite_link) => invite_link.run(settings, screen).await,
            Self::Keys(keys) => keys.run(settings, screen).await,
            Self::Backup(backup) => backup.run(settings, screen).await,
            Self::Restore(restore) => restore.run(settings, screen).await,
            Self::Copy(copy) => copy.run(settings, screen).await,
            Self::Migrate(migrate) => migrate.run(settings, screen).await,
            Self::Doctor(doctor) => doctor.run(settings, screen).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
