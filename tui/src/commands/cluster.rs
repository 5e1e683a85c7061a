//! `cluster`: nodes, networks and key of this node's cluster.

use std::{fs, path::Path};

use safetui_net::{
    api::{client::ClientError, exit::Exit, shape::Node},
    config::cluster,
    wire::{ClusterKey, KeyError},
};
use serde::Serialize;

use super::{
    Outcome,
    config::{Checked, invalid, warn},
};
use crate::{
    cli::ClusterVerb,
    codes,
    context::Context,
    failure::{Case, Failure, UNCHANGED},
    files,
    output::{clean, say},
};

pub(super) async fn run(cx: &Context, verb: ClusterVerb) -> Outcome {
    match verb {
        ClusterVerb::Config { file } => config(cx, &file).await,
        ClusterVerb::Confcheck { file } => confcheck(cx, &file),
        ClusterVerb::Genkey => genkey(cx),
        ClusterVerb::State => state(cx).await,
        ClusterVerb::Confinfo => confinfo(cx),
    }
}

/// Puts a cluster.xml in force: checked, then replaced in one step.
async fn config(cx: &Context, file: &Path) -> Outcome {
    let (cluster, warnings) = cluster::check(file).map_err(|found| invalid(file, &found))?;
    let content = fs::read(file).map_err(|error| Failure::read(file, &error))?;
    warn(&warnings);
    let target = cx.paths.cluster_xml();
    files::write(&target, &content)?;
    if !cx.paths.cluster_key().exists() {
        save_new_key(cx)?;
        say(&format!(
            "created the cluster's key; copy {} to the same place on the other node",
            cx.paths.cluster_key().display()
        ));
    }
    if !matches!(cx.client.state().await, Err(ClientError::NoAgent { .. })) {
        say("the running agent still uses the former configuration; it reads the new one when it restarts");
    }
    done(cx, &target, &cluster.signature)
}

fn confcheck(cx: &Context, file: &Path) -> Outcome {
    let (cluster, warnings) = cluster::check(file).map_err(|found| invalid(file, &found))?;
    warn(&warnings);
    done(cx, file, &cluster.signature)
}

fn done(cx: &Context, file: &Path, signature: &str) -> Outcome {
    Checked { file: &file.display().to_string(), signature }.show(cx)
}

fn genkey(cx: &Context) -> Outcome {
    let path = cx.paths.cluster_key();
    if path.exists() {
        return Err(Case {
            code: codes::HAS_KEY,
            summary: "the cluster has a key".into(),
            what: format!("creating {}", path.display()),
            why: "a new key on one node alone would keep the nodes from hearing each other".into(),
            now: UNCHANGED.into(),
            fix: vec![
                "copy the file from the node that has the right one".into(),
                format!("to begin anew on both nodes: stop the agents, rm {}, then genkey", path.display()),
            ],
        }
        .into());
    }
    save_new_key(cx)?;
    let made = InForce {
        what: "key".into(),
        signature: files::file_signature(&path).ok(),
        path: path.display().to_string(),
    };
    cx.output.record(&made, &[&made.path])?;
    say("copy it to the same place on the other node; who has it can act as a node");
    Ok(Exit::Ok.code())
}

fn save_new_key(cx: &Context) -> Result<(), Failure> {
    let path = cx.paths.cluster_key();
    let folder =
        fs::create_dir_all(&cx.paths.etc).map_err(|error| KeyError::Io { path: path.clone(), error });
    folder.and_then(|()| ClusterKey::generate().save(&path)).map_err(|error| {
        Case {
            code: codes::NO_WRITE,
            summary: "cannot create the cluster's key".into(),
            what: format!("writing {}", path.display()),
            why: error.to_string(),
            now: "the cluster has no key; the agent does not start without".into(),
            fix: vec!["as root: safetui cluster genkey".into()],
        }
        .into()
    })
}

/// The nodes as the agent of this one sees them.
async fn state(cx: &Context) -> Outcome {
    let state = cx.client.state().await?;
    let rows = state.nodes.iter().map(row).collect();
    cx.output.table(&state.nodes, &["NODE", "REACHABLE", "LAST SEEN", "VERSION", "ADDRESSES"], rows)?;
    Ok(Exit::Ok.code())
}

fn row(node: &Node) -> Vec<String> {
    let reachable = match (node.me, node.reachable) {
        (true, _) => "this",
        (false, true) => "yes",
        (false, false) => "no",
    };
    let seen = node.last_seen_ms.map_or_else(|| "never".into(), |age| format!("{age} ms ago"));
    let version = node.version.clone().unwrap_or_else(|| "-".into());
    vec![clean(&node.name), reachable.into(), seen, clean(&version), node.addresses.join(" ")]
}

/// What is in force on this node; equal signatures on two nodes mean equal content.
#[derive(Serialize)]
struct InForce {
    what: String,
    /// `null` when absent.
    signature: Option<String>,
    path: String,
}

fn confinfo(cx: &Context) -> Outcome {
    let file = cx.paths.cluster_xml();
    let mut list = vec![InForce {
        what: "cluster".into(),
        signature: cluster::load(&file).ok().map(|cluster| cluster.signature),
        path: file.display().to_string(),
    }];
    let key = cx.paths.cluster_key();
    list.push(InForce {
        what: "key".into(),
        signature: files::file_signature(&key).ok(),
        path: key.display().to_string(),
    });
    for name in files::installed(&cx.paths)? {
        let active = cx.paths.active(&name);
        let present = files::userconfig(&active).is_file();
        list.push(InForce {
            what: format!("module {name}"),
            signature: present.then(|| files::signature(&active).ok()).flatten(),
            path: active.display().to_string(),
        });
    }
    let cells = |item: &InForce| {
        vec![item.what.clone(), item.signature.clone().unwrap_or_else(|| "none".into()), item.path.clone()]
    };
    cx.output.table(&list, &["WHAT", "SIGNATURE", "PATH"], list.iter().map(cells).collect())?;
    Ok(Exit::Ok.code())
}
