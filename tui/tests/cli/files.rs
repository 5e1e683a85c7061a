//! The verbs that work on files: good input is put in force in one step, bad input changes nothing.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::agent::{Home, accepted, starts};

const CLUSTER: &str = r#"<cluster>
  <lans>
    <lan name="default">
      <node name="node1" addr="10.0.0.1"/>
      <node name="node2" addr="10.0.0.2"/>
    </lan>
  </lans>
</cluster>
"#;

const MODULE: &str = r#"<safe>
  <service mode="mirror">
    <heart><heartbeat name="default"/></heart>
    <vip><interface_list><interface><real_interface>
      <virtual_addr addr="10.0.0.50" where="one_side_alias"/>
    </real_interface></interface></interface_list></vip>
    <user/>
  </service>
</safe>
"#;

/// A module's folder as its author has it.
fn source(home: &Home) -> PathBuf {
    let folder = home.path().join("source");
    fs::create_dir_all(folder.join("conf")).unwrap();
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::write(folder.join("conf/userconfig.xml"), MODULE).unwrap();
    fs::write(folder.join("bin/start_prim"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(folder.join("bin/start_prim"), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A node with its cluster configured and module `db` installed.
fn installed() -> Home {
    let home = Home::new();
    let (cluster, source) = (home.path().join("new.xml"), source(&home));
    fs::write(&cluster, CLUSTER).unwrap();
    assert_eq!(home.run(&format!("cluster config {}", cluster.display())).exit, 0);
    let ran = home.run(&format!("module install -m db {}", source.display()));
    assert_eq!(ran.exit, 0, "{}", ran.all());
    home
}

/// Every file below a folder with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => open.push(entry.path()),
                kind if kind.is_file() => _ = found.insert(entry.path(), fs::read(entry.path()).unwrap()),
                _ => {}
            }
        }
    }
    found
}

/// The command fails so, and nothing on the node is another.
fn refuses(home: &Home, line: &str, exit: i32, code: &str) -> String {
    let before = files(home.path());
    let ran = home.run(line);
    assert_eq!(ran.exit, exit, "{}", ran.all());
    assert!(ran.err.contains(&format!("error[{code}]")), "{}", ran.err);
    assert_eq!(files(home.path()), before);
    ran.err
}

#[test]
fn a_good_cluster_is_put_in_force_and_gets_one_key() {
    let home = Home::new();
    let file = home.path().join("new.xml");
    fs::write(&file, CLUSTER).unwrap();
    let line = format!("cluster config {}", file.display());
    let ran = home.run(&line);
    assert_eq!(ran.exit, 0, "{}", ran.all());
    assert_eq!(fs::read_to_string(home.path().join("cluster.xml")).unwrap(), CLUSTER);
    let key = fs::read(home.path().join("cluster.key")).unwrap();
    assert_eq!(fs::metadata(home.path().join("cluster.key")).unwrap().permissions().mode() & 0o777, 0o600);

    assert_eq!(home.run(&line).exit, 0);
    assert_eq!(fs::read(home.path().join("cluster.key")).unwrap(), key, "the key stays");
    refuses(&home, "cluster genkey", 3, "E0208");
}

#[test]
fn a_bad_cluster_changes_nothing() {
    let home = installed();
    let file = home.path().join("bad.xml");
    fs::write(&file, CLUSTER.replace("10.0.0.2", "10.0.0.300")).unwrap();
    for verb in ["config", "confcheck"] {
        let text = refuses(&home, &format!("cluster {verb} {}", file.display()), 1, "E0203");
        assert!(text.contains("10.0.0.300") && text.contains("bad.xml:5:"), "{text}");
    }
    insta::assert_snapshot!(home.run(&format!("cluster confcheck {}", file.display())).all());
    refuses(&home, &format!("cluster config {}/absent.xml", home.path().display()), 1, "E0203");
}

#[test]
fn a_key_can_be_made_alone() {
    let home = Home::new();
    assert_eq!(home.run("cluster genkey").exit, 0);
    assert!(home.path().join("cluster.key").exists());
}

#[test]
fn a_good_module_is_installed_checked_and_put_in_force() {
    let home = installed();
    let folder = home.path().join("modules/db");
    assert_eq!(home.run("confcheck").exit, 0);
    assert!(!folder.join("active").exists(), "checking puts nothing in force");
    assert!(home.run("module list").out.contains("not configured"));

    let ran = home.run("config -m db");
    assert_eq!(ran.exit, 0, "{}", ran.all());
    assert_eq!(fs::read_to_string(folder.join("active/conf/userconfig.xml")).unwrap(), MODULE);
    let script = fs::metadata(folder.join("active/bin/start_prim")).unwrap();
    assert_eq!(script.permissions().mode() & 0o777, 0o755, "scripts stay executable");
    assert!(home.run("module list").out.contains("in force"));

    fs::write(folder.join("bin/start_prim"), "#!/bin/sh\nexit 0\n").unwrap();
    assert!(home.run("module list").out.contains("changed since config"));
    assert_eq!(home.run("config -m db").exit, 0);
    assert_eq!(fs::read_to_string(folder.join("active/bin/start_prim")).unwrap(), "#!/bin/sh\nexit 0\n");
    assert_eq!(fs::read_to_string(folder.join("previous/bin/start_prim")).unwrap(), "#!/bin/sh\n");
    assert_eq!(home.run("config -m db").exit, 0, "and again");
}

