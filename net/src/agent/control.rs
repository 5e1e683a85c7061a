//! What the control API may ask of the running agent.

use std::{sync::Arc, time::Duration};

use safetui_core::{Boot, Command, Refusal, Role};
use tokio::{
    sync::{oneshot, watch},
    task::spawn_blocking,
    time::timeout,
};

use super::{board::Board, publish::Published, pulse::Mail};
use crate::{
    api::{
        exit::Exit,
        server::Control,
        shape::{self, Accepted, Happened, Problem, State},
    },
    driver::{self, News, Tell, id_of, wording},
    journal::{Journal, Level},
    mailbox::Mailbox,
    node::Node,
    store::Wish,
};

/// How long the core may take to answer: it waits for the disk at most.
const ANSWER: Duration = Duration::from_secs(5);

/// The agent, as the API sees it.
pub(super) struct Agent {
    pub node: Arc<Node>,
    pub boot: Boot,
    pub mailbox: Arc<Mailbox<Mail>>,
    pub board: Arc<Board>,
    pub published: Arc<Published>,
    pub journal: Journal,
}

impl Control for Agent {
    fn state(&self) -> Arc<State> {
        self.published.state()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.published.changes()
    }

    async fn command(&self, command: shape::Command) -> Result<Accepted, Problem> {
        if let Some(seq) = command.if_state
            && !self.published.still(seq)
        {
            return Err(self.stale(seq));
        }
        match command.verb.as_str() {
            "config" => self.configure(&command).await,
            "uninstall" => self.uninstall(&command),
            verb => match Command::ALL.into_iter().find(|known| known.verb() == verb) {
                Some(known) => self.order(&command, known).await,
                None => Err(self.unknown_verb(verb)),
            },
        }
    }

    fn log(&self, module: Option<&str>, lines: usize) -> Vec<Happened> {
        self.journal.newest(module, lines)
    }
}

