//! From what a letter is about to what it says. The bundled templates can be replaced by files of the same names.

use std::path::Path;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, context};
use muster_events::letter::LetterKind;
use thiserror::Error;

use super::{Content, Rendered, variables::variables};

/// Templates that cannot be used, or that fail with what they are given.
#[derive(Debug, Error)]
#[error("template {name}: {error}")]
pub struct TemplateError {
    /// Which.
    name: String,
    /// Why.
    error: String,
}

/// The templates of all letters: of each kind `KIND.txt`, whose first line is the subject, and `KIND.html`.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("templates/", $name)))),*]
    };
}

const BUNDLED: &[(&str, &str)] = bundled![
    "layout.html",
    "button.html",
    "footer.txt",
    "organization.invite.txt",
    "organization.invite.html",
    "organization.auth_link.txt",
    "organization.auth_link.html",
    "organization.auth_sso_disabled.txt",
    "organization.auth_sso_disabled.html",
    "user.setup_2fa.txt",
    "user.setup_2fa.html",
    "user.setup_email.txt",
    "user.setup_email.html",
    "team.access.request.txt",
    "team.access.request.html",
    "team.access.approved.txt",
    "team.access.approved.html",
    "organization.invite_request.txt",
    "organization.invite_request.html",
    "organization.join_request.txt",
    "organization.join_request.html",
    "org.confirm_delete.txt",
    "org.confirm_delete.html",
];

impl Templates {
    /// The bundled ones, each replaced by the file of its name in `directory`, where there is one; what else is there can be
    /// included. Every kind is rendered, with and without a person who acted, so that a template that cannot work is found
    /// before the first letter.
    pub fn load(directory: Option<&Path>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        // HTML is escaped, whatever stands in a value; a name that is misspelt is an error and not an empty place.
        environment.set_auto_escape_callback(|name| {
            let is_text = Path::new(name).extension().is_some_and(|extension| extension == "txt");
            if is_text { AutoEscape::None } else { AutoEscape::Html }
        });
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // What may be missing is asked for before it is named.
        environment.set_formatter(|out, state, value| {
            if value.is_none() {
                return Err(minijinja::Error::new(
                    ErrorKind::UndefinedError,
                    "a value is none; ask with {% if %}",
                ));
            }
            minijinja::escape_formatter(out, state, value)
        });
        for (name, bundled) in BUNDLED {
            let text = match directory.map(|directory| std::fs::read_to_string(directory.join(name))) {
                Some(Ok(text)) => text,
                Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(TemplateError { name: (*name).into(), error: error.to_string() });
                }
                Some(Err(_)) | None => (*bundled).to_owned(),
            };
            let added = environment.add_template_owned(*name, text);
            added.map_err(|error| failed(name, &error))?;
        }
        for (name, text) in directory.map(others).transpose()?.into_iter().flatten() {
            let added = environment.add_template_owned(name.clone(), text);
            added.map_err(|error| failed(&name, &error))?;
        }
        let templates = Self { environment };
        for kind in LetterKind::ALL {
            let sample = super::sample(kind);
            templates.render(kind, &sample)?;
            templates.render(kind, &Content { actor: None, ..sample })?;
        }
        Ok(templates)
    }

    /// What a letter of this kind says.
    pub fn render(&self, kind: LetterKind, content: &Content) -> Result<Rendered, TemplateError> {
        let (text_name, html_name) = (format!("{kind}.txt"), format!("{kind}.html"));
        let values = variables(kind, content);
        let text = self.fill(&text_name, context! { subject => "", ..values.clone() })?;
        let (subject, text) = text.split_once('\n').unwrap_or((&text, ""));
        let html = self.fill(&html_name, context! { subject, ..values })?;
        Ok(Rendered { subject: subject.trim().to_owned(), text: format!("{}\n", text.trim()), html })
    }

    fn fill(&self, name: &str, values: Value) -> Result<String, TemplateError> {
        let template = self.environment.get_template(name).map_err(|error| failed(name, &error))?;
        template.render(values).map_err(|error| failed(name, &error))
    }
}

/// What a directory has beside the templates of the bundled names, for those to include.
fn others(directory: &Path) -> Result<Vec<(String, String)>, TemplateError> {
    let unreadable = |name: &str, error: &std::io::Error| TemplateError {
        name: name.to_owned(),
        error: error.to_string(),
    };
    let listed = std::fs::read_dir(directory).map_err(|error| unreadable("directory", &error))?;
    let mut others = vec![];
    for entry in listed {
        let name = entry
            .map_err(|error| unreadable("directory", &error))?
            .file_name()
            .to_string_lossy()
            .into_owned();
        let is_bundled = BUNDLED.iter().any(|(bundled, _)| *bundled == name);
        let is_template = [".html", ".txt"].iter().any(|ending| name.ends_with(ending));
        if is_template && !is_bundled {
            let text = std::fs::read_to_string(directory.join(&name));
            let text = text.map_err(|error| unreadable(&name, &error))?;
            others.push((name, text));
        }
    }
    Ok(others)
}

fn failed(name: &str, error: &minijinja::Error) -> TemplateError {
    TemplateError { name: name.to_owned(), error: error.to_string() }
}
