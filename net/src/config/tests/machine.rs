//! What files say together, and what this machine says about them.

use std::fs;

use insta::assert_snapshot;

use super::{cluster, read, with};
use crate::config::{
    Diagnostics, Module, check_dirs, cluster as cluster_file, conflicts, load_apart, module,
};

fn named(name: &str, more: &str) -> Module {
    let mut module = read(&with(more)).unwrap_or_else(|found| panic!("{found}")).module;
    module.name = name.to_owned();
    module
}

fn vip(addr: &str) -> String {
    format!(
        "<vip><interface_list><interface><real_interface><virtual_addr addr=\"{addr}\"/></real_interface></interface>\
         </interface_list></vip>"
    )
}

fn replicated(dirs: &[&str]) -> String {
    format!("<rfs><replicated dir=\"{}\"/></rfs>", dirs.join("\"/><replicated dir=\""))
}

#[test]
fn modules_do_not_share_directories_or_addresses() {
    let modules = [
        named("db", &(replicated(&["/srv/db", "/var/log/db"]) + &vip("10.0.0.9"))),
        named("web", &(replicated(&["/srv/web", "/var/log"]) + &vip("10.0.0.10"))),
        named("mail", &(replicated(&["/srv/db"]) + &vip("10.0.0.9"))),
        named("cache", ""),
    ];
    assert_snapshot!(conflicts(&modules), @r#"
    error[E0121]: directory /var/log/db lies inside /var/log, both are replicated (modules "db" and "web")
      --> module web
      = help: give each module directories of its own

    error[E0121]: directory /srv/db is replicated twice (modules "db" and "mail")
      --> module mail
      = help: give each module directories of its own

    error[E0121]: virtual address 10.0.0.9 is claimed twice (modules "db" and "mail")
      --> module mail
      = help: give each module an address of its own
    "#);
    assert!(conflicts(&modules[..1]).is_empty());
}

#[test]
fn replicated_directories_must_be_there() {
    let room = tempfile::tempdir().expect("a directory");
    let path = |name: &str| room.path().join(name).display().to_string();
    fs::create_dir(path("there")).expect("created");
    fs::write(path("file"), "").expect("written");
    let module = named("db", &replicated(&[&path("there"), &path("file"), &path("missing")]));
    let found = Diagnostics::from(check_dirs(&module)).to_string().replace(&path(""), "/room/");
    assert_snapshot!(found, @r#"
    error[E0122]: /room/file is not a directory
      --> module db
      = help: replicate the directory that contains it

    error[E0122]: replicated directory /room/missing does not exist on this machine
      --> module db
      = help: create it: mkdir -p /room/missing; or mount the file system that contains it
    "#);
}

#[test]
fn the_agents_own_files_are_not_replicated() {
    // A link to the root leads to whatever the agent keeps.
    let room = tempfile::tempdir().expect("a directory");
    let link = room.path().join("link");
    std::os::unix::fs::symlink("/", &link).expect("linked");
    let module = named("db", &replicated(&[&link.display().to_string()]));
    let found = Diagnostics::from(check_dirs(&module)).to_string();
    assert!(found.contains("where safetui keeps its own files"), "{found}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let room = tempfile::tempdir().expect("a directory");
    let path = room.path().join("cluster.xml");
    let found = |path: &std::path::Path| {
        let found = cluster_file::load(path).expect_err("refused").to_string();
        found.replace(&room.path().display().to_string(), "/room")
    };
    assert_snapshot!(found(&path), @r#"
    error[E0101]: file cannot be read: No such file or directory (os error 2)
      --> /room/cluster.xml
      = help: check that the path exists and that this user may read it
    "#);
    fs::write(&path, b"<cluster>\n<lans name=\"\xe9\"/>").expect("written");
    assert_snapshot!(found(&path), @r#"
    error[E0101]: line 2 is not UTF-8 text
      --> /room/cluster.xml
      = help: convert the file: iconv -f LATIN1 -t UTF-8
    "#);
    fs::write(&path, vec![b' '; (64 << 10) + 1]).expect("written");
    assert_snapshot!(found(&path), @r#"
    error[E0101]: file is larger than 65536 bytes
      --> /room/cluster.xml
      = help: is this the right file?
    "#);
}

#[test]
fn files_are_loaded_from_their_paths() {
    let room = tempfile::tempdir().expect("a directory");
    let (cluster_xml, userconfig) = (room.path().join("cluster.xml"), room.path().join("userconfig.xml"));
    fs::write(&cluster_xml, super::CLUSTER).expect("written");
    fs::write(&userconfig, super::good::FULL).expect("written");
    let loaded = cluster_file::load(&cluster_xml).expect("good");
    assert_eq!(loaded, cluster());
    let module = module::load(&userconfig, "db", &loaded, &super::env).expect("good").module;
    assert_eq!(module, read(super::good::FULL).expect("good").module);
}

#[test]
fn a_module_is_read_without_its_cluster_as_if_two_nodes_had_its_networks() {
    let room = tempfile::tempdir().expect("a directory");
    let userconfig = room.path().join("userconfig.xml");
    fs::write(&userconfig, super::good::FULL).expect("written");
    let (cluster, apart) = load_apart(&userconfig, "db", &super::env).expect("good");
    assert_eq!(apart.module, read(super::good::FULL).expect("good").module);
    assert_eq!(cluster.nodes, ["node1", "node2"]);

    fs::write(&userconfig, with("<vipp/>")).expect("written");
    let found = load_apart(&userconfig, "db", &super::env).expect_err("refused").to_string();
    assert!(found.contains("unknown element <vipp>") && found.contains("userconfig.xml:4:1"), "{found}");
}