#[test]
fn a_bad_module_changes_nothing() {
    let home = installed();
    assert_eq!(home.run("config").exit, 0);
    let file = home.path().join("modules/db/conf/userconfig.xml");
    fs::write(&file, MODULE.replace("mirror", "mirrow")).unwrap();
    for verb in ["config", "confcheck"] {
        let text = refuses(&home, verb, 1, "E0203");
        assert!(text.contains("mirrow"), "{text}");
    }
    fs::remove_file(home.path().join("cluster.xml")).unwrap();
    refuses(&home, "config", 3, "E0209");
    refuses(&home, "config -m web", 5, "E0201");
}

#[test]
fn two_modules_do_not_claim_the_same_address() {
    let home = installed();
    assert_eq!(home.run("config").exit, 0);
    let source = source(&home).display().to_string();
    assert_eq!(home.run(&format!("module install -m web {source}")).exit, 0);
    let text = refuses(&home, "config -m web", 1, "E0203");
    assert!(text.contains("10.0.0.50"), "{text}");
}

#[test]
fn a_replicated_directory_must_be_there() {
    let home = installed();
    let file = home.path().join("modules/db/conf/userconfig.xml");
    let rfs = "<rfs><replicated dir=\"/absent/data\"/></rfs><user/>";
    fs::write(&file, MODULE.replace("<user/>", rfs)).unwrap();
    let text = refuses(&home, "config", 1, "E0203");
    assert!(text.contains("/absent/data"), "{text}");
}

#[test]
fn a_link_in_a_module_changes_nothing() {
    let home = installed();
    assert_eq!(home.run("config").exit, 0);
    let link = home.path().join("modules/db/bin/stop_prim");
    std::os::unix::fs::symlink("/bin/true", link).unwrap();
    let active = files(&home.path().join("modules/db/active"));
    let ran = home.run("config");
    assert_eq!((ran.exit, files(&home.path().join("modules/db/active"))), (1, active), "{}", ran.err);
}

#[test]
fn files_are_not_exchanged_under_a_started_module() {
    let home = installed();
    assert_eq!(home.run("config").exit, 0);
    let kept = home.start_agent(&["db"], starts);
    kept.turn("db", "ALONE", "Ready");
    let text = refuses(&home, "config", 3, "E0206");
    insta::assert_snapshot!(text);
    refuses(&home, "module uninstall --confirm db", 3, "E0206");
}

#[test]
fn the_running_agent_hears_of_a_new_configuration() {
    let home = installed();
    let kept = home.start_agent(&["db"], |kept, command| {
        kept.happen("U", &format!("{} {}", command.verb, command.module));
        Ok(accepted(kept.now().seq, "STOP"))
    });
    assert_eq!(home.run("config").exit, 0);
    assert_eq!(kept.now().events[0].text, "config db");
    assert_eq!(home.run("module uninstall --confirm db").exit, 0);
    assert_eq!(kept.now().events[1].text, "uninstall db");
}

#[test]
fn installing_never_overwrites_and_names_are_checked() {
    let home = installed();
    let source = source(&home).display().to_string();
    refuses(&home, &format!("module install -m db {source}"), 3, "E0207");
    refuses(&home, &format!("module install -m ../db {source}"), 2, "E0006");
    refuses(&home, &format!("module install {source}"), 2, "E0001");
    refuses(&home, &format!("module install -m web {source}/bin"), 1, "E0204");
    refuses(&home, &format!("module install -m web {source}/conf/userconfig.xml"), 2, "E0004");
}

#[test]
fn a_module_leaves_with_the_operators_word_only() {
    let home = installed();
    refuses(&home, "module uninstall", 2, "E0002");
    refuses(&home, "module uninstall -y", 2, "E0002");
    assert_eq!(home.run("module uninstall --confirm db").exit, 0);
    assert!(!home.path().join("modules/db").exists());
    assert_eq!(home.run("module list -o plain").out, "");
}

#[test]
fn signatures_tell_what_is_in_force() {
    let (one, two) = (installed(), installed());
    for home in [&one, &two] {
        assert_eq!(home.run("config").exit, 0);
    }
    let signatures = |home: &Home| -> Vec<String> {
        let out = home.run("cluster confinfo -o plain").out;
        out.lines().map(|line| line.split('\t').nth(1).unwrap().to_string()).collect()
    };
    let (of_one, of_two) = (signatures(&one), signatures(&two));
    assert_eq!((&of_one[0], &of_one[2]), (&of_two[0], &of_two[2]), "cluster and module say the same");
    assert_ne!(of_one[1], of_two[1], "each node made a key of its own: that must be seen");

    fs::write(two.path().join("modules/db/bin/start_prim"), "other").unwrap();
    assert_eq!(two.run("config").exit, 0);
    assert_ne!(signatures(&two)[2], of_one[2]);
}
