//! A dashboard's connections: the states of one agent at a time, and orders to the agent that is meant.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use safetui_net::api::{
    client::{Client, ClientError},
    shape::{Accepted, Command, Problem, State},
};
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
    time::{sleep, timeout},
};

use crate::{
    codes,
    dashboard::{Feed, Source},
    failure::{Case, Failure, UNCHANGED},
};

/// After so long without news the agent is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(1);
/// How long it may take to answer that.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two rounds of attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Finds an agent's socket, which may be elsewhere after a reboot, or says why there is none now.
pub(crate) type Find = Box<dyn Fn() -> Result<Client, String> + Send + Sync>;

/// Follows the first of its agents that answers, and the next one when that is lost.
pub(crate) struct Live {
    agents: Arc<Agents>,
    say: UnboundedSender<Feed>,
    inbox: Option<UnboundedReceiver<Feed>>,
}

struct Agents {
    all: Vec<Agent>,
    /// Index of the one that is followed.
    turn: watch::Sender<usize>,
    latest: Mutex<Option<State>>,
}

struct Agent {
    /// Name of its node, once known.
    node: Mutex<Option<String>>,
    find: Find,
}

impl Live {
    /// The agents in the order in which they are tried, with the names of their nodes where these are known.
    pub(crate) fn new(agents: impl IntoIterator<Item = (Option<String>, Find)>) -> Self {
        let all = agents.into_iter().map(|(node, find)| Agent { node: Mutex::new(node), find }).collect();
        let (say, inbox) = unbounded_channel();
        let agents = Agents { all, turn: watch::Sender::new(0), latest: Mutex::default() };
        Self { agents: Arc::new(agents), say, inbox: Some(inbox) }
    }

    /// Where others can put what the dashboard is to show.
    pub(crate) fn say(&self) -> UnboundedSender<Feed> {
        self.say.clone()
    }

    /// The newest state that was seen.
    pub(crate) fn latest(&self) -> Option<State> {
        lock(&self.agents.latest).clone()
    }

    /// Follows the next agent.
    pub(crate) fn turn(&self) {
        self.agents.next();
    }
}

impl Source for Live {
    fn feed(&mut self) -> impl Stream<Item = Feed> + Send + 'static {
        tokio::spawn(follow(self.agents.clone(), self.say.clone()));
        let inbox = self.inbox.take().expect("the dashboard asks for its one stream once");
        stream::unfold(inbox, async |mut inbox| inbox.recv().await.map(|feed| (feed, inbox)))
    }

    fn send(&mut self, node: &str, command: Command) {
        let (agents, say, node) = (self.agents.clone(), self.say.clone(), node.to_owned());
        tokio::spawn(async move {
            // A dashboard that has ended needs no answer.
            _ = say.send(Feed::Answer(agents.order(&node, &command).await));
        });
    }

    fn demo(&mut self, _index: usize) {}
}

async fn follow(agents: Arc<Agents>, say: UnboundedSender<Feed>) {
    let mut turn = agents.turn.subscribe();
    let mut failed = 0;
    while !say.is_closed() {
        let index = *turn.borrow_and_update();
        let why = tokio::select! {
            why = agents.listen(index, &say, &mut failed) => why,
            _ = turn.changed() => continue,
        };
        failed += 1;
        agents.next();
        if failed >= agents.all.len() {
            let why = format!("{why}; retry in {} s", PAUSE.as_secs());
            _ = say.send(Feed::Lost { why });
            sleep(PAUSE).await;
        }
    }
}

impl Agents {
    fn next(&self) {
        self.turn.send_modify(|turn| *turn = (*turn + 1) % self.all.len());
    }

    /// Passes on what one agent says until it says no more; why it does not.
    async fn listen(&self, index: usize, say: &UnboundedSender<Feed>, failed: &mut usize) -> String {
        let agent = &self.all[index];
        let client = match (agent.find)() {
            Ok(client) => client,
            Err(why) => return why,
        };
        let mut states = client.watch();
        loop {
            let state = match timeout(SILENCE, states.next()).await {
                Ok(Some(state)) => state,
                Ok(None) => return "the agent ended the stream".into(),
                Err(_) => match timeout(PATIENCE, client.state()).await {
                    Ok(state) => state,
                    Err(_) => Err(ClientError::Timeout { after: SILENCE + PATIENCE }),
                },
            };
            let state = match state {
                Ok(state) => state,
                Err(error) => return brief(&error),
            };
            *failed = 0;
            *lock(&agent.node) = Some(state.node.clone());
            *lock(&self.latest) = Some(state.clone());
            _ = say.send(Feed::State(Box::new(state)));
        }
    }

    async fn order(&self, node: &str, command: &Command) -> Result<Accepted, Problem> {
        let meant = |agent: &&Agent| lock(&agent.node).as_deref() == Some(node);
        let agent = self.all.iter().find(meant).ok_or_else(|| elsewhere(node, command))?;
        let client = (agent.find)().map_err(|why| unreachable(node, command, why))?;
        client.command(command).await.map_err(|error| {
            let failure = if error.outcome_unknown() {
                Failure::unknown(&command.verb, &command.module, &error)
            } else {
                error.into()
            };
            match failure {
                Failure::Problem(problem) => *problem,
                Failure::OutputClosed => unreachable!("an agent's answer is not our output"),
            }
        })
    }
}

