//! The replicated directory.

use safetui_lab::Cluster;

use crate::{LEDGER, LONG, logged, on_disk, pair, tree, until_acked, write};

fn trees(cluster: &Cluster) -> [Vec<String>; 2] {
    cluster.nodes().map(|node| tree(&node.on_disk(LEDGER)))
}

fn same_on_both(cluster: &Cluster) {
    let [ours, theirs] = trees(cluster);
    assert_eq!(ours, theirs);
}

#[test]
fn a_secondary_protects_its_copy_and_gets_what_it_missed() {
    let cluster = pair();
    write(&cluster.n1, "file1", "one");
    assert_eq!(on_disk(&cluster.n2, "file1").as_deref(), Some("one"));
    let refused = cluster.n2.run("rm", ["-f", "/srv/ledger/file1"]).unwrap_err().to_string();
    assert!(refused.contains("Read-only file system"), "{refused}");
    assert!(cluster.n2.run("touch", ["/srv/ledger/mine"]).is_err());
    for node in cluster.nodes() {
        assert_eq!(on_disk(node, "file1").as_deref(), Some("one"));
    }

    cluster.n1.order("stop").unwrap();
    cluster.wait("n2", "ALONE").unwrap();
    write(&cluster.n2, "file2", "two");
    assert_eq!(on_disk(&cluster.n1, "file2"), None);
    cluster.n1.order("start").unwrap();
    cluster.wait("n1", "SECOND").unwrap();
    logged(&cluster.n1, "Local state SECOND Transient");
    logged(&cluster.n2, "Reintegration ended");
    assert_eq!(on_disk(&cluster.n1, "file2").as_deref(), Some("two"));
    same_on_both(&cluster);
}

#[test]
fn both_disks_hold_the_same_bytes_under_load() {
    let cluster = pair();
    let client = cluster.client("w").unwrap();
    let script = "cd /srv/ledger && dd if=/dev/urandom of=big bs=64k count=64 status=none && \
                  dd if=/dev/urandom of=big bs=1000 seek=777 count=50 conv=notrunc status=none && \
                  truncate -s 3000001 big && mkdir -p a/b && cp big a/b/copy && mv a/b c && \
                  ln c/copy hard && ln -s c/copy soft && rm big && for n in 1 2 3 4 5 6 7 8 9; do \
                  echo $n >c/$n; echo more >>c/$n; done && rm c/5 && mv c/6 c/7 && sync";
    until_acked(&client, 100);
    cluster.n1.run("sh", ["-c", script]).unwrap();
    until_acked(&client, 100);
    let proof = client.finish(&cluster.client, LONG).unwrap();
    assert!(proof.lost.is_empty(), "{proof:?}");
    same_on_both(&cluster);
    assert!(trees(&cluster)[1].iter().any(|line| line.starts_with("hard ")));
}

#[test]
fn modes_owners_times_and_links_are_kept_live_and_by_a_copy() {
    let cluster = pair();
    let change = |number: u32| {
        let script = format!(
            "cd /srv/ledger && mkdir -m 2750 d{number} && echo x >d{number}/f && chown 1234:4321 d{number}/f && \
             chmod 4711 d{number}/f && touch -m -d '2001-02-03 04:05:06.789' d{number}/f && \
             ln d{number}/f d{number}/g && ln -s nowhere d{number}/s && chown -h 7:8 d{number}/s && \
             mkfifo -m 600 d{number}/p && sync"
        );
        cluster.n1.run("sh", ["-c", &script]).unwrap();
    };
    let files = |index: usize| -> Vec<String> {
        trees(&cluster)[index].iter().filter(|line| line.starts_with('d')).cloned().collect()
    };
    change(1);
    assert_eq!(files(0), files(1));
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    change(2);
    cluster.n1.run("chmod", ["600", "/srv/ledger/d1/f"]).unwrap();
    cluster.n2.order("start").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    assert_eq!(files(0), files(1));
    let all = files(1).join("\n");
    for expected in ["d2/f 104711 1234:4321 2", "d1/f 100600 1234:4321 2", ".789000000", "d2/s 120777 7:8"] {
        assert!(all.contains(expected), "{expected} in {all}");
    }
}

#[test]
fn what_the_secondary_had_and_the_primary_removed_is_removed() {
    let cluster = pair();
    write(&cluster.n1, "old", "text");
    cluster.n2.order("stop").unwrap();
    cluster.wait("n1", "ALONE").unwrap();
    cluster.n1.run("rm", ["/srv/ledger/old"]).unwrap();
    assert_eq!(on_disk(&cluster.n2, "old").as_deref(), Some("text"));
    cluster.n2.order("start").unwrap();
    cluster.wait("n2", "SECOND").unwrap();
    assert_eq!(on_disk(&cluster.n2, "old"), None);
    same_on_both(&cluster);
}
