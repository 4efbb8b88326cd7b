//! How e-mail is sent.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use clap::Args;
use serde::{Deserialize, Deserializer, de};

use super::Usage;
use crate::email::{MailOptions, Retries, Transport};

/// How many connections to the mail server there are without a setting.
const CONNECTIONS: u32 = 8;

/// How e-mail is sent, as flags and as the table `mail` of the file of `--config`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(
    next_help_heading = "E-mail (each also as a MUSTER_... variable or in the table [mail] of the file)"
)]
pub(in crate::cli) struct EmailFlags {
    /// The mail server: smtp://USER:PASSWORD@HOST:PORT?tls=required, or smtps://...
    /// [default: letters are written as .eml files to the directory `mail` in the data directory]
    #[arg(long, env = "MUSTER_SMTP", value_name = "URL", hide_env_values = true)]
    smtp: Option<SmtpUrl>,
    /// The most connections to the mail server [default: 8]
    #[arg(long, env = "MUSTER_SMTP_CONNECTIONS", value_name = "NUMBER")]
    smtp_connections: Option<u32>,
    /// How long the mail server may take for each step, and five times as long to say that it took a letter [default: 60]
    #[arg(long, env = "MUSTER_SMTP_SECONDS", value_name = "SECONDS")]
    smtp_seconds: Option<f64>,
    /// Who letters come from [default: muster <muster@localhost>]
    #[arg(long, env = "MUSTER_MAIL_FROM", value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// A directory with templates that take the place of the bundled ones of their names
    #[arg(long, env = "MUSTER_MAIL_TEMPLATES", value_name = "DIR")]
    mail_templates: Option<PathBuf>,
    /// After so many failed attempts a letter is parked [default: 10]
    #[arg(long, env = "MUSTER_MAIL_ATTEMPTS", value_name = "NUMBER")]
    mail_attempts: Option<u32>,
    /// The pause after the first failed attempt; twice as long after each further one, up to an hour [default: 30]
    #[arg(long, env = "MUSTER_MAIL_RETRY_SECONDS", value_name = "SECONDS")]
    mail_retry_seconds: Option<f64>,
    /// What letters call this product [default: muster]
    #[arg(long, env = "MUSTER_PRODUCT_NAME", value_name = "NAME")]
    product_name: Option<String>,
}

/// The URL of a mail server. Shown without what may be a password.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::cli) struct SmtpUrl(String);

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SmtpUrl(...)")
    }
}

impl FromStr for SmtpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = text.trim().to_owned();
        let transport = Transport::Smtp { url: url.clone(), connections: 1 };
        transport.check().map(|()| Self(url)).map_err(|error| error.0)
    }
}

impl<'de> Deserialize<'de> for SmtpUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl EmailFlags {
    /// These, and where one is missing, the other's.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            smtp: self.smtp.or(other.smtp),
            smtp_connections: self.smtp_connections.or(other.smtp_connections),
            smtp_seconds: self.smtp_seconds.or(other.smtp_seconds),
            mail_from: self.mail_from.or(other.mail_from),
            mail_templates: self.mail_templates.or(other.mail_templates),
            mail_attempts: self.mail_attempts.or(other.mail_attempts),
            mail_retry_seconds: self.mail_retry_seconds.or(other.mail_retry_seconds),
            product_name: self.product_name.or(other.product_name),
        }
    }

    /// What the sender is told; `base_url` is what links begin with, and `data` the data directory.
    pub(super) fn options(self, base_url: &str, data: &std::path::Path) -> Result<MailOptions, Usage> {
        let connections = self.smtp_connections.unwrap_or(CONNECTIONS);
        if connections == 0 {
            return Err(Usage("--smtp-connections: at least 1 is needed".into()));
        }
        let transport = match self.smtp {
            Some(SmtpUrl(url)) => Transport::Smtp { url, connections },
            None => Transport::Files(data.join("mail")),
        };
        let mut options = MailOptions::new(transport, base_url);
        let first = seconds("--mail-retry-seconds", self.mail_retry_seconds)?;
        options.patience = seconds("--smtp-seconds", self.smtp_seconds)?.unwrap_or(options.patience);
        let default = Retries::default();
        let attempts = self.mail_attempts.unwrap_or(default.attempts);
        if attempts == 0 {
            return Err(Usage("--mail-attempts: at least 1 is needed".into()));
        }
        let first = first.unwrap_or(default.first);
        options.retries = Retries { attempts, first, longest: default.longest.max(first) };
        if let Some(missing) = self.mail_templates.as_deref().filter(|directory| !directory.is_dir()) {
            return Err(Usage(format!("--mail-templates: there is no directory {}", missing.display())));
        }
        options.templates = self.mail_templates;
        options.from = self.mail_from.unwrap_or(options.from);
        options.product_name = self.product_name.unwrap_or(options.product_name);
        Ok(options)
    }
}

/// A time that is not nothing.
fn seconds(flag: &str, given: Option<f64>) -> Result<Option<Duration>, Usage> {
    let time =
        given.map(Duration::try_from_secs_f64).transpose().ok().filter(|time| *time != Some(Duration::ZERO));
    time.ok_or_else(|| Usage(format!("{flag}: a number of seconds above 0 is needed")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{EmailFlags, SmtpUrl};
    use crate::email::Transport;

    #[test]
    fn letters_are_files_unless_a_server_is_named() {
        let options = EmailFlags::default().options("http://x/", Path::new("data")).unwrap();
        assert_eq!(options.transport, Transport::Files("data/mail".into()));
        assert_eq!((options.base_url.as_str(), options.retries.attempts), ("http://x", 10));
        let none = EmailFlags { mail_attempts: Some(0), ..EmailFlags::default() };
        assert!(none.options("http://x", Path::new("data")).unwrap_err().0.starts_with("--mail-attempts: "));
    }

    #[test]
    fn the_url_of_a_mail_server_is_shown_to_nobody() {
        let url: SmtpUrl = "smtp://muster:hunter2@mail.example:587?tls=required".parse().unwrap();
        assert!(
            !format!("{:?}", EmailFlags { smtp: Some(url), ..EmailFlags::default() }).contains("hunter2")
        );
        for text in ["", "mail.example", "http://mail.example", "smtp://", "smtp://mail.example?tls=perhaps"]
        {
            assert!(text.parse::<SmtpUrl>().is_err(), "{text:?}");
        }
    }
}