/// The error in the few words that a header has room for.
fn brief(error: &ClientError) -> String {
    match error {
        ClientError::NoAgent { socket, .. } => format!("no agent answers on {}", socket.display()),
        ClientError::Denied { socket, .. } => format!("not allowed to use {}", socket.display()),
        ClientError::Timeout { .. } => "the agent does not answer".into(),
        ClientError::Lost(_) => "the agent ended the connection".into(),
        ClientError::Garbled(_) => "the agent is of another version".into(),
        ClientError::Problem(problem) => problem.summary.clone(),
    }
}

/// Each node is ordered about by its own agent: what this one was told, another need not know.
fn elsewhere(node: &str, command: &Command) -> Problem {
    Case {
        code: codes::OTHER_NODE,
        summary: format!("{} on {node} is not this agent's to do", command.verb),
        what: format!("{} of {} on {node}", command.verb, command.module),
        why: "this dashboard is connected to the agent of another node".into(),
        now: UNCHANGED.into(),
        fix: vec![format!("on {node}: safetui {} -m {}", command.verb, command.module)],
    }
    .into()
}

fn unreachable(node: &str, command: &Command, why: String) -> Problem {
    Case {
        code: codes::NO_AGENT,
        summary: format!("the agent of {node} cannot be reached"),
        what: format!("{} of {} on {node}", command.verb, command.module),
        why,
        now: UNCHANGED.into(),
        fix: vec![format!("bring {node} up first")],
    }
    .into()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{path::Path, pin::pin};

    use safetui_net::api::{
        server::{Control, bind, serve},
        shape::{Happened, Health, STATE_SCHEMA},
    };

    use super::*;

    struct Agent(&'static str, watch::Sender<u64>);

    impl Control for Agent {
        fn state(&self) -> Arc<State> {
            Arc::new(State {
                schema: STATE_SCHEMA.into(),
                seq: 1,
                time: "2026-01-01T00:00:00.000Z".into(),
                cluster: "c".into(),
                node: self.0.into(),
                health: Health::Ok,
                nodes: vec![],
                witness: None,
                networks: vec![],
                modules: vec![],
                events: vec![],
                warnings: vec![],
            })
        }

        fn changes(&self) -> watch::Receiver<u64> {
            self.1.subscribe()
        }

        async fn command(&self, _command: Command) -> Result<Accepted, Problem> {
            Ok(Accepted { seq: 7, until: vec![] })
        }

        fn log(&self, _module: Option<&str>, _lines: usize) -> Vec<Happened> {
            vec![]
        }
    }

    fn run(socket: &Path, node: &'static str) {
        let listener = bind(socket).unwrap();
        tokio::spawn(serve(listener, Arc::new(Agent(node, watch::Sender::new(1)))));
    }

    fn at(socket: &Path) -> Find {
        let client = Client::new(socket);
        Box::new(move || Ok(client.clone()))
    }

    /// The first thing said that `wanted` makes something of.
    async fn hear<T>(feed: &mut (impl Stream<Item = Feed> + Unpin), wanted: impl Fn(Feed) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = wanted(feed.next().await.unwrap()) {
                    return found;
                }
            }
        };
        timeout(Duration::from_secs(60), found).await.unwrap()
    }

    fn node(feed: Feed) -> Option<String> {
        if let Feed::State(state) = feed { Some(state.node) } else { None }
    }

    fn lost(feed: Feed) -> Option<String> {
        if let Feed::Lost { why } = feed { Some(why) } else { None }
    }

    fn answer(feed: Feed) -> Option<Result<u64, String>> {
        match feed {
            Feed::Answer(Ok(accepted)) => Some(Ok(accepted.seq)),
            Feed::Answer(Err(problem)) => Some(Err(problem.code)),
            _ => None,
        }
    }

    fn order() -> Command {
        let (args, by) = (vec![], "tui".into());
        Command { module: "m".into(), verb: "start".into(), args, if_state: None, confirm: None, by }
    }

    #[tokio::test]
    async fn a_lost_agent_is_said_and_found_again() {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("sock");
        let mut live = Live::new([(None, at(&socket))]);
        let mut feed = pin!(live.feed());
        let why = hear(&mut feed, lost).await;
        assert!(why.starts_with("no agent answers on /") && why.ends_with("; retry in 1 s"), "{why}");
        run(&socket, "n1");
        assert_eq!(hear(&mut feed, node).await, "n1");
    }

    #[tokio::test]
    async fn the_next_agent_is_followed_without_an_alarm() {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("sock");
        run(&socket, "n2");
        let off: Find = Box::new(|| Err("n1 has no power".into()));
        let mut live = Live::new([(Some("n1".into()), off), (Some("n2".into()), at(&socket))]);
        let mut feed = pin!(live.feed());
        let first = hear(&mut feed, |feed| lost(feed.clone()).or(node(feed))).await;
        assert_eq!(first, "n2");
    }

    #[tokio::test]
    async fn an_order_goes_to_the_agent_of_its_node_or_nowhere() {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("sock");
        run(&socket, "n1");
        let mut live = Live::new([(None, at(&socket))]);
        let mut feed = pin!(live.feed());
        hear(&mut feed, node).await;
        live.send("n2", order());
        assert_eq!(hear(&mut feed, answer).await, Err(codes::OTHER_NODE.id.to_owned()));
        live.send("n1", order());
        assert_eq!(hear(&mut feed, answer).await, Ok(7));
    }
}