impl Agent {
    async fn order(&self, asked: &shape::Command, command: Command) -> Result<Accepted, Problem> {
        let role = self.role(&asked.module).ok_or_else(|| self.no_module(&asked.module))?;
        let text = format!("Action {} called by {}", asked.verb, asked.by);
        self.journal.say(Some(&asked.module), "safekit", Level::User, text);
        let (reply, answer) = oneshot::channel();
        self.mailbox.post(Mail::Order { module: id_of(&asked.module), command, reply: Some(reply) });
        match timeout(ANSWER, answer).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(refusal))) => return Err(self.refused(&asked.verb, &asked.module, refusal)),
            Ok(Err(_)) | Err(_) => return Err(self.unanswered(&asked.verb, &asked.module)),
        }
        self.keep_wish(&asked.module, command).await?;
        Ok(Accepted { seq: self.published.state().seq, until: until(command, role) })
    }

    /// What an operator wished survives a reboot.
    async fn keep_wish(&self, module: &str, command: Command) -> Result<(), Problem> {
        let wish = match command {
            Command::Stop | Command::ForceStop => Wish::Stopped,
            Command::Start
            | Command::Restart
            | Command::StopStart
            | Command::Swap
            | Command::Prim
            | Command::Failover
            | Command::Second => Wish::Started,
        };
        let dir = self.node.paths.state(module);
        let saved = spawn_blocking(move || wish.save(&dir)).await;
        let Ok(Err(error)) = saved else { return Ok(()) };
        Err(Problem {
            code: "E0501".into(),
            exit: Exit::Failed.code(),
            summary: "the command was taken, but will be forgotten at a reboot".into(),
            what: format!("writing down that {module} is to be {wish:?}"),
            why: error.to_string(),
            now: "the command is carried out".into(),
            fix: vec!["free the disk, then repeat the command".into()],
        })
    }

    /// A changed configuration of a stopped module is in force: runs it from now on.
    async fn configure(&self, asked: &shape::Command) -> Result<Accepted, Problem> {
        let name = asked.module.clone();
        if self.role(&name).is_some_and(|role| role != Role::Stop) {
            return Err(self.running(&asked.verb, &name));
        }
        let (node, boot, journal) = (self.node.clone(), self.boot, self.journal.clone());
        let tell = tell(&self.mailbox, id_of(&name));
        let module = name.clone();
        let opened = spawn_blocking(move || {
            let plan = node.plan(&module)?;
            driver::open(&node, plan, boot, &journal, tell)
        });
        match opened.await {
            Ok(Ok(driver)) => {
                self.mailbox.post(Mail::Install(Box::new(driver)));
                let text = format!("Action config called by {}", asked.by);
                self.journal.say(Some(&name), "safekit", Level::User, text);
                Ok(Accepted { seq: self.published.state().seq, until: vec!["STOP".into()] })
            }
            Ok(Err(why)) => {
                self.mailbox.post(Mail::Broken { name: name.clone(), why: why.clone() });
                Err(self.broken(&name, why))
            }
            Err(_) => Err(self.unanswered(&asked.verb, &name)),
        }
    }

    #[expect(clippy::result_large_err, reason = "the type that the API asks for")]
    fn uninstall(&self, asked: &shape::Command) -> Result<Accepted, Problem> {
        if self.role(&asked.module).is_some_and(|role| role != Role::Stop) {
            return Err(self.running(&asked.verb, &asked.module));
        }
        self.mailbox.post(Mail::Remove { module: id_of(&asked.module) });
        Ok(Accepted { seq: self.published.state().seq, until: Vec::new() })
    }

    fn role(&self, module: &str) -> Option<Role> {
        let snapshot = self.board.read();
        snapshot.modules.iter().find(|shot| shot.plan.module.name == module).map(|shot| shot.core.role())
    }

    /// Where a module stands now, for an error.
    fn standing(&self, module: &str) -> String {
        let state = self.published.state();
        let module = state.modules.iter().find(|known| known.name == module);
        let words = |module: &shape::Module| {
            let each = module.instances.iter().map(|i| format!("{} is {} {}", i.node, i.role, i.readiness));
            each.collect::<Vec<_>>().join(", ")
        };
        module.map_or_else(
            || "nothing was changed".into(),
            |module| format!("nothing was changed; {}", words(module)),
        )
    }

    fn problem(
        &self,
        code: &str,
        exit: Exit,
        module: &str,
        [summary, what, why]: [String; 3],
        fix: &str,
    ) -> Problem {
        let now = self.standing(module);
        Problem { code: code.into(), exit: exit.code(), summary, what, why, now, fix: vec![fix.into()] }
    }

    fn refused(&self, verb: &str, module: &str, refusal: Refusal) -> Problem {
        let why = wording::refusal(refusal).into();
        let text = [format!("{verb} refused"), format!("{verb} of {module} on {}", self.node.name()), why];
        self.problem("E0301", Exit::Unsafe, module, text, &format!("safetui why -m {module}"))
    }

    fn stale(&self, seq: u64) -> Problem {
        let newest = self.published.state().seq;
        let why = if seq > newest {
            format!("there is no state with number {seq} yet; the newest is {newest}")
        } else {
            format!("the state has changed since number {seq}; the newest is {newest}")
        };
        let text = ["the state has changed".into(), "a command bound to a state".into(), why];
        self.problem("E0302", Exit::Stale, "", text, "look at the state again, then repeat the command")
    }

    fn no_module(&self, module: &str) -> Problem {
        let why = match self.board.read().broken.get(module) {
            Some(why) => format!("its configuration cannot be run: {why}"),
            None => format!("node {} has no module {module} with a configuration in force", self.node.name()),
        };
        let text = [format!("no module {module}"), format!("a command for {module}"), why];
        self.problem("E0201", Exit::NotFound, module, text, &format!("safetui config -m {module}"))
    }

    fn unknown_verb(&self, verb: &str) -> Problem {
        let why = format!("this agent does not know the verb {verb}");
        let text = [format!("{verb} is no verb"), format!("the verb {verb}"), why];
        self.problem("E0404", Exit::Usage, "", text, "safetui --help")
    }

    fn running(&self, verb: &str, module: &str) -> Problem {
        let why = "a module's files are exchanged only while it is stopped on this node".into();
        let text = [format!("{verb} refused: {module} is started"), format!("{verb} of {module}"), why];
        self.problem("E0206", Exit::Unsafe, module, text, &format!("safetui stop -m {module}"))
    }

    fn broken(&self, module: &str, why: String) -> Problem {
        let text = [format!("{module} cannot run"), format!("taking the configuration of {module}"), why];
        self.problem(
            "E0203",
            Exit::Failed,
            module,
            text,
            &format!("correct it, then: safetui config -m {module}"),
        )
    }

    fn unanswered(&self, verb: &str, module: &str) -> Problem {
        let why = "the module waits for its disk: nothing is decided before what was decided last is durable"
            .into();
        let text = [format!("{verb} was not answered"), format!("{verb} of {module}"), why];
        self.problem("E0502", Exit::Unknown, module, text, &format!("safetui state -m {module}"))
    }
}

/// How the threads of a module report to the pulse thread.
pub(super) fn tell(mailbox: &Arc<Mailbox<Mail>>, module: u64) -> Tell {
    let mailbox = mailbox.clone();
    Arc::new(move |news: News| mailbox.post(Mail::News { module, news }))
}

/// What proves a command done on this node.
fn until(command: Command, role: Role) -> Vec<String> {
    let settled = &["ALONE Ready", "PRIM Ready", "SECOND Ready", "WAIT NotReady"][..];
    let serving = &["ALONE Ready", "PRIM Ready"][..];
    let same = [format!("{} Ready", role.word())];
    let words = match (command, role) {
        (Command::Start | Command::StopStart, _) => settled,
        (Command::Stop | Command::ForceStop, _) => &["STOP"],
        (Command::Restart, _) => return same.into(),
        (Command::Swap, Role::Prim) => &["SECOND Ready"],
        (Command::Swap | Command::Prim | Command::Failover, _) => serving,
        (Command::Second, _) => &["SECOND Ready"],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_ends_in_the_other_role() {
        assert_eq!(until(Command::Swap, Role::Prim), ["SECOND Ready"]);
        assert_eq!(until(Command::Swap, Role::Second), ["ALONE Ready", "PRIM Ready"]);
        assert_eq!(until(Command::Restart, Role::Second), ["SECOND Ready"]);
        assert_eq!(until(Command::Stop, Role::Prim), ["STOP"]);
    }
}
