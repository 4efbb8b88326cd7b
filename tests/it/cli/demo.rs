//! `muster demo`: what somebody sees first.

use reqwest::{Client, Method};

use super::{Muster, Ran, Serving, muster::names};

/// A line of curl, as the demonstration prints it.
struct Curl {
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Curl {
    /// Reads what a shell would read: words, and texts in single quotes.
    fn read(line: &str) -> Self {
        let mut words = vec![];
        for (index, part) in line.split('\'').enumerate() {
            if index % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        let mut curl = Self { method: Method::GET, url: String::new(), headers: vec![], body: None };
        let mut words = words.into_iter();
        assert_eq!(words.next().as_deref(), Some("curl"));
        while let Some(word) = words.next() {
            match word.as_str() {
                "-s" | "-si" => {}
                "-X" => curl.method = words.next().unwrap().parse().unwrap(),
                "-d" => curl.body = words.next(),
                "-H" => {
                    let header = words.next().unwrap();
                    let (name, value) = header.split_once(": ").unwrap();
                    curl.headers.push((name.into(), value.into()));
                }
                _ => curl.url = word,
            }
        }
        curl
    }

    async fn run(&self) -> (u16, String) {
        let mut request = Client::new().request(self.method.clone(), &self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = request.body(self.body.clone().unwrap_or_default()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

#[test]
fn it_shows_the_organization_the_changes_and_the_history_and_ends_with_0() {
    let muster = Muster::new();
    std::fs::create_dir(muster.path("tmp")).unwrap();
    let mut demo = muster.command(&["demo", "--exit-after-demo", "--listen", "127.0.0.1:0"]);
    let shown = Ran::of(demo.env_remove("MUSTER_DATA").env("TMPDIR", muster.path("tmp"))).done();
    for text in [
        "Acme Robotics (acme): 189 members, 8 open invitations",
        "3 owner, 10 manager",
        "motion-control",
        "{\"orgRole\":\"manager\"}",
        "You do not have permission to set that org-level role; nothing is recorded",
        "Alice invites Nina to a team",
        "200, pending: false, orgRole: \"member\", teams: [\"perception\"]",
        "Try it in another window",
    ] {
        assert!(shown.stdout.contains(text), "{text:?} is not shown: {}", shown.stdout);
    }
    let history = shown.stdout.split("The history").nth(1).unwrap();
    let change = history.lines().find(|line| line.contains("Dana") && line.contains(" role  ")).unwrap();
    let words: Vec<_> = change.split_whitespace().collect();
    assert!(words.ends_with(&["role", "member", "manager"]), "{change}");
    assert!(change.contains("Alice Thornbury-Vance"), "{change}");
    let audit_log = shown.stdout.split("The audit log").nth(1).unwrap();
    let entries: Vec<_> = audit_log.lines().skip(2).take(5).collect();
    assert!(
        entries[0].starts_with("Nina Abernathy") && entries[0].contains("accepted the membership invite")
    );
    let edited = "edited member mallory@example.com (role: member, teams: fleet, quality)";
    assert!(
        entries[2].contains(edited) && entries[2].ends_with("orgRole: manager -> member"),
        "{entries:#?}"
    );
    assert_eq!(shown.stderr, "");
    // Where a database is named, none is made in the first place.
    assert!(names(muster.path("tmp").as_ref()).is_empty(), "the temporary ledger is removed");
}

#[tokio::test]
async fn the_lines_of_curl_work_when_they_are_pasted() {
    let muster = Muster::new();
    let mut demo = Serving::start(&mut muster.command(&["demo", "--listen", "127.0.0.1:0"]));
    demo.line("until Ctrl-C");
    let curls: Vec<_> =
        demo.seen().lines().map(str::trim).filter(|line| line.starts_with("curl ")).map(Curl::read).collect();
    let [roster, change, history] = &curls[..] else { panic!("three lines are needed: {}", demo.seen()) };
    let (status, roster) = roster.run().await;
    assert_eq!((status, roster.matches("\"orgRole\"").count()), (200, 3), "{roster}");
    for _ in 0..2 {
        let (status, member) = change.run().await;
        assert!(status == 200 && member.contains("\"orgRole\":\"member\""), "{status}: {member}");
    }
    let (status, history) = history.run().await;
    assert_eq!((status, history.matches("\"OrgRoleChanged\"").count()), (200, 2), "{history}");
    let (status, said) = demo.stop();
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("The ledger stays in"), "{said}");
    if let Some(database) = &muster.database {
        let key = muster.master_key();
        assert!(
            said.contains(&format!("{}, its master key in {}", database.database().place(), key.display())),
            "{said}"
        );
    }
    muster.run(&["doctor"]).done();
}

#[test]
fn a_ledger_that_is_kept_can_be_shown_again() {
    let muster = Muster::new();
    for _ in 0..2 {
        muster.run(&["demo", "--exit-after-demo", "--listen", "127.0.0.1:0"]).done().says("Mallory Quennell");
    }
    muster.run(&["org", "list"]).done().says("acme");
}
