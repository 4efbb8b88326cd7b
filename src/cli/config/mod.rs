//! Settings: each may be given as a flag, as a `MUSTER_...` variable, or in the file that `--config` names; the
//! first of these that is given counts.

mod address;
mod base_url;
mod file;
mod limits;
mod mail;
mod secret_url;
mod store_name;

use std::{
    net::IpAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

pub(super) use self::{address::Address, base_url::BaseUrl, store_name::StoreName};
use self::{file::Written, limits::Limits, mail::EmailFlags, secret_url::SecretUrl};
use super::exit::Usage;
use crate::{
    database::Database, deployment::DeploymentOptions, email::MailOptions, http::ServeOptions,
    store::eventstore::EventStoreUrl,
};

/// The data directory, where none is named.
const DATA: &str = "./muster-data";
/// Where `serve` listens, where nothing else is said.
const LISTEN: &str = "127.0.0.1:8484";

/// Settings of every verb, as flags.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings (each also as a MUSTER_... variable or in the file of --config)")]
pub(super) struct Flags {
    /// The data directory: the log, the keys, the read models [default: ./muster-data]
    #[arg(long, global = true, env = "MUSTER_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The Postgres database of the ledger, such as `postgres://user:password@host:5432/database`; with a
    /// password rather as a variable or in the file of --config, because other users of a machine see flags
    #[arg(long, global = true, env = "MUSTER_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretUrl>,
    /// The EventStoreDB or KurrentDB server or cluster of the log, such as `esdb://user:password@host:2113`; keys and read
    /// models are in the database or in the data directory, which also has a mirror of the log
    #[arg(long, global = true, env = "MUSTER_EVENT_STORE", hide_env_values = true, value_name = "URL")]
    event_store: Option<SecretUrl>,
    /// The file of the master key, which wraps all other keys [default: master.key in the data directory; needed with
    /// --database-url]
    #[arg(long, global = true, env = "MUSTER_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Where people find this deployment: what links begin with [default: http:// and the address of --listen]
    #[arg(long, global = true, env = "MUSTER_BASE_URL", value_name = "URL")]
    base_url: Option<BaseUrl>,
    /// A TOML file with settings: each flag in this section, with `_` for `-`
    #[arg(long, global = true, env = "MUSTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What is logged on stderr, such as `debug` or `muster=debug,warn` [default: info for serve, else warn]
    #[arg(long, global = true, env = "MUSTER_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// How log lines are written [default: text]
    #[arg(long, global = true, env = "MUSTER_LOG_FORMAT", value_name = "FORMAT", value_enum)]
    log_format: Option<LogFormat>,
}

/// Settings of the verbs that serve, as flags.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings (each also as a MUSTER_... variable or in the file of --config)")]
pub(super) struct ServeFlags {
    /// The address to listen on; port 0 picks a free one and prints it [default: 127.0.0.1:8484]
    #[arg(long, env = "MUSTER_LISTEN", value_name = "ADDRESS")]
    listen: Option<Address>,
    /// Networks of the proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8,192.168.1.7
    #[arg(long, env = "MUSTER_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',')]
    trusted_proxies: Option<Vec<Network>>,
    /// Compare the read models with the log so often, at a low rate; /metrics and `doctor` say what was found
    /// [default: never]
    #[arg(long, env = "MUSTER_VERIFY_EVERY", value_name = "SECONDS")]
    verify_every: Option<NonZeroU32>,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    mail: EmailFlags,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A network, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network(pub(super) IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network
            .map(Self)
            .map_err(|_| format!("\"{text}\" is no network such as 10.0.0.0/8 and no IP address"))
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The settings in force.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The data directory.
    pub(super) data: PathBuf,
    /// Whether somebody chose it.
    pub(super) data_was_named: bool,
    /// The database, where the ledger is to be kept in one.
    pub(super) database: Option<Database>,
    /// The event store, where the log is to be kept in one.
    pub(super) event_store: Option<EventStoreUrl>,
    /// The file of the master key; by default in the data directory.
    pub(super) master_key_file: Option<PathBuf>,
    /// Whether the master key may be made in the data directory though the ledger is in a database.
    makes_master_key: bool,
    /// Where people find this deployment, where somebody said so.
    base_url: Option<BaseUrl>,
    /// What is logged, where somebody chose it.
    pub(super) log: Option<String>,
    /// How.
    pub(super) log_format: LogFormat,
    /// Where to listen, as the file of `--config` has it.
    listen: Option<Address>,
    /// Whose X-Forwarded-For is believed, as the file of `--config` has it.
    trusted_proxies: Option<Vec<Network>>,
    /// How often the read models are compared with the log, as the file of `--config` has it.
    verify_every: Option<NonZeroU32>,
    /// The limits on requests, as the file of `--config` has them.
    limits: Limits,
    /// How e-mail is sent, as the file of `--config` says.
    mail: EmailFlags,
}

/// The settings in force of a verb that serves.
#[derive(Debug)]
pub(super) struct ServeSettings {
    /// Where to listen.
    pub(super) listen: Address,
    /// Whether somebody chose that.
    pub(super) listen_was_named: bool,
    /// What the server is told.
    pub(super) options: ServeOptions,
}

impl Settings {
    /// The flags and variables that clap has read, before the file, before the defaults.
    pub(super) fn from_flags(flags: Flags) -> Result<Self, Usage> {
        let file = flags.config.as_deref().map(Written::read).transpose()?.unwrap_or_default();
        let data = flags.data.or(file.data);
        let url = flags.database_url.or(file.database_url);
        let event_store = flags.event_store.or(file.event_store);
        Ok(Self {
            data_was_named: data.is_some(),
            data: data.unwrap_or_else(|| DATA.into()),
            database: url.map(|url| url.database()).transpose()?,
            event_store: event_store.map(|url| url.event_store()).transpose()?,
            makes_master_key: false,
            master_key_file: flags.master_key_file.or(file.master_key_file),
            base_url: flags.base_url.or(file.base_url),
            log: flags.log.or(file.log),
            log_format: flags.log_format.or(file.log_format).unwrap_or_default(),
            listen: file.listen,
            trusted_proxies: file.trusted_proxies,
            verify_every: file.verify_every,
            limits: file.limits.unwrap_or_default(),
            mail: file.mail.unwrap_or_default(),
        })
    }

    /// The same for a verb that serves.
    pub(super) fn serving(&self, flags: &ServeFlags) -> Result<ServeSettings, Usage> {
        let listen = flags.listen.as_ref().or(self.listen.as_ref());
        let proxies = flags.trusted_proxies.as_ref().or(self.trusted_proxies.as_ref());
        let verify_every = flags.verify_every.or(self.verify_every);
        let options = ServeOptions {
            trusted_proxies: proxies.into_iter().flatten().map(|network| network.0).collect(),
            limits: flags.limits.or(self.limits).checked()?,
            verify_every: verify_every.map(|seconds| Duration::from_secs(seconds.get().into())),
            ..ServeOptions::default()
        };
        let listen_was_named = listen.is_some();
        Ok(ServeSettings {
            listen: listen.cloned().map_or_else(|| LISTEN.parse(), Ok).map_err(Usage)?,
            listen_was_named,
            options,
        })
    }

    /// How a server that is found at `url` sends e-mail.
    pub(super) fn mail_options(&self, flags: &ServeFlags, url: &str) -> Result<MailOptions, Usage> {
        let base_url = self.base_url.as_ref().map_or(url, BaseUrl::as_str);
        flags.mail.clone().or(self.mail.clone()).options(base_url, &self.data)
    }

    /// Whether it is said where people find this deployment.
    pub(super) fn has_base_url(&self) -> bool {
        self.base_url.is_some()
    }

    /// What links begin with. Without a setting, where a server with these settings is found on this machine.
    pub(super) fn base_url(&self) -> String {
        match (&self.base_url, &self.listen) {
            (Some(base), _) => base.as_str().to_owned(),
            (None, Some(listen)) => format!("http://{}", listen.as_str()),
            (None, None) => format!("http://{LISTEN}"),
        }
    }

    /// The same settings with another data directory.
    pub(super) fn at(&self, data: &Path) -> Self {
        Self { data: data.into(), ..self.clone() }
    }

    /// The same settings for a ledger that needs no care: its master key is made where there is none.
    pub(super) fn making_master_key(&self) -> Self {
        Self { makes_master_key: true, ..self.clone() }
    }

    /// Whether something is kept in the data directory.
    pub(super) fn keeps_files(&self) -> bool {
        self.database.is_none()
            || self.event_store.is_some()
            || (self.makes_master_key && self.master_key_file.is_none())
    }

    /// What to open. Who shares a database with others must not find, on the next machine, that the master key is on the
    /// first one: so its file is named by whoever starts the ledger.
    pub(super) fn deployment(&self, create: bool) -> Result<DeploymentOptions, Usage> {
        if self.database.is_some() && self.master_key_file.is_none() && !self.makes_master_key {
            return Err(Usage(
                "--master-key-file: with --database-url, the file of the master key has to be named; `muster keys new \
                 FILE` makes one for a new ledger"
                    .into(),
            ));
        }
        Ok(self.options(create))
    }

    /// What to open without the master key, wherever that is.
    pub(super) fn options(&self, create: bool) -> DeploymentOptions {
        let (data, database) = (self.data.clone(), self.database.clone());
        let (event_store, master_key_file) = (self.event_store.clone(), self.master_key_file.clone());
        DeploymentOptions { data, database, event_store, master_key_file, create }
    }

    /// The same settings for the ledger in another store, which `flag` names, with its own master key. Beside an event store,
    /// the rest is in `rest`, or where these settings say.
    pub(super) fn of(
        &self,
        (flag, store): (&str, &StoreName),
        rest: Option<&StoreName>,
        master_key_file: Option<PathBuf>,
    ) -> Result<Self, Usage> {
        let about =
            |error: Usage| Usage(error.0.replace("--database-url", flag).replace("--event-store", flag));
        let settings = Self { master_key_file, makes_master_key: false, ..self.clone() };
        match (store, rest) {
            (StoreName::EventStore(url), rest) => {
                let event_store = Some(url.event_store().map_err(about)?);
                let rest_flag = format!("{flag}-rest");
                let settings = match rest {
                    None => settings,
                    Some(StoreName::EventStore(_)) => {
                        return Err(Usage(format!(
                            "{rest_flag}: a data directory or the URL of a Postgres database is needed"
                        )));
                    }
                    Some(rest) => settings.of((&rest_flag, rest), None, settings.master_key_file.clone())?,
                };
                Ok(Self { event_store, ..settings })
            }
            (_, Some(_)) => Err(Usage(format!("{flag}-rest: {flag} is no event store, and holds all of it"))),
            (StoreName::Directory(data), None) => {
                Ok(Self { data: data.clone(), database: None, event_store: None, ..settings })
            }
            (StoreName::Database(url), None) => {
                Ok(Self { database: Some(url.database().map_err(about)?), event_store: None, ..settings })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flags, LogFormat, ServeFlags, Settings};

    fn flags() -> Flags {
        Flags {
            data: None,
            database_url: None,
            event_store: None,
            master_key_file: None,
            config: None,
            base_url: None,
            log: None,
            log_format: None,
        }
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("muster.toml");
        std::fs::write(&path, "data = \"ledger\"\nlog_format = \"json\"\nlisten = \"[::1]:0\"\n").unwrap();
        let settings = Settings::from_flags(Flags { config: Some(path.clone()), ..flags() }).unwrap();
        assert_eq!(settings.data, directory.path().join("ledger"), "relative to the file");
        assert_eq!(settings.log_format, LogFormat::Json);
        assert_eq!(settings.serving(&ServeFlags::default()).unwrap().listen.as_str(), "[::1]:0");
        let listen = ServeFlags { listen: Some("0.0.0.0:1".parse().unwrap()), ..ServeFlags::default() };
        assert_eq!(settings.serving(&listen).unwrap().listen.as_str(), "0.0.0.0:1");
        let named = Flags { config: Some(path), data: Some("other".into()), ..flags() };
        assert_eq!(Settings::from_flags(named).unwrap().data, std::path::Path::new("other"));
        let settings = Settings::from_flags(flags()).unwrap();
        assert_eq!(settings.data, std::path::Path::new("./muster-data"));
        assert_eq!(settings.serving(&ServeFlags::default()).unwrap().listen.as_str(), "127.0.0.1:8484");
    }

    #[test]
    fn links_begin_with_what_was_named_or_with_the_address_of_the_server() {
        let base_url = |flags| Settings::from_flags(flags).unwrap().base_url();
        assert_eq!(base_url(flags()), "http://127.0.0.1:8484");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("muster.toml");
        std::fs::write(&path, "listen = \"[::1]:80\"\n").unwrap();
        let file = || Flags { config: Some(path.clone()), ..flags() };
        assert_eq!(base_url(file()), "http://[::1]:80");
        let named = Flags { base_url: Some("https://members.example.com/".parse().unwrap()), ..file() };
        assert_eq!(base_url(named), "https://members.example.com");
    }

    #[test]
    fn a_ledger_in_a_database_needs_a_named_master_key_and_shows_no_password() {
        let url = "postgres://muster:hunter2@127.0.0.1/ledger";
        let named = || Flags { database_url: Some(url.parse().unwrap()), ..flags() };
        assert!(!format!("{:?}", named()).contains("hunter2"));
        let settings = Settings::from_flags(named()).unwrap();
        assert!(settings.deployment(true).unwrap_err().to_string().starts_with("--master-key-file: "));
        let demo = settings.making_master_key().deployment(true).unwrap();
        assert_eq!(demo.master_key_file, None);
        let flags = Flags { master_key_file: Some("master.key".into()), ..named() };
        let settings = Settings::from_flags(flags).unwrap();
        let options = settings.deployment(true).unwrap();
        assert_eq!(options.database.as_ref().unwrap().place(), "ledger on 127.0.0.1:5432");
        let shown = format!("{settings:?} {options:?}");
        assert!(shown.contains("ledger on 127.0.0.1") && !shown.contains("hunter2"), "{shown}");
    }
}
